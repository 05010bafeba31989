"""The schema says what the checker says, as far as it can, and the committed file is the one that the code makes."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from amounts import sampled
from jsonschema import Draft202012Validator
from paths import ROOT
from texts import check_text
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.limits import DEFAULT_LIMITS
from shapecheck.language import schema
from shapecheck.language.document import parse, plain_value
from shapecheck.layers import REGISTRY
from shapecheck.layers.fields import REQUIRED, Boolean, Kind, Listing

EXAMPLES = sorted((ROOT / "examples").glob("*.net.yaml"))
SCHEMA = schema.build()
NETWORK = Draft202012Validator(SCHEMA)
LAYER = Draft202012Validator({"$ref": "#/$defs/layer", "$defs": SCHEMA["$defs"]})
EVERY_KEY = [(op, name) for op, kind in sorted(REGISTRY.items()) for name in kind.keys_of(op)]
VALUES: list[Any] = [
    *(0, 1, 2, -1, 2.5, True, None, "", "text", "same", "H", "zeros", "depthwise", "mean", "constant", "=1"),
    *(
        [],
        [1],
        [0, 2],
        [-1, 2],
        [2.5],
        ["H", 3],
        ["x y"],
        [True],
        [[1, 2], [3, 4]],
        [[1, 2, 3]],
        [[]],
        ["=1", 2],
        {},
        {"a": 1},
    ),
]


def plain(node: Node) -> Any:
    """The data of a file as YAML 1.2 has it: what an editor's schema check sees."""
    if isinstance(node, ScalarNode):
        return plain_value(node)
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.value]
    assert isinstance(node, MappingNode)
    return {key.value: plain(value) for key, value in node.value}


def data_of(text: str) -> Any:
    root = parse(text, DEFAULT_LIMITS)
    assert isinstance(root, MappingNode), root
    return plain(root)


def network(only: dict[str, Any], **top: Any) -> dict[str, Any]:
    return {"shapecheck": 1, "inputs": {"x": [1, 4, "H", 16]}, "dims": {"H": 16}, "layers": [only], **top}


def errors(data: Any) -> set[str]:
    """The rules by which the checker refuses a file."""
    text = yaml.safe_dump(data, sort_keys=False)
    found = check_text(text, "x.net.yaml").diagnostics
    return {d.rule.name for d in found if d.severity is Severity.ERROR}


def sample(kind: Kind) -> Any:
    """A value that fits."""
    return next(value for value in VALUES if value not in (0, None) and _fits(kind, value))


def _fits(kind: Kind, value: Any) -> bool:
    try:
        kind.read(value)
    except Exception:
        return False
    return True


# What ops need of which the registry says that it may be left out: one of several, or what a reference gives.
ALSO: dict[str, dict[str, Any]] = {
    "conv_transpose": {"out_channels": 1, "kernel_size": 1},
    "crop": {"cropping": 1},
    "max_unpool": {"kernel_size": 2},
    "upsample": {"scale_factor": 2},
}


def minimal(op: str) -> dict[str, Any]:
    keys = REGISTRY[op].keys_of(op)
    return (
        {"op": op}
        | ALSO.get(op, {})
        | {name: sample(key.kind) for name, key in keys.items() if key.default is REQUIRED}
    )


def test_the_file_is_the_one_that_the_code_makes() -> None:
    committed = (ROOT / schema.PATH).read_text(encoding="utf-8")
    assert committed == schema.text(), "run: python -m shapecheck.language.schema"


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_main_writes_it(tmp_path: Path) -> None:
    schema.main([str(tmp_path / "s.json")])
    assert json.loads((tmp_path / "s.json").read_text(encoding="utf-8")) == SCHEMA


def test_every_definition_is_used() -> None:
    text = json.dumps(SCHEMA)
    assert [name for name in SCHEMA["$defs"] if f'"#/$defs/{name}"' not in text] == []


def test_every_key_is_documented() -> None:
    for op, name in EVERY_KEY:
        assert SCHEMA["$defs"][f"op_{op}"]["properties"][name]["description"], (op, name)


@pytest.mark.parametrize("path", sampled(EXAMPLES, 3), ids=lambda path: path.name.partition(".")[0])
def test_the_examples_fit(path: Path) -> None:
    found = [
        f"{error.json_path}: {error.message}"
        for error in NETWORK.iter_errors(data_of(path.read_text(encoding="utf-8")))
    ]
    assert found == []


@pytest.mark.parametrize("name", ["misspelt_key", "unknown_op"])
def test_structural_mistakes_in_the_examples_are_refused(name: str) -> None:
    text = (ROOT / "examples" / "broken" / f"{name}.net.yaml").read_text(encoding="utf-8")
    assert not NETWORK.is_valid(data_of(text))
    assert not check_text(text, name).ok


GOOD: list[dict[str, Any]] = [
    network({"op": "relu"}),
    network({"op": "relu", "name": "r", "from": "x", "expect": [1, 4, "_", "=16"], "when": True}),
    network({"op": "conv", "out_channels": "=width", "kernel_size": [3, 1], "in_channels": None}, params={"width": 3}),
    network(
        {"op": "relu"},
        inputs={"x": {"shape": ["N", 4, "H", "=2 * 3"], "dtype": "bfloat16"}},
        dims={"N": 2, "H": {"size": 8, "accepts": {"min": 4, "sizes": [8, 9]}}},
    ),
    network(
        {"block": "b", "with": {"c": [1, 2]}, "repeat": 3},
        blocks={"b": {"params": {"c": None}, "layers": [{"op": "prelu", "num_parameters": "=min(c)"}]}},
    ),
    network({"op": "relu", "name": "r"}, outputs={"y": {"from": "r", "expect": [1, "_", 16, 16]}, "z": "r"}),
    network({"op": "relu", "name": "r"}, outputs=["r"], name="n", doc="d", layout="channels_last"),
    network({"op": "upsample", "size": [4, "=4"]}),
]
BAD: list[tuple[dict[str, Any], str]] = [
    (network({"op": "relu"}, layer=[]), "unknown-key"),
    (network({"op": "relu", "alpha": 1}), "unknown-key"),
    (network({"op": "relu", "repeat": 2}), "unknown-key"),
    (network({"op": "rellu"}), "unknown-op"),
    (network({"op": ["relu"]}), "unknown-op"),
    (network({"name": "nothing"}), "missing-key"),
    (network({"op": "conv", "out_channels": 3}), "missing-key"),
    (network({"op": "conv", "out_channels": 3, "kernel_size": "3"}), "wrong-value"),
    (network({"op": "conv", "out_channels": 3, "kernel_size": 0}), "wrong-value"),
    (network({"op": "conv", "out_channels": 3, "kernel_size": 3, "bias": "on"}), "wrong-value"),
    (network({"op": "relu", "name": "a.b"}), "wrong-value"),
    (network({"op": "relu", "from": []}), "wrong-value"),
    (network({"op": "relu", "expect": 4}), "wrong-value"),
    (network({"op": "relu"}, layers=[]), "wrong-type"),
    (network({"op": "relu"}, layers={"op": "relu"}), "wrong-type"),
    (network({"op": "relu"}, inputs={}), "wrong-type"),
    (network({"op": "relu"}, inputs={"x": 3}), "wrong-type"),
    (network({"op": "relu"}, inputs={"x": {"dtype": "int8"}}), "missing-key"),
    (network({"op": "relu"}, inputs={"x": {"shape": [1, 2], "dtype": "float"}}), "wrong-value"),
    (network({"op": "relu"}, layout="channels_middle"), "wrong-value"),
    (network({"op": "relu"}, shapecheck=2), "unknown-version"),
    (network({"op": "relu"}, params={"index": "a"}), "wrong-value"),
    (network({"op": "relu"}, dims={"H": {"sizes": 3}}), "unknown-key"),
    (network({"op": "relu"}, dims={"H": {"accepts": {"min": 0}}}), "wrong-value"),
    (network({"block": "b", "stride": 2}, blocks={"b": {"layers": [{"op": "relu"}]}}), "unknown-key"),
    (network({"op": "relu"}, blocks={"b": {"layer": []}}), "missing-key"),
    (network({"op": "relu"}, outputs={"y": {"shape": [1]}}), "unknown-key"),
    ({"shapecheck": 1, "layers": [{"op": "relu"}]}, "missing-key"),
    ({"shapecheck": 1, "inputs": {"x": [1, 2]}}, "missing-key"),
    ({"inputs": {"x": [1, 2]}, "layers": [{"op": "relu"}]}, "missing-key"),
]


@pytest.mark.parametrize("data", GOOD)
def test_both_accept(data: dict[str, Any]) -> None:
    assert [error.message for error in NETWORK.iter_errors(data)] == []
    assert errors(data) == set()


@pytest.mark.parametrize(("data", "rule"), BAD)
def test_both_refuse(data: dict[str, Any], rule: str) -> None:
    assert not NETWORK.is_valid(data)
    assert rule in errors(data)


@pytest.mark.parametrize("op", sorted(REGISTRY))
def test_an_op_with_its_required_keys_is_accepted_and_without_one_refused(op: str) -> None:
    layer = minimal(op)
    assert LAYER.is_valid(layer), layer
    for name in layer.keys() - ALSO.get(op, {}).keys():
        less = {key: value for key, value in layer.items() if key != name}
        assert not LAYER.is_valid(less), less
        assert "missing-key" in errors(network(less)), less
    assert not LAYER.is_valid({**layer, "sride": 1})


@pytest.mark.parametrize("key", sampled(EVERY_KEY, 3), ids=".".join)
def test_schema_and_reader_agree_on_every_key(key: tuple[str, str]) -> None:
    op, name = key
    kind = REGISTRY[op].keys_of(op)[name].kind
    validator = Draft202012Validator({"$ref": f"#/$defs/op_{op}", "$defs": SCHEMA["$defs"]})
    for value in VALUES:
        if value == "=1" and isinstance(kind, (Boolean, Listing)):
            continue  # the schema cannot know what an expression gives
        layer = {**minimal(op), name: value}
        misread = errors(network(layer)) & {"wrong-value", "wrong-type", "unknown-key", "unknown-dimension"}
        assert validator.is_valid(layer) == (not misread), (layer, misread)
