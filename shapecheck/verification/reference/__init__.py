"""The reference build: the network as a JAX function, shaped by JAX, StableHLO and XLA.

This is the only package that imports JAX. It builds from the graph and the layers' keys alone, and never reads a
shape that shapecheck's own arithmetic computed.
"""

from shapecheck.verification.reference import quiet_logging  # noqa: F401 -- before anything imports JAX
from shapecheck.verification.reference.build_errors import BuildError, DeviceError
from shapecheck.verification.reference.built_network import BuiltNetwork, build
from shapecheck.verification.reference.call import BUILDERS
from shapecheck.verification.reference.execution.layer_numbers import compare_numbers, compare_with_cpu
from shapecheck.verification.reference.export import lower_for_platform
from shapecheck.verification.reference.functions import Apply, Functions, functions
from shapecheck.verification.reference.levels import ReferenceResult, run_levels
from shapecheck.verification.reference.module_cache import keep_modules

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
