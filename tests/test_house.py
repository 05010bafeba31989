"""How the package is built: who may name an op, what a name means, and what no decision is read from."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import shapecheck
from shapecheck.layers import REGISTRY
from shapecheck.layers.base import Broken, Layer

PACKAGE = Path(shapecheck.__file__).parent
# The rooms in which ops are spoken of by name: what an op is, its second build, and other tools' words for it.
OPS_AT_HOME = ("layers/", "verification/reference/", "importers/", "frontends/")
# Rules and commands that are about some op, and which. Nothing else outside OPS_AT_HOME names one.
ABOUT_AN_OP = {
    "cli/calc_command.py": {"conv"},
    # x · x is a square, which is meant.
    "rules/merges.py": {"multiply"},
    # Which of two activations in a row to leave out; softplus with tanh, which is mish spelled out; what is always 0.
    "rules/nonlinearity.py": {"log_softmax", "relu", "relu6", "sigmoid", "softplus", "tanh"},
}
# Texts that are an op's name as well, and what they are here.
NO_OP = {
    "language/op_tables.py": {"conv", "conv_transpose", "linear"},  # modules of layers, in the order of the reference
    "rules/advice/merge_advice.py": {"crop"},  # what is done with the larger of two maps
    "output/verification_json.py": {"dropout"},  # a key of the JSON: whether dropout was on
}
# Rules and commands that are about layers of some class, and which.
ABOUT_A_CLASS = {
    # A reshape where a permute was meant.
    "rules/axis_order.py": {"Permute", "Reshape"},
    "cli/calc_command.py": {"Conv", "ConvTranspose", "MaxPool"},
    "rules/encoder_decoder.py": {"MaxUnpool"},
    "rules/resized_maps.py": {"AdaptivePool"},
}
MOST_ROOT_MODULES = 8
# Ways to look into a text.
READING = ("startswith", "endswith", "partition", "rpartition", "split", "rsplit", "replace", "removeprefix", "find")


@cache
def trees() -> dict[str, ast.Module]:
    """Return the syntax tree of each module of the package, by its path in it."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def away_from_home() -> dict[str, ast.Module]:
    return {path: tree for path, tree in trees().items() if not path.startswith(OPS_AT_HOME)}


def texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the texts of a module that are no docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node


def layer_classes() -> set[type[Layer]]:
    """Return every class of layers with an op, and what such classes share."""
    return {base for kind in REGISTRY.values() for base in kind.__mro__ if issubclass(base, Layer)} - {Layer, Broken}


def test_an_op_is_named_at_home_and_in_rules_about_it_only() -> None:
    named: dict[str, set[str]] = {}
    for path, tree in away_from_home().items():
        for text in texts(tree):
            if text.value in REGISTRY and text.value not in NO_OP.get(path, ()):
                named.setdefault(path, set()).add(text.value)
    assert named == ABOUT_AN_OP


def test_a_layer_class_is_asked_for_at_home_and_in_rules_about_it_only() -> None:
    classes = {kind.__name__ for kind in layer_classes()}
    used: dict[str, set[str]] = {}
    for path, tree in away_from_home().items():
        imported = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shapecheck.layers")
            for alias in node.names
            if alias.name in classes
        }
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        if imported & names:
            used[path] = imported & names
    assert used == ABOUT_A_CLASS


def test_rules_about_an_op_are_few() -> None:
    """The lists above are for rules and commands; an analysis that needs an op asks the layer instead."""
    assert all(path.startswith(("rules/", "cli/")) for path in (*ABOUT_AN_OP, *ABOUT_A_CLASS))


def test_a_module_has_its_name_for_itself() -> None:
    names: dict[str, list[str]] = {}
    for path in trees():
        name = Path(path).stem
        # A builder stands under the name of the layers that it builds.
        if not name.startswith("__") and not path.startswith("verification/reference/builders/"):
            names.setdefault(name, []).append(path)
    assert not {name: paths for name, paths in names.items() if len(paths) > 1}


def test_builders_have_the_names_of_the_layers_that_they_build() -> None:
    builders = {Path(path).name for path in trees() if path.startswith("verification/reference/builders/")}
    layers = {Path(path).name for path in trees() if path.startswith("layers/")}
    assert builders <= layers


def test_a_class_has_its_name_for_itself() -> None:
    names: dict[str, list[str]] = {}
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                names.setdefault(node.name, []).append(path)
    assert not {name: paths for name, paths in names.items() if len(paths) > 1}


def test_few_modules_stand_at_the_root() -> None:
    modules = [path for path in trees() if "/" not in path and not path.startswith("__")]
    assert len(modules) <= MOST_ROOT_MODULES


def test_no_decision_is_read_from_a_code() -> None:
    """What a rule is stands in the catalogue: its phase, its severity, whether it is on."""
    found = []
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", None) in READING:
                constants = [part for argument in node.args for part in ast.walk(argument)]
                if any(isinstance(part, ast.Constant) and str(part.value).startswith("SC") for part in constants):
                    found.append(f"{path}:{node.lineno}")
            if isinstance(node, ast.Subscript) and getattr(node.value, "attr", None) == "code":
                found.append(f"{path}:{node.lineno}")
    assert not found


def test_no_decision_is_read_from_a_message() -> None:
    """A finding says in fields what it is about; its message is for people."""
    found = []
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            asked = node.func.value
            name = getattr(asked, "attr", None) or getattr(asked, "id", None)
            looks_in = node.func.attr in READING and name in ("message", "help", "because")
            matches = getattr(asked, "id", "").startswith(("re", "_")) and any(
                getattr(argument, "attr", None) in ("message", "help") for argument in node.args
            )
            if looks_in or (matches and node.func.attr in ("match", "search", "sub", "fullmatch", "findall", "split")):
                found.append(f"{path}:{node.lineno}")
    assert not found


def test_these_tests_can_fail() -> None:
    """Each of them looks at something."""
    assert len(trees()) > 150
    assert len(away_from_home()) < len(trees())
    assert Counter(path.split("/")[0] for path in trees())["rules"] > 10
    assert {"Conv", "Norm", "Elementwise"} <= {kind.__name__ for kind in layer_classes()}
