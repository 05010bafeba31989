"""The layers of the language. Importing this package fills the registry."""

from shapecheck.layers import (
    activation,
    columns,
    conv,
    conv_transpose,
    linear,
    merge,
    normalization,
    pooling,
    rearrange,
    resize,
)
from shapecheck.layers.base import REGISTRY, Layer, aliases
from shapecheck.layers.context import Context, Problem, Reference, Undecided

__all__ = [
    "REGISTRY",
    "Context",
    "Layer",
    "Problem",
    "Reference",
    "Undecided",
    "activation",
    "aliases",
    "columns",
    "conv",
    "conv_transpose",
    "linear",
    "merge",
    "normalization",
    "pooling",
    "rearrange",
    "resize",
]
