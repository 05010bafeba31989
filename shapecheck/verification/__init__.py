"""What is asked of the second witness, and what it said, beside what the arithmetic says.

All of it is plain records (``shapecheck.records``), which another process and a file can hold.
"""

from shapecheck.verification.outcome import (
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
