"""The second witness: the network as a JAX function, shaped by JAX, StableHLO and XLA.

This is the only package that imports JAX. It builds from the graph and the layers' keys alone, and never reads a
shape that shapecheck's own arithmetic computed.
"""

from shapecheck.xla import quiet as quiet  # before anything imports JAX
from shapecheck.xla.call import BUILDERS
from shapecheck.xla.device import DeviceName
from shapecheck.xla.errors import DeviceError, WitnessError
from shapecheck.xla.interrupt import leave_on_interrupt
from shapecheck.xla.model import Model, build
from shapecheck.xla.witness import Level, Progress, Witness, witness

__all__ = [
    "BUILDERS",
    "DeviceError",
    "DeviceName",
    "Level",
    "Model",
    "Progress",
    "Witness",
    "WitnessError",
    "build",
    "leave_on_interrupt",
    "witness",
]
