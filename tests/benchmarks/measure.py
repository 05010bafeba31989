"""How fast shapecheck is, beside others, on this machine: ``python tests/benchmarks/measure.py`` prints the table.

Everything is CPU time, user and system, so that a busy machine disturbs little; each number is a median.
"""

import gc
import importlib.util
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
RESNET = ROOT / "examples" / "resnet50.net.yaml"
CHECK_RESNET = ["-m", "shapecheck", "check", str(RESNET)]

VERIFY_RESNET = ["-m", "shapecheck", "verify", str(RESNET), "--level", "trace", "--device", "cpu"]
TRACE_BY_JAX = ["-c", f"import sys; sys.path.insert(0, {str(HERE)!r}); import resnet50_jax; resnet50_jax.trace()"]

CHECK_ONE = """
import sys, time, tracemalloc
from shapecheck import pipeline
from shapecheck.findings.checked import Settings
text = open(sys.argv[1], encoding="utf-8").read()
start = time.process_time()
report = pipeline.check(text, Settings("long.net.yaml"))
seconds = time.process_time() - start
assert report.ok, report.diagnostics
del report
tracemalloc.start()
pipeline.check(text, Settings("long.net.yaml"))
print(seconds, tracemalloc.get_traced_memory()[1])
"""


FINDINGS_AND_JAX = """
import sys
sys.path.insert(0, sys.argv[1])
import measure, resnet50_jax
from shapecheck import pipeline
from shapecheck.findings.checked import Settings
text = measure.RESNET.read_text(encoding="utf-8")
(ours,) = measure.calls(lambda: pipeline.check(text, Settings("resnet50.net.yaml")), runs=21)
(theirs,) = measure.calls(resnet50_jax.trace, before=resnet50_jax.forget, runs=5)
print(ours, theirs)
"""


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


@contextmanager
def compiled() -> Iterator[dict[str, str]]:
    """An environment in which bytecode is kept, as it is where packages are installed."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        yield {**kept, "PYTHONPYCACHEPREFIX": folder, "PYTHONPATH": os.pathsep.join(paths)}


def processes(*commands: list[str], runs: int = 7) -> list[float]:
    """The median CPU seconds of each command of this Python, run in turns, the first turn left out."""
    with compiled() as environment:
        seconds: list[list[float]] = [[] for _ in commands]
        for _ in range(runs + 1):
            for command, found in zip(commands, seconds, strict=True):
                process = subprocess.Popen([sys.executable, *command], env=environment, stdout=subprocess.DEVNULL)
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                assert process.returncode == 0, command
                found.append(usage.ru_utime + usage.ru_stime)
    return [statistics.median(found[1:]) for found in seconds]


def calls(*functions: Callable[[], object], runs: int = 7, before: Callable[[], object] = lambda: None) -> list[float]:
    """The median CPU seconds of each function, called in turns behind ``before``, the first turn left out."""
    seconds: list[list[float]] = [[] for _ in functions]
    for _ in range(runs + 1):
        for function, found in zip(functions, seconds, strict=True):
            before()
            start = time.process_time()
            result = function()
            found.append(time.process_time() - start)
            del result
    return [statistics.median(found[1:]) for found in seconds]


def long_network(layers: int) -> str:
    """A network of so many layers, every fourth a merge, each written out."""
    lines = ["shapecheck: 1", "name: long", "inputs: {x: [2, 8, 32, 32]}", "layers:"]
    for at in range(layers // 4):
        above = f"a{at - 1}" if at else "x"
        lines += [
            f"  - {{name: c{at}, op: conv, from: {above}, out_channels: 8, kernel_size: 3, padding: 1}}",
            f"  - {{name: b{at}, op: batch_norm}}",
            f"  - {{name: r{at}, op: relu}}",
            f"  - {{name: a{at}, op: add, from: [r{at}, {above}]}}",
        ]
    return "\n".join(lines) + "\n"


def growth(sizes: list[int]) -> list[tuple[float, float]]:
    """CPU seconds and bytes that a check takes at each number of layers, each in a process of its own."""
    found = []
    with compiled() as environment, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.net.yaml"
        for size in sizes:
            path.write_text(long_network(size), encoding="utf-8")
            command = [sys.executable, "-c", CHECK_ONE, str(path)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            seconds, memory = done.stdout.split()
            found.append((float(seconds), float(memory)))
    return found


def least_ratio(measured: Callable[[], list[float]], attempts: int = 3) -> float:
    """The least of some attempts: what else runs on a machine can only make a ratio of short times worse."""
    return min(ours / theirs for ours, theirs in (measured() for _ in range(attempts)))


def exponent(sizes: list[int], amounts: list[float]) -> float:
    """The b of amount = a * size ** b that fits best; 1 is linear."""
    return statistics.linear_regression([math.log(n) for n in sizes], [math.log(amount) for amount in amounts]).slope


def version() -> list[float]:
    """``shapecheck --version`` and a Python that does nothing."""
    return processes(["-m", "shapecheck", "--version"], ["-c", "pass"])


def check_and_onnx() -> list[float]:
    """A whole check of ResNet-50 that keeps nothing, and the smallest script that has ONNX infer its shapes."""
    return processes([*CHECK_RESNET, "--no-cache"], [str(HERE / "resnet50_onnx.py")])


def found_check_and_onnx() -> list[float]:
    """A whole check of ResNet-50 that finds what was found before, and the same script."""
    with tempfile.TemporaryDirectory() as folder:
        return processes([*CHECK_RESNET, "--cache-dir", folder], [str(HERE / "resnet50_onnx.py")])


def check_and_torchinfo() -> list[float]:
    """A whole check of ResNet-50, and the smallest script that has torchinfo find its shapes on meta tensors."""
    return processes([*CHECK_RESNET, "--no-cache"], [str(HERE / "resnet50_torch.py")])


def findings_and_jax() -> list[float]:
    """Text to findings within a process, and jax.eval_shape of the same network, which JAX has not seen before.

    The process is a new one: in one that holds much, the collector of garbage would be measured.
    """
    command = [sys.executable, "-c", FINDINGS_AND_JAX, str(HERE)]
    with compiled() as environment:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [float(seconds) for seconds in done.stdout.split()]


def found_before_and_anew() -> list[float]:
    """A whole proof of ResNet-50 that was made before, and one that was not."""
    with tempfile.TemporaryDirectory() as folder:
        return processes([*VERIFY_RESNET, "--cache-dir", folder], [*VERIFY_RESNET, "--no-cache"], runs=2)


def verify_and_jax() -> list[float]:
    """A whole proof of ResNet-50 by JAX's shape rules, and a script with jax.eval_shape of the same by hand."""
    return processes([*VERIFY_RESNET, "--no-cache"], TRACE_BY_JAX, runs=2)


def propagation_and_onnx() -> list[float]:
    """The propagation of shapes alone, and ONNX's in C++."""
    import shapecheck
    from shapecheck.analysis.propagation import propagate

    network = shapecheck.load(RESNET)
    (ours,) = calls(lambda: propagate(network), runs=51)
    script = [sys.executable, str(HERE / "resnet50_onnx.py"), "51"]
    return [ours, float(subprocess.run(script, capture_output=True, text=True, check=True).stdout)]


def reading_and_yaml(layers: int = 4_000) -> list[float]:
    """Text to a tree, and PyYAML's own; the collector rests, because it would only measure itself."""
    from shapecheck.findings.limits import DEFAULT_LIMITS
    from shapecheck.language.document import parse

    text = long_network(layers)
    gc.collect()
    gc.disable()
    try:
        return calls(lambda: parse(text, DEFAULT_LIMITS), lambda: yaml.compose(text, Loader=yaml.CLoader))
    finally:
        gc.enable()


COMPARISONS: list[tuple[str, str, str, Callable[[], list[float]]]] = [
    ("`shapecheck --version`, whole process", "`python -c pass`", "sys", version),
    (
        "`shapecheck check --no-cache resnet50.net.yaml`, whole process",
        "a script with `onnx.shape_inference`",
        "onnx",
        check_and_onnx,
    ),
    (
        "`shapecheck check resnet50.net.yaml`, found before, whole process",
        "a script with `onnx.shape_inference`",
        "onnx",
        found_check_and_onnx,
    ),
    (
        "`shapecheck check --no-cache resnet50.net.yaml`, whole process",
        "a script with torchinfo on meta tensors",
        "torchinfo",
        check_and_torchinfo,
    ),
    ("ResNet-50, text to findings, in process", "`jax.eval_shape`", "jax", findings_and_jax),
    (
        "`shapecheck verify --level trace resnet50.net.yaml`, found before",
        "the same, not found before",
        "jax",
        found_before_and_anew,
    ),
    (
        "`shapecheck verify --level trace resnet50.net.yaml`, whole process",
        "a script with `jax.eval_shape`",
        "jax",
        verify_and_jax,
    ),
    ("ResNet-50, shapes alone, in process", "`onnx.shape_inference` (C++)", "onnx", propagation_and_onnx),
    ("reading 4,000 layers", "PyYAML's `yaml.compose` with its C parser", "yaml", reading_and_yaml),
]


def main() -> None:
    print("| what | shapecheck | beside | takes | ratio |\n| --- | ---: | --- | ---: | ---: |")
    missing: list[str] = []
    for what, beside, module, measure in COMPARISONS:
        if not has(module):
            missing.append(module)
            continue
        ours, theirs = measure()
        print(f"| {what} | {ours * 1e3:.1f} ms | {beside} | {theirs * 1e3:.1f} ms | {ours / theirs:.2f} |")
    sizes = [3_000, 10_000, 30_000, 100_000]
    found = growth(sizes)
    print("\n| layers | time | memory |\n| ---: | ---: | ---: |")
    for size, (seconds, memory) in zip(sizes, found, strict=True):
        print(f"| {size:,} | {seconds:.2f} s | {memory / 1e6:.0f} MB |")
    print(f"\ntime grows with layers ** {exponent(sizes, [f[0] for f in found]):.2f}", end=", ")
    print(f"memory with layers ** {exponent(sizes, [f[1] for f in found]):.2f}")
    if missing:
        print(f"left out, because it is not installed: {', '.join(missing)}", file=sys.stderr)


if __name__ == "__main__":
    main()
