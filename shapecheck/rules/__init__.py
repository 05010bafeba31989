"""The rules. Importing this package fills ``RULES``."""

from shapecheck.rules import reading, shapes, sizes, structure, transposed, verification
from shapecheck.rules.base import RULES, Rule, manual

__all__ = ["RULES", "Rule", "manual", "reading", "shapes", "sizes", "structure", "transposed", "verification"]
