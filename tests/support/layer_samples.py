"""A layer of every op in which each of its keys counts: what mutations are tried on."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from one_layer import RESULT, layer, text

import shapecheck
from shapecheck.analysis.propagation import propagate
from shapecheck.layers import REGISTRY


class Sample(NamedTuple):
    """A layer of some op in which its keys count; ``before`` are layers that it reads or refers to."""

    keys: dict[str, Any]
    shapes: tuple[tuple[int, ...], ...] = ((2, 12, 13, 18),)
    before: tuple[str, ...] = ()
    reads: Any = "a"
    dtype: str | None = None


PLAIN = Sample({})
TWO = Sample({}, ((2, 3, 4, 5), (2, 3, 4, 5)), reads=["a", "b"])
STRETCHED = Sample({"broadcast": True}, ((2, 3, 1, 5), (2, 1, 4, 5)), reads=["a", "b"])
WINDOW = {"kernel_size": [3, 4], "stride": [2, 3], "padding": [1, 2]}
DILATED = {**WINDOW, "dilation": [2, 3]}
ROUNDING = Sample({"kernel_size": [3, 2], "stride": [2, 3], "padding": [0, 1], "ceil_mode": True}, ((2, 4, 14, 16),))
SMALL = ((2, 12, 5, 7),)
CODER = {"kernel_size": [3, 4], "stride": [2, 3], "padding": [1, 2], "out_channels": 8}

SAMPLES: dict[str, list[Sample]] = {
    "conv": [
        Sample({**DILATED, "out_channels": 6, "groups": 3, "in_channels": 12, "padding_mode": "replicate"}),
        Sample({"kernel_size": 3, "stride": 4, "padding": "same", "out_channels": 6}),
        Sample({"kernel_size": 4, "padding": "half", "dilation": 3, "out_channels": 12, "groups": "depthwise"}),
        Sample({"kernel_size": 2, "padding": "full", "dilation": 3, "out_channels": 6}),
    ],
    "conv_transpose": [
        Sample({**DILATED, "out_channels": 6, "groups": 3, "in_channels": 12, "output_padding": [1, 2]}, SMALL),
        Sample({"kernel_size": 4, "stride": 3, "out_channels": 6, "output_size": [17, 23]}, SMALL),
        Sample({"kernel_size": 4, "stride": 3, "padding": "same", "output_padding": 1, "out_channels": 6}, SMALL),
        Sample({"transpose_of": "e", "out_channels": 5}, ((2, 12, 14, 19),), (layer("conv", CODER, "e"),), "e"),
    ],
    "unfold": [Sample(DILATED)],
    "fold": [Sample({**DILATED, "output_size": [9, 20]}, ((2, 24, 20),))],
    "max_pool": [Sample(DILATED), ROUNDING],
    "avg_pool": [Sample(WINDOW), ROUNDING],
    "lp_pool": [Sample(WINDOW), ROUNDING],
    "max_unpool": [
        Sample({"kernel_size": [2, 3], "stride": [2, 3], "padding": [0, 1], "output_padding": [1, 1]}, SMALL),
        Sample({"kernel_size": 2, "output_size": [11, 14]}, SMALL),
        Sample({"pool": "e"}, before=(layer("max_pool", {"kernel_size": 2}, "e"),), reads="e"),
    ],
    "adaptive_avg_pool": [Sample({"output_size": [4, 5]})],
    "adaptive_max_pool": [Sample({"output_size": [4, 5]})],
    "upsample": [
        Sample({"scale_factor": [1.5, 3]}),
        Sample({"size": [5, 40], "mode": "linear"}),
        Sample({"like": "a"}, before=(layer("conv", CODER, "e"),), reads="e"),
    ],
    "pixel_shuffle": [Sample({"factor": 2})],
    "pixel_unshuffle": [Sample({"factor": 2}, ((2, 3, 12, 18),))],
    "pad": [Sample({"padding": [[1, 2], [3, 4]]}), Sample({"padding": 2, "mode": "reflect"})],
    "crop": [
        Sample({"cropping": [[1, 2], [3, 4]]}),
        Sample({"like": "e"}, before=(layer("conv", CODER, "e"),)),
    ],
    "linear": [Sample({"out_features": 5, "in_features": 18})],
    "embedding": [Sample({"num_embeddings": 9, "embedding_dim": 3}, ((2, 6),), dtype="int32")],
    "attention": [Sample({"num_heads": 3}, ((2, 5, 6),))],
    "batch_norm": [Sample({"num_features": 12})],
    "instance_norm": [Sample({"num_features": 12})],
    "layer_norm": [Sample({"num_features": 13, "axis": 2})],
    "group_norm": [Sample({"num_features": 12, "num_groups": 4})],
    "local_response_norm": [Sample({"num_features": 12, "size": 3})],
    "prelu": [Sample({"num_parameters": 12})],
    "softmax": [Sample({"axis": 3})],
    "log_softmax": [Sample({"axis": 3})],
    "flatten": [Sample({"start_axis": 1, "end_axis": 2})],
    "reshape": [Sample({"shape": [2, 3, 4, -1]})],
    "permute": [Sample({"axes": [0, 3, 1, 2]})],
    "squeeze": [Sample({"axis": 1}, ((2, 1, 6),))],
    "unsqueeze": [Sample({"axis": 1})],
    "slice": [Sample({"axis": 2, "start": 1, "stop": 11, "step": 3}), Sample({"axis": 3, "start": 2, "stop": 9})],
    "chunk": [Sample({"axis": 2, "chunks": 3, "index": 1}), Sample({"axis": 2, "chunks": 3, "index": 2})],
    "reduce": [Sample({"kind": "mean", "axes": [2, 1]}), Sample({"kind": "sum", "axes": 1, "keep_dims": True})],
    "concat": [Sample({"axis": 2}, ((2, 3, 4, 5), (2, 3, 6, 5)), reads=["a", "b"])],
    "stack": [Sample({"axis": 1}, ((2, 3, 4), (2, 3, 4)), reads=["a", "b"])],
    **{op: [TWO, STRETCHED] for op in ("add", "subtract", "multiply", "maximum", "average")},
}

# Keys that change what is computed, and neither its shape nor what is learned: no proof of shapes can tell how they
# were read. The tests of values (tests/verification/reference) see to those.
VALUES_ONLY = {
    ("avg_pool", "count_include_pad"),
    ("conv", "padding_mode"),
    ("conv_transpose", "padding_mode"),
    ("dropout", "p"),
    ("elu", "alpha"),
    ("leaky_relu", "negative_slope"),
    ("local_response_norm", "size"),
    ("lp_pool", "norm_type"),
    ("pad", "mode"),
    ("pad", "value"),
    ("reduce", "kind"),
    ("softplus", "beta"),
    ("upsample", "mode"),
}
# What a test says of an op, or a key, for which there is no case; this is the only place where one is written.
WRITE_A_CASE = "write a case for op {op} in tests/support/layer_samples.py: SAMPLES in which each of its keys counts"

CASES = [(op, number) for op in sorted(REGISTRY) for number in range(len(SAMPLES.get(op, [PLAIN])))]


@cache
def made(op: str, number: int) -> shapecheck.Network:
    sample = SAMPLES.get(op, [PLAIN])[number]
    inputs = dict(zip("ab", sample.shapes, strict=False))
    return shapecheck.loads(
        text(inputs, [*sample.before, layer(op, sample.keys, RESULT, sample.reads)], dtype=sample.dtype)
    )


def clean(op: str, number: int) -> tuple[int, ...]:
    found = propagate(made(op, number))[RESULT].output
    assert found is not None
    return tuple(int(size) for size in found)
