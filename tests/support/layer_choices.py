"""Layers of each kind with keys that differ from the defaults, for an op without some of its own its samples' first."""

from __future__ import annotations

from typing import Any

from handmade import chain, network
from layer_samples import SAMPLES, WRITE_A_CASE, clean, made

from shapecheck.layers import REGISTRY
from shapecheck.layers.fields import REQUIRED

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


INPUT = (2, 4, 6, 6)
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


def expected(op: str) -> tuple[int, ...]:
    """Return the shape that the sample of an op has: counted by hand, for a new op by its rule."""
    if op in EXPECTED:
        return EXPECTED[op]
    return INPUT if REGISTRY[op].keeps else clean(op, 0)


def sample(op: str, channels_last: bool = False) -> Any:
    """Return a network whose last layer is of that op."""
    needs = [name for name, key in REGISTRY[op].keys_of(op).items() if key.default is REQUIRED]
    if op not in NEEDED and (needs or not (REGISTRY[op].keeps or op in EXPECTED)):
        assert op in SAMPLES, WRITE_A_CASE.format(op=op)
        return made(op, 0)
    shape = INPUTS.get(op, INPUT)
    if channels_last:
        shape = (shape[0], *shape[2:], shape[1])
    keys = {"op": op, **NEEDED.get(op, {})}
    if REGISTRY[op].arity[0] > 1 or op in ("concat", "stack"):
        rows = [("a", shape, None), ("b", shape, None), ("l1", keys, "ab")]
        return network(*rows, channels_last=channels_last)
    return chain(shape, keys, channels_last=channels_last)
