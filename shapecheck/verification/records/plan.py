"""What is asked of a cross-check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, Optional, TypeAlias, get_args

# How far JAX goes, and what the network is built for.
Level: TypeAlias = Literal["trace", "lower", "compile", "run"]
Device: TypeAlias = Literal["auto", "cpu", "gpu"]
Optimizer: TypeAlias = Literal["sgd", "momentum", "adam"]

LEVELS: tuple[Level, ...] = get_args(Level)
DEVICES: tuple[Device, ...] = get_args(Device)
OPTIMIZERS: tuple[Optimizer, ...] = get_args(Optimizer)

# Is told how many steps of how many are done, and in words what comes now.
ProgressCallback: TypeAlias = Callable[[int, int, str], None]


class Plan(NamedTuple):
    """What is asked for; everything on which an outcome depends, besides the network and the machine.

    ``dtype`` and ``batch`` stand in for those of the file. ``cost`` asks what the compiler knows of flops and
    memory, ``fit`` whether a training step with ``optimizer`` fits into so many bytes. ``mesh`` is the axes of a
    mesh of devices and their sizes, in order, in place of the file's own; ``shard`` the mesh axes over which
    dimensions, and ``channels``, are split in place of what the file says.
    """

    level: Level = "compile"
    device: Device = "auto"
    dtype: Optional[str] = None
    batch: Optional[int] = None
    cost: bool = False
    fit: Optional[int] = None
    optimizer: Optimizer = "sgd"
    mesh: tuple[tuple[str, int], ...] = ()
    shard: tuple[tuple[str, tuple[str, ...]], ...] = ()
