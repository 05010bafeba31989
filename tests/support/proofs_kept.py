"""Proofs in a process of their own, and what stands in for one."""

from __future__ import annotations

import time

import pytest

from shapecheck.findings.checked import Settings
from shapecheck.findings.limits import DEFAULT_LIMITS
from shapecheck.findings.selection import DEFAULT
from shapecheck.verification import LevelOutcome, Plan, Verification, prover
from shapecheck.verification.prover import Prover

SMALL = (
    "shapecheck: 1\ninputs: {x: [2, 3, 9]}\nlayers:\n  - {op: conv, out_channels: 4, kernel_size: 3}\n  - {op: relu}\n"
)


QUESTION = Settings("net", {}, DEFAULT_LIMITS, DEFAULT)


FOUND = Verification(
    "compile", "cpu", "proved", 2, (), (), {}, 0.5, (LevelOutcome("trace", "proved", 0.1, "JAX's shape rules"),)
)


READY = "import json, os, sys, time\nprint(json.dumps(['ready', None]), flush=True)\nline = sys.stdin.readline()\n"


def faked(code: str, timeout: float | None = None) -> Prover:
    """Return a prover whose process runs ``code`` in place of JAX."""
    made = Prover(timeout, 1, None)
    made._code = code
    return made


def ask(made: Prover) -> tuple[Verification, list[tuple[int, int, str]]]:
    calls: list[tuple[int, int, str]] = []
    return made.prove(QUESTION, SMALL, Plan(), lambda *call: calls.append(call)), calls


class Clock:
    """A clock by which time is up as soon as a step is heard of, however fast or slow the machine is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: str, times: int = 1) -> None:
        self.step = step
        self.times = times
        self.ahead = 0.0
        self._now = time.monotonic
        monkeypatch.setattr(prover.time, "monotonic", lambda: self._now() + self.ahead)

    def tell(self, done: int, total: int, what: str) -> None:
        self.times -= what.startswith(self.step)
        self.ahead = 0.0 if self.times else 10_000.0
