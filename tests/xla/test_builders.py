"""Every op of the language has a builder, which serves both layouts; and what builders must not know."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import handmade
import pytest
from handmade import chain, network

import shapecheck.verify.reference
from shapecheck.arithmetic.symbolic import Symbolic
from shapecheck.layers import REGISTRY
from shapecheck.verify.reference import BUILDERS, WitnessError, build, witness

FORBIDDEN = ("arithmetic", "analysis", "rules", "output", "linter", "proof", "verification", "layers.window")

# Keys that an op cannot do without, for an input of [2, 4, 6, 6] ([2, 6, 6, 4] with the channels last).
NEEDED: dict[str, dict[str, Any]] = {
    "conv": {"out_channels": 3, "kernel_size": 3},
    "conv_transpose": {"out_channels": 3, "kernel_size": 2, "stride": 2},
    "unfold": {"kernel_size": 2},
    "fold": {"kernel_size": 2, "output_size": 3},
    "max_pool": {"kernel_size": 2},
    "avg_pool": {"kernel_size": 2},
    "lp_pool": {"kernel_size": 2},
    "max_unpool": {"kernel_size": 2},
    "adaptive_avg_pool": {"output_size": 4},
    "adaptive_max_pool": {"output_size": 4},
    "upsample": {"scale_factor": 2},
    "pixel_shuffle": {"factor": 2},
    "pixel_unshuffle": {"factor": 2},
    "pad": {"padding": 1},
    "crop": {"cropping": 1},
    "linear": {"out_features": 5},
    "embedding": {"num_embeddings": 9, "embedding_dim": 3},
    "attention": {"num_heads": 2},
    "group_norm": {"num_groups": 2},
    "reshape": {"shape": [2, -1]},
    "permute": {"axes": [3, 2, 1, 0]},
    "squeeze": {"axis": 1},
    "unsqueeze": {"axis": 1},
    "slice": {"axis": 1, "start": 1},
    "chunk": {"axis": 1, "chunks": 2, "index": 0},
    "reduce": {"kind": "mean", "axes": 1},
    "stack": {"axis": 0},
}
INPUTS = {"fold": (2, 16, 4), "attention": (2, 5, 6), "squeeze": (2, 1, 6), "embedding": (2, 6)}

# What the op makes of that input, counted by hand.
EXPECTED = {
    "conv": (2, 3, 4, 4),
    "conv_transpose": (2, 3, 12, 12),
    "unfold": (2, 16, 25),
    "fold": (2, 4, 3, 3),
    "max_pool": (2, 4, 3, 3),
    "avg_pool": (2, 4, 3, 3),
    "lp_pool": (2, 4, 3, 3),
    "max_unpool": (2, 4, 12, 12),
    "adaptive_avg_pool": (2, 4, 4, 4),
    "adaptive_max_pool": (2, 4, 4, 4),
    "global_avg_pool": (2, 4, 1, 1),
    "global_max_pool": (2, 4, 1, 1),
    "upsample": (2, 4, 12, 12),
    "pixel_shuffle": (2, 1, 12, 12),
    "pixel_unshuffle": (2, 16, 3, 3),
    "pad": (2, 4, 8, 8),
    "crop": (2, 4, 4, 4),
    "linear": (2, 4, 6, 5),
    "embedding": (2, 6, 3),
    "attention": (2, 5, 6),
    "flatten": (2, 144),
    "reshape": (2, 144),
    "permute": (6, 6, 4, 2),
    "squeeze": (2, 6),
    "unsqueeze": (2, 1, 4, 6, 6),
    "slice": (2, 3, 6, 6),
    "chunk": (2, 2, 6, 6),
    "reduce": (2, 6, 6),
    "concat": (2, 8, 6, 6),
    "stack": (2, 2, 4, 6, 6),
}
BY_LAYOUT = [
    op for op, shape in EXPECTED.items() if len(shape) == 4 and op not in ("linear", "permute", "slice", "chunk")
]


def sample(op: str, channels_last: bool = False) -> Any:
    shape = INPUTS.get(op, (2, 4, 6, 6))
    if channels_last:
        shape = (shape[0], *shape[2:], shape[1])
    keys = {"op": op, **NEEDED.get(op, {})}
    if REGISTRY[op].arity[0] > 1 or op in ("concat", "stack"):
        rows = [("a", shape, None), ("b", shape, None), ("l1", keys, "ab")]
        return network(*rows, channels_last=channels_last)
    return chain(shape, keys, channels_last=channels_last)


def test_every_op_has_a_builder_and_every_builder_an_op() -> None:
    assert set(BUILDERS) == set(REGISTRY)


@pytest.mark.parametrize("op", sorted(REGISTRY))
def test_every_op_compiles(op: str) -> None:
    made = sample(op)
    found = witness(made)
    assert not found.refused
    assert found.bytes_agree
    assert found.shapes[len(made.nodes) - 1] == EXPECTED.get(op, (2, 4, 6, 6))


@pytest.mark.parametrize("op", [*BY_LAYOUT, "fold", "unfold", "batch_norm", "prelu", "local_response_norm"])
def test_channels_last(op: str) -> None:
    made = sample(op, channels_last=True)
    batch, channels, *sizes = EXPECTED.get(op, (2, 4, 6, 6))
    assert witness(made, "trace").shapes[len(made.nodes) - 1] == (batch, *sizes, channels)


@pytest.mark.parametrize("op", sorted(REGISTRY))
def test_every_op_counts_the_parameters_that_it_learns(op: str) -> None:
    layer = sample(op).nodes[-1].layer
    specs = build(sample(op)).specs
    learned = {name.partition(".")[2] for name in specs}
    if getattr(layer, "bias", False):
        assert any("bias" in name for name in learned)
    assert bool(learned) == (op in LEARNING)


LEARNING = {
    "conv",
    "conv_transpose",
    "linear",
    "embedding",
    "attention",
    "batch_norm",
    "layer_norm",
    "group_norm",
    "prelu",
}


def sources() -> list[Path]:
    return sorted(Path(next(iter(shapecheck.verify.reference.__path__))).rglob("*.py"))


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
    with pytest.raises(WitnessError, match=r"^l2: .*empty"):
        build(chain((1, 1, 5), {"op": "relu"}, {"op": "conv", "out_channels": 1, "kernel_size": 6}))


def test_building_a_network_without_sizes_names_the_dimension() -> None:
    made = chain((1, 1, 5), {"op": "relu"})
    made.nodes[0].shape = (1, 1, Symbolic.of("L"))
    with pytest.raises(WitnessError, match=r"^x: L has no size"):
        build(made)


def test_apply_refuses_other_inputs() -> None:
    model = build(chain((1, 1, 5), {"op": "relu"}))
    with pytest.raises(WitnessError, match="x is missing"):
        model.apply({}, {})
    with pytest.raises(WitnessError, match=r"float32\[1, 5\].*float32\[1, 1, 5\]"):
        model.apply({}, {"x": handmade.integers(1, 5)})
