"""The second witness: the network as a JAX function, shaped by JAX, StableHLO and XLA.

This is the only package that imports JAX. It builds from the graph and the layers' keys alone, and never reads a
shape that shapecheck's own arithmetic computed.
"""

from shapecheck.xla import quiet as quiet  # before anything imports JAX
from shapecheck.xla.call import BUILDERS
from shapecheck.xla.device import DeviceName
from shapecheck.xla.errors import DeviceError, WitnessError
from shapecheck.xla.export import witness_elsewhere
from shapecheck.xla.functions import Apply, Functions, functions
from shapecheck.xla.keeping import keep_modules
from shapecheck.xla.model import Model, build
from shapecheck.xla.numbers import compare_numbers, compare_with_cpu
from shapecheck.xla.witness import Level, Progress, Witness, witness

__all__ = [
    "BUILDERS",
    "Apply",
    "DeviceError",
    "DeviceName",
    "Functions",
    "Level",
    "Model",
    "Progress",
    "Witness",
    "WitnessError",
    "build",
    "compare_numbers",
    "compare_with_cpu",
    "functions",
    "keep_modules",
    "witness",
    "witness_elsewhere",
]
