"""One builder for every op of the language. Importing this package fills the registry."""

from shapecheck.verification.reference.builders import (
    activation,
    conv,
    linear,
    merge,
    normalization,
    pooling,
    rearrange,
    resize,
)
from shapecheck.verification.reference.call import BUILDERS

__all__ = [
    "BUILDERS",
    "activation",
    "conv",
    "linear",
    "merge",
    "normalization",
    "pooling",
    "rearrange",
    "resize",
]
