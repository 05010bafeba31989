"""After a keystroke less is done than for a whole check, measured in a process of its own."""

import importlib.util
import subprocess
import sys

import measure
import pytest

KEYSTROKES = """
import statistics, sys, time
from shapecheck import pipeline
from shapecheck.findings.checked import Settings
from shapecheck.config import Config
from shapecheck.server.checker import Checker
from shapecheck.server.positions import Text

lines = open(sys.argv[1], encoding="utf-8").read().split("\\n")
at = next(n for n, line in enumerate(lines) if "name: c600," in line)
checker = Checker("long.net.yaml")
checker.check(Text("\\n".join(lines)), Config())
whole, again = [], []
for size, padding in [(5, 2), (3, 1)] * 2:
    old = lines[at].partition("kernel_size")[0]
    lines[at] = f"{old}kernel_size: {size}, padding: {padding}}}"
    source = "\\n".join(lines)
    start = time.process_time()
    wanted = pipeline.check(source, Settings("long.net.yaml"))
    whole.append(time.process_time() - start)
    start = time.process_time()
    found = checker.check(Text(source), Config())
    again.append(time.process_time() - start)
    assert found.report.diagnostics == wanted.diagnostics
    found.release()
    del wanted, found
print(statistics.median(whole), statistics.median(again))
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("pygls") is None, reason="pygls is not installed")
def test_a_keystroke_in_five_thousand_layers_costs_less_than_a_check(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "long.net.yaml"
    path.write_text(measure.long_network(5_000).replace("padding: 1}", "padding: 1, bias: false}"), encoding="utf-8")
    with measure.compiled() as environment:
        command = [sys.executable, "-c", KEYSTROKES, str(path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    whole, again = map(float, done.stdout.split())
    assert again < 0.8 * whole
    print(f"whole {whole * 1e3:.0f} ms, again {again * 1e3:.0f} ms")
