"""Every op of the language has a builder, which serves both layouts; and what builders must not know."""

from __future__ import annotations

import ast
from pathlib import Path

import handmade
import pytest
from handmade import chain
from layer_choices import EXPECTED, expected, sample

import shapecheck.verification.reference
from shapecheck.analysis.cost import cost
from shapecheck.analysis.propagation import propagate
from shapecheck.arithmetic.symbolic import Symbolic
from shapecheck.layers import REGISTRY
from shapecheck.verification.reference import BUILDERS, BuildError, build, run_levels

FORBIDDEN = (
    "arithmetic.convolution",
    "analysis",
    "rules",
    "output",
    "pipeline",
    "verify.crosscheck",
    "verify.records.result",
    "layers.window",
)


BY_LAYOUT = [
    op for op, shape in EXPECTED.items() if len(shape) == 4 and op not in ("linear", "permute", "slice", "chunk")
]


def test_every_op_has_a_builder_and_every_builder_an_op() -> None:
    assert set(BUILDERS) == set(REGISTRY)


@pytest.mark.parametrize("op", sorted(REGISTRY))
def test_every_op_compiles(op: str) -> None:
    made = sample(op)
    found = run_levels(made)
    assert not found.refused
    assert found.bytes_agree
    assert found.shapes[len(made.nodes) - 1] == expected(op)


@pytest.mark.parametrize("op", [*BY_LAYOUT, "fold", "unfold", "batch_norm", "prelu", "local_response_norm"])
def test_channels_last(op: str) -> None:
    made = sample(op, channels_last=True)
    batch, channels, *sizes = expected(op)
    assert run_levels(made, "trace").shapes[len(made.nodes) - 1] == (batch, *sizes, channels)


@pytest.mark.parametrize("op", sorted(REGISTRY))
def test_every_op_counts_the_parameters_that_it_learns(op: str) -> None:
    layer = sample(op).nodes[-1].layer
    specs = build(sample(op)).specs
    learned = {name.partition(".")[2] for name in specs}
    if getattr(layer, "bias", False):
        assert any("bias" in name for name in learned)
    shapes = propagate(sample(op))
    assert bool(learned) == bool(cost(shapes, shapes.network.nodes[-1]).parameters)


def sources() -> list[Path]:
    return sorted(Path(next(iter(shapecheck.verification.reference.__path__))).rglob("*.py"))


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.name)
def test_the_witness_is_independent(path: Path) -> None:
    """No import of what it witnesses, and no call of a layer's own shape rule."""
    for found in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(found, ast.Import):
            names = [alias.name for alias in found.names]
        elif isinstance(found, ast.ImportFrom):
            names = [f"{found.module}.{alias.name}" for alias in found.names]
        for name in names:
            assert not any(name.startswith(f"shapecheck.{other}") for other in FORBIDDEN), name
        if isinstance(found, ast.Attribute) and isinstance(found.value, (ast.Name, ast.Attribute)):
            owner = found.value.id if isinstance(found.value, ast.Name) else found.value.attr
            assert (owner, found.attr) not in {("layer", "output"), ("layer", "windows"), ("layer", "parameters")}


def test_building_a_network_that_does_not_fit_names_the_layer() -> None:
    with pytest.raises(BuildError, match=r"^l2: .*empty"):
        build(chain((1, 1, 5), {"op": "relu"}, {"op": "conv", "out_channels": 1, "kernel_size": 6}))


def test_building_a_network_without_sizes_names_the_dimension() -> None:
    made = chain((1, 1, 5), {"op": "relu"})
    made.nodes[0].shape = (1, 1, Symbolic.of("L"))
    with pytest.raises(BuildError, match=r"^x: L has no size"):
        build(made)


def test_apply_refuses_other_inputs() -> None:
    model = build(chain((1, 1, 5), {"op": "relu"}))
    with pytest.raises(BuildError, match="x is missing"):
        model.apply({}, {})
    with pytest.raises(BuildError, match=r"float32\[1, 5\].*float32\[1, 1, 5\]"):
        model.apply({}, {"x": handmade.integers(1, 5)})
