"""Where things stand in the repository."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
NETWORKS = ROOT / "tests" / "networks"
SUPPORT = ROOT / "tests" / "support"
BENCHMARKS = ROOT / "tests" / "benchmarks"
