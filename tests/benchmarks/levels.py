"""What each level of a proof costs, beside JAX and the same network by hand: ``python tests/benchmarks/levels.py``.

Prints a table: CPU seconds (user and system), seconds on the clock, and the peak of memory, each of a process of its
own from its start to its end; what takes longer than LIMIT seconds is ended. The last rows are the command itself,
with nothing kept from before, and again.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import measure

LIMIT = 240
CHAIN = 5_000
LEVELS = ("trace", "lower", "compile", "run", "cost")

OURS = """
import sys
import shapecheck
from shapecheck import pipeline
from shapecheck.verification import crosscheck
from shapecheck.verification import Plan
level = sys.argv[2]
plan = Plan("compile", "cpu", cost=True) if level == "cost" else Plan(level, "cpu")
found = crosscheck.verify(pipeline.check_network(shapecheck.load(sys.argv[1])), plan)
assert found.result == "proved", found.not_checked
"""
THEIRS = """
import sys
sys.path.insert(0, sys.argv[1])
import jax, plain_jax
plain = eval("plain_jax." + sys.argv[2])
if sys.argv[3] == "trace":
    jax.eval_shape(plain.function, plain.parameters, plain.input)
else:
    lowered = jax.jit(plain.function).lower(plain.parameters, plain.input)
    if sys.argv[3] == "compile":
        lowered.compile()
"""


class Spent(NamedTuple):
    cpu: float
    clock: float
    bytes: int
    ended: bool

    def cells(self) -> str:
        if self.ended:
            return f"> {LIMIT} s | > {LIMIT} s | {self.bytes / 1e6:,.0f} MB"
        return f"{self.cpu:.1f} s | {self.clock:.1f} s | {self.bytes / 1e6:,.0f} MB"


def spent(*arguments: str, expect: int = 0) -> Spent:
    """What a child takes; it has a process group of its own, so that it can be ended with what it started."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(measure.ROOT), os.environ.get("PYTHONPATH", "")])}
    start = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    timer = threading.Timer(LIMIT, os.killpg, (child.pid, signal.SIGKILL))
    timer.start()
    try:
        _, status, usage = os.wait4(child.pid, 0)
    finally:
        timer.cancel()
    clock = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    ended = child.returncode == -signal.SIGKILL
    assert ended or child.returncode == expect, (arguments, child.returncode)
    unit = 1 if sys.platform == "darwin" else 1024
    return Spent(usage.ru_utime + usage.ru_stime, clock, usage.ru_maxrss * unit, ended)


def main() -> None:
    print("| network | level | CPU | clock | memory |\n| --- | --- | ---: | ---: | ---: |", flush=True)
    print(f"| none | `import jax` | {spent('-c', 'import jax').cells()} |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder) / "chain.net.yaml"
        chain.write_text(measure.long_network(CHAIN), encoding="utf-8")
        networks = [
            ("ResNet-50", measure.RESNET, "resnet50()"),
            ("U-Net, 572", measure.RESNET.with_name("unet_2015.net.yaml"), "unet()"),
            (f"{CHAIN:,} layers", chain, f"chain({CHAIN})"),
        ]
        for name, path, plain in networks:
            for level in LEVELS:
                print(f"| {name} | {level} | {spent('-c', OURS, str(path), level).cells()} |", flush=True)
            for level in ("trace", "lower", "compile"):
                found = spent("-c", THEIRS, str(measure.HERE), plain, level)
                print(f"| {name} | by hand, {level} | {found.cells()} |", flush=True)
        for name, path, _ in networks:
            command = ("-m", "shapecheck", "verify", str(path), "--device", "cpu", "--cache-dir", f"{folder}/{name}")
            for what in ("nothing kept", "found before"):
                print(f"| {name} | `verify`, {what} | {spent(*command).cells()} |", flush=True)


if __name__ == "__main__":
    main()
