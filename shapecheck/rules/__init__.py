"""The rules. Importing this package fills ``RULES``."""

from shapecheck.rules import reading, shapes, structure, transposed, verification
from shapecheck.rules.base import RULES, Rule, manual

__all__ = ["RULES", "Rule", "manual", "reading", "shapes", "structure", "transposed", "verification"]
