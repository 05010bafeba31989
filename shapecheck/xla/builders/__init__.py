"""One builder for every op of the language. Importing this package fills the registry."""

from shapecheck.xla.builders import activation, convolution, linear, merge, normalization, pooling, rearrange, resize
from shapecheck.xla.call import BUILDERS

__all__ = [
    "BUILDERS",
    "activation",
    "convolution",
    "linear",
    "merge",
    "normalization",
    "pooling",
    "rearrange",
    "resize",
]
