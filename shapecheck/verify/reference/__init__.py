"""The reference build: the network as a JAX function, shaped by JAX, StableHLO and XLA.

This is the only package that imports JAX. It builds from the graph and the layers' keys alone, and never reads a
shape that shapecheck's own arithmetic computed.
"""

from shapecheck.verify.reference import quiet_logging  # noqa: F401 -- before anything imports JAX
from shapecheck.verify.reference.build_errors import BuildError, DeviceError
from shapecheck.verify.reference.built_network import BuiltNetwork, build
from shapecheck.verify.reference.call import BUILDERS
from shapecheck.verify.reference.execution.layer_numbers import compare_numbers, compare_with_cpu
from shapecheck.verify.reference.export import lower_for_platform
from shapecheck.verify.reference.functions import Apply, Functions, functions
from shapecheck.verify.reference.levels import ReferenceResult, run_levels
from shapecheck.verify.reference.module_cache import keep_modules

__all__ = [
    "BUILDERS",
    "Apply",
    "BuildError",
    "BuiltNetwork",
    "DeviceError",
    "Functions",
    "ReferenceResult",
    "build",
    "compare_numbers",
    "compare_with_cpu",
    "functions",
    "keep_modules",
    "lower_for_platform",
    "run_levels",
]
