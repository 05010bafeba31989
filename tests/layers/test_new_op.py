"""Ops that stand in no file of the package work everywhere: what a layer class declares is all that anybody asks.

Four of them: a function of each element, a layer that shrinks maps, one that slides a window, and a merge. Every
command, the report, the server, the JSON Schema and the tables of the reference take them without a line elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml
from fake_ops import fake_ops
from shell import Shell

from shapecheck import api
from shapecheck.analysis.receptive_field import receptive_fields
from shapecheck.arithmetic.shape import Shape
from shapecheck.arithmetic.symbolic import Size
from shapecheck.findings.checked import Report
from shapecheck.language import op_tables, schema
from shapecheck.layers.base import REGISTRY, Layer
from shapecheck.layers.context import Context
from shapecheck.layers.fields import Integer, PerAxis, key
from shapecheck.layers.flow import Flow, kept, windowed
from shapecheck.layers.role import Role
from shapecheck.layers.sliding import require_fit, slide
from shapecheck.layers.window import Window

TEXT = """\
shapecheck: 1
inputs: {image: [2, 3, 64, 64]}
layers:
  - {name: stem, op: conv, out_channels: 16, kernel_size: 3, padding: 1}
  - {name: shrunk, op: swoosh, speed: 0.25}
  - {name: left, op: blur, kernel_size: 4, stride: 2, padding: 1}
  - {name: right, op: halve, from: shrunk}
  - {name: both, op: glue, from: [left, right]}
  - {name: deeper, op: blur, kernel_size: 4, stride: 2, padding: 1}
  - {name: flat, op: flatten, expect: [_, 8192]}
  - {name: again, op: swoosh}
  - {name: scores, op: linear, out_features: 10}
"""


class Blurred(Layer):
    """Slide a window with fixed weights, each channel by itself."""

    role = Role.SLIDES | Role.MAP

    kernel_size: Any = key(PerAxis(Integer(1)), "Size of the window.")
    stride: Any = key(PerAxis(Integer(1)), "Distance between two windows.", 1)
    padding: int = key(Integer(0), "Zeros at the edges.", 0)

    def windows(self, context: Context) -> tuple[Window, ...]:
        return slide(context.feature_map().spatial, self.kernel_size, self.stride, self.padding, 1)

    def output(self, context: Context) -> Shape:
        features, windows = context.feature_map(), self.windows(context)
        require_fit(context, windows)
        return context.join(features, features.channels, [w.o for w in windows])

    def flow(self, context: Context, output: Shape) -> Flow:
        spatial = [windowed(context.spatial_axis(j), w) for j, w in enumerate(self.windows(context))]
        return context.lay_out(kept(context.channels_at), spatial)

    def multiply_adds(self, context: Context, output: Shape) -> Size:
        return 7


@pytest.fixture(autouse=True)
def _new_ops(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(REGISTRY, "blur", Blurred)
    with fake_ops():
        yield


def check(text: str) -> Report:
    return api.check(api.loads(text))


def find(text: str, shell: Shell) -> list[dict[str, Any]]:
    found = shell("check", "--no-cache", "--output-format", "json", shell.write(text))
    assert "Traceback" not in found.err, found.err
    return [finding for file in found.json["files"] for finding in file["diagnostics"]]


def test_shapes_and_costs_are_told(shell: Shell) -> None:
    found = shell("shapes", "--output-format", "json", shell.write(TEXT)).json
    layers = {layer["name"]: layer for layer in found["layers"]}
    assert layers["both"]["output_shape"] == [2, 32, 32, 32]
    assert layers["deeper"]["output_shape"] == [2, 32, 16, 16]
    assert layers["left"]["multiply_adds"] == 7
    assert find(TEXT, shell) == []


def test_the_receptive_field_goes_through(shell: Shell) -> None:
    shapes = api.propagate(api.loads(TEXT))
    fields = receptive_fields(shapes)
    # 3, then 4 taps (3 + 3), then the union with pairs of neighbours, which is no more, then 4 taps at distance 2.
    found = {node.name: fields[node.index] for node in shapes.network.layers}
    assert [found[name] for name in ("shrunk", "left", "deeper")] == [(3, 3), (6, 6), (12, 12)]


def test_every_size_is_found(shell: Shell) -> None:
    text = TEXT.replace("64, 64]}", "64, W]}\ndims: {W: 64}").replace(", expect: [_, 8192]", "")
    found = api.sizes(api.loads(text.replace("from: [left, right]", "from: [left, left]")))
    assert found["W"].condition == "W >= 4"


def test_a_mismatch_at_a_new_merge_is_told(shell: Shell) -> None:
    text = TEXT.replace("kernel_size: 4, stride: 2, padding: 1}\n  - {name: right", "kernel_size: 9}\n  - {name: right")
    assert any(finding["rule"] == "merge-mismatch" for finding in find(text, shell))


def test_the_cause_of_a_mismatch_is_a_new_op(shell: Shell) -> None:
    text = TEXT.replace("64, 64]", "64, 65]").replace(
        "left, op: blur, kernel_size: 4", "left, op: blur, kernel_size: 3"
    )
    (finding,) = [finding for finding in find(text, shell) if finding["rule"] == "merge-mismatch"]
    assert "the branches part at left, which rounds 65 / 2 up" in finding["related"][-1]["message"]
    assert "write 64 or 66 in place of 65" in finding["help"]


def test_a_size_is_explained_behind_a_new_op(shell: Shell) -> None:
    (finding,) = find(TEXT.replace("{name: scores, op: linear,", "{name: scores, op: linear, in_features: 9,"), shell)
    assert [place["message"] for place in finding["related"]] == ["flat makes 32 x 16 x 16 = 8192 (of [2, 32, 16, 16])"]


def test_a_kernel_that_does_not_fit_is_told_with_the_sizes_on_the_way(shell: Shell) -> None:
    (finding,) = find(TEXT.replace("deeper, op: blur, kernel_size: 4", "deeper, op: blur, kernel_size: 99"), shell)
    assert finding["rule"] == "kernel-exceeds-input"
    assert "H (axis 2) on the way here: 64 (image) -> 32 (left)" in [place["message"] for place in finding["related"]]


@pytest.mark.parametrize(
    ("rule", "layers"),
    [
        ("activation-twice", "{op: swoosh}, {op: relu}"),
        ("activation-twice", "{op: relu}, {op: swoosh}"),
        ("unread-input", "{op: blur, kernel_size: 2, stride: 2, name: odd}"),
        ("stride-larger-than-kernel", "{op: blur, kernel_size: 1, stride: 2}"),
        ("same-input-twice", "{op: glue, from: [image, image]}"),
    ],
)
def test_rules_judge_new_ops(rule: str, layers: str) -> None:
    text = f"shapecheck: 1\ninputs: {{image: [2, 3, 33, 33]}}\nlayers: [{layers}]\n"
    report = check(text)
    assert rule in {finding.rule.name for finding in report.diagnostics}, report.diagnostics


def test_a_new_activation_parts_two_linear_maps() -> None:
    maps = "{op: linear, out_features: 32}", "{op: linear, out_features: 10}"
    head = "shapecheck: 1\ninputs: {image: [2, 64]}\nlayers: "
    apart = check(f"{head}[{maps[0]}, {{op: swoosh}}, {maps[1]}]\n")
    beside = check(f"{head}[{maps[0]}, {maps[1]}]\n")
    told = [{finding.rule.name for finding in report.diagnostics} for report in (apart, beside)]
    assert told == [set(), {"linear-without-activation"}]


def test_explain_shows_the_arithmetic(shell: Shell) -> None:
    path = shell.write(TEXT)
    assert "(64 + 2·1 − 4)" in shell("explain", path, "left").out
    for layer in ("shrunk", "both"):
        assert shell("explain", path, layer).code == 0


def test_the_figure_of_a_layer_is_drawn_or_refused(shell: Shell) -> None:
    path = shell.write(TEXT)
    assert "<svg" in shell("figure", path, "left").out
    refused = shell("figure", path, "both")
    assert refused.err == "both: there is no picture: it slides no window\n"


def test_the_report_shows_new_layers(shell: Shell) -> None:
    page = api.report_page(check(TEXT))
    for word in ("swoosh", "blur", "glue", "shrunk", "deeper"):
        assert word in page


def test_symmetry_is_asked_for(shell: Shell) -> None:
    assert api.symmetry(api.loads(TEXT)) == []
    assert shell("symmetry", shell.write(TEXT)).code == 0


def test_a_difference_tells_the_keys_of_a_new_op(shell: Shell) -> None:
    old = shell.write(TEXT, "old.net.yaml")
    text = TEXT.replace("deeper, op: blur, kernel_size: 4", "deeper, op: blur, kernel_size: 5")
    new = shell.write(text.replace("0.25}", "0.75}"), "new.net.yaml")
    found = shell("diff", old, new)
    assert "kernel_size" in found.out and "speed" in found.out
    assert "Traceback" not in found.err


def test_the_json_schema_has_new_ops() -> None:
    built = json.loads(json.dumps(schema.build()))
    document = yaml.safe_load(TEXT)
    jsonschema.Draft202012Validator(built).validate(document)
    document["layers"][2]["kernel"] = 3
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(built).validate(document)


def test_the_tables_of_the_reference_have_new_ops() -> None:
    ops, keys = op_tables.ops(), op_tables.keys()
    assert "| `swoosh` | Swoosh each element by itself. | 1 | `speed` 1.0 |" in ops
    assert re.search(r"^\| `glue` \|.*\| 2 or more \|", ops, flags=re.MULTILINE)
    assert "speed" in keys


def test_a_misspelt_key_of_a_new_op_is_told(shell: Shell) -> None:
    (finding,) = find(TEXT.replace("speed: 0.25", "sped: 0.25"), shell)
    assert finding["rule"] == "unknown-key" and "speed" in finding["help"]


def test_the_server_knows_new_ops() -> None:
    pytest.importorskip("pygls")
    from lsprotocol import types  # not there without pygls

    from shapecheck.config import Config
    from shapecheck.server.checker import Checker
    from shapecheck.server.completion import complete
    from shapecheck.server.hover import hover
    from shapecheck.server.positions import Text

    text = Text(TEXT)
    analysis = Checker("new.net.yaml").check(text, Config())
    line = next(number for number, line in enumerate(text.lines) if "op: blur" in line)
    told = hover(analysis, types.Position(line, text.lines[line].index("blur") + 1))
    assert told is not None and "fixed weights" in str(told.contents)
    name = hover(analysis, types.Position(line, text.lines[line].index("left") + 1))
    assert name is not None and "32" in str(name.contents)
    written = Text("shapecheck: 1\ninputs: {image: [2, 3, 8, 8]}\nlayers:\n  - {op: \n")
    offered = complete(written, types.Position(3, 9), analysis.names)
    assert {"swoosh", "blur", "glue"} <= {item.label for item in offered}
    keys = Text("shapecheck: 1\ninputs: {image: [2, 3, 8, 8]}\nlayers:\n  - {op: blur, }\n")
    assert "kernel_size" in {item.label for item in complete(keys, types.Position(3, 15), analysis.names)}


def test_what_has_no_build_is_not_checked_by_its_name() -> None:
    """Verification builds each op a second time; of one that it cannot build it says so, and goes on."""
    found = api.verify(api.loads(TEXT), level="trace")
    assert found.result == "not_checked"
    assert found.not_checked[0].layer == "shrunk" and "swoosh" in found.not_checked[0].reason
    assert found.disagreements == ()
