"""A network whose layers are read in many places."""

from __future__ import annotations

from handmade import network

from shapecheck.graph.network import Network


def tangled() -> Network:
    """Return an hourglass whose skips, references and shape-only references reach far."""
    conv = {"op": "conv", "out_channels": 6, "kernel_size": 3, "stride": 2}
    return network(
        ("x", (2, 3, 21, 18), None),
        ("c1", conv, ["x"]),
        ("r1", {"op": "relu"}, ["c1"]),
        ("p1", {"op": "max_pool", "kernel_size": 2, "ceil_mode": True}, ["r1"]),
        ("n1", {"op": "batch_norm"}, ["p1"]),
        ("c2", {"op": "conv", "out_channels": 6, "kernel_size": 2}, ["n1"]),
        ("c3", {"op": "conv_transpose", "transpose_of": "c2"}, ["c2"]),
        ("s3", {"op": "add"}, ["c3", "n1"]),
        ("u1", {"op": "max_unpool", "pool": "p1"}, ["s3"]),
        ("j1", {"op": "concat"}, ["u1", "r1"]),
        ("c4", {"op": "conv", "out_channels": 6, "kernel_size": 1}, ["j1"]),
        ("u2", {"op": "conv_transpose", "transpose_of": "c1", "out_channels": 5}, ["c4"]),
        ("k1", {"op": "crop", "like": "c1"}, ["u2"]),
        ("v1", {"op": "upsample", "like": "x", "mode": "linear"}, ["k1"]),
        ("f1", {"op": "flatten"}, ["v1"]),
        ("y", {"op": "linear", "out_features": 3}, ["f1"]),
    )
