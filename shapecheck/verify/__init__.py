"""The cross-check: a network is built a second time, with JAX, and every layer compared with what the arithmetic says.

Only ``shapecheck.verify.reference``, the build itself, imports JAX. All that is asked and found is plain records.
"""

from shapecheck.verify.records.plan import DEVICES, LEVELS, OPTIMIZERS, Device, Level, Optimizer, Plan
from shapecheck.verify.records.result import Disagreement, LevelOutcome, NotChecked, Result, Verification

__all__ = [
    "DEVICES",
    "LEVELS",
    "OPTIMIZERS",
    "Device",
    "Disagreement",
    "Level",
    "LevelOutcome",
    "NotChecked",
    "Optimizer",
    "Plan",
    "Result",
    "Verification",
]
