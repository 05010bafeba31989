"""The cross-check: a network is built a second time, with JAX, and every layer compared with what the arithmetic says.

Only ``shapecheck.verification.reference``, the build itself, imports JAX. All that is asked and found is plain records.
"""

from shapecheck.verification.records.plan import DEVICES, LEVELS, OPTIMIZERS, Device, Level, Optimizer, Plan
from shapecheck.verification.records.result import Disagreement, LevelOutcome, NotChecked, Result, Verification

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
