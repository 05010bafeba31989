"""The second witness: the network as a JAX function, shaped by JAX, StableHLO and XLA.

This is the only package that imports JAX. It builds from the graph and the layers' keys alone, and never reads a
shape that shapecheck's own arithmetic computed.
"""

from shapecheck.verify.reference import quiet  # noqa: F401 -- before anything imports JAX
from shapecheck.verify.reference.call import BUILDERS
from shapecheck.verify.reference.device import DeviceName
from shapecheck.verify.reference.errors import DeviceError, WitnessError
from shapecheck.verify.reference.export import witness_elsewhere
from shapecheck.verify.reference.functions import Apply, Functions, functions
from shapecheck.verify.reference.keeping import keep_modules
from shapecheck.verify.reference.layer_numbers import compare_numbers, compare_with_cpu
from shapecheck.verify.reference.levels import Level, Progress, Witness, witness
from shapecheck.verify.reference.model import Model, build

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
