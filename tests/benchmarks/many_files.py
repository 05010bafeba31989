"""How long check takes for thousands of files: ``python tests/benchmarks/many_files.py [COUNT]`` prints the table.

Nothing known and one process, nothing known and one for each of two cores, everything known, and one file changed.
"""

import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from measure import ROOT, compiled

sys.path.insert(0, str(ROOT / "tests" / "support"))
import random_networks

EXAMPLES = sorted((ROOT / "examples").glob("*.net.yaml"))
_NUMBER = re.compile(r"(?<=[:\[ ])[1-9][0-9]?(?=[,\]}\n])")


class Cost(NamedTuple):
    """What a run took, its processes taken together, and how it ended."""

    cpu: float
    wall: float
    code: int
    out: bytes


def generate(folder: Path, count: int, seed: int = 0) -> None:
    """Write ``count`` different networks: examples, examples with one number changed, and random ones."""
    rng = random.Random(seed)
    for at in range(count):
        path = folder / f"part{at % 20:02}" / f"net{at:05}.net.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = random_networks.network(rng)
        if at % 2:
            text = rng.choice(EXAMPLES).read_text(encoding="utf-8")
            if at % 8 == 1:
                place = rng.choice(list(_NUMBER.finditer(text)))
                text = f"{text[: place.start()]}{int(place.group()) + 1}{text[place.end() :]}"
        path.write_text(f"{text}\n# network {at}\n", encoding="utf-8")


def run(environment: dict[str, str], *arguments: str) -> Cost:
    """``shapecheck check`` with these arguments, in processes of their own."""
    command = [sys.executable, "-m", "shapecheck", "check", *arguments]
    before, started = os.times(), time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    wall, after = time.perf_counter() - started, os.times()
    assert done.returncode in (0, 1), done.stderr.decode()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(cpu, wall, done.returncode, done.stdout)


def change_one(folder: Path) -> None:
    """Add a line to one of the files."""
    path = next(folder.rglob("*.net.yaml"))
    path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")


def measure(count: int) -> dict[str, Cost]:
    """What each of the runs costs."""
    with compiled() as environment, tempfile.TemporaryDirectory() as name:
        nets, cache = Path(name) / "nets", Path(name) / "cache"
        generate(nets, count)
        given = [str(nets), "--output-format", "json-lines"]
        run(environment, str(EXAMPLES[0]), "--no-cache")  # so that no run has to compile
        found = {
            "nothing known, 1 process": run(environment, *given, "--no-cache", "--jobs", "1"),
            "nothing known, 2 processes": run(environment, *given, "--no-cache", "--jobs", "2"),
            "nothing known, 1 process, kept": run(environment, *given, "--cache-dir", str(cache), "--jobs", "1"),
            "everything known": run(environment, *given, "--cache-dir", str(cache)),
        }
        change_one(nets)
        found["all but one known"] = run(environment, *given, "--cache-dir", str(cache))
        return found


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    found = measure(count)
    assert len({cost.out for cost in found.values()}) == 1, "the runs differ in what they found"
    print(f"| {count:,} files | CPU | wall |\n| --- | ---: | ---: |")
    for what, cost in found.items():
        print(f"| {what} | {cost.cpu:.2f} s | {cost.wall:.2f} s |")


if __name__ == "__main__":
    main()
