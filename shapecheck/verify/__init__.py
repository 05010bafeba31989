"""What is asked of the second witness, and what it said, beside what the arithmetic says.

All of it is plain records (``shapecheck.cache.codec``), which another process and a file can hold.
"""

from shapecheck.verify.records.result import (
    LEVELS,
    PARTS,
    Device,
    Disagreement,
    Level,
    LevelOutcome,
    NotChecked,
    Optimizer,
    Plan,
    Result,
    Verification,
)

__all__ = [
    "LEVELS",
    "PARTS",
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
