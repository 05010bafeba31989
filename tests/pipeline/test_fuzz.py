"""Whatever stands in a file, a check ends soon, raises nothing, and points into the text."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from amounts import amount, examples
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from one_layer import scalar
from paths import ROOT
from steps import within
from texts import check_text

from shapecheck.findings.catalogue import RULES, Severity
from shapecheck.findings.checked import Report
from shapecheck.findings.finding import Finding, Span
from shapecheck.findings.limits import DEFAULT_LIMITS
from shapecheck.language import vocabulary
from shapecheck.language.source import decode
from shapecheck.layers import REGISTRY

# Small enough that nothing but the code itself can take long.
LIMITS = DEFAULT_LIMITS._replace(layers=2_000, repeat=500, block_depth=30, nodes=50_000)
LONGEST = 5_000_000  # calls
CODES = {rule.code: rule for rule in RULES.values()}

QUICK = examples(150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@cache
def small_examples() -> tuple[str, ...]:
    """The small examples, sound and broken: a mutation of a large one says no more."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples").rglob("*.net.yaml"))]
    return tuple(text for text in texts if len(text) < 3_000)


def require_inside(span: Span, lines: list[str]) -> None:
    """A span lies in the text, or at its end."""
    for place in span:
        assert 1 <= place.line <= len(lines) + 1, span
        width = len(lines[place.line - 1]) if place.line <= len(lines) else 0
        assert 1 <= place.column <= width + 2, (span, width)
    assert span.start <= span.end, span


def check(text: str) -> Report:
    report = within(LONGEST, lambda: check_text(text, "fuzz.net.yaml", limits=LIMITS))
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", text)
    for diagnostic in report.diagnostics:
        assert CODES[diagnostic.code] == diagnostic.rule
        assert isinstance(diagnostic.severity, Severity)
        assert diagnostic.message
        require_inside(diagnostic.span, lines)
        for related in diagnostic.related:
            require_inside(related.span, lines)
        if diagnostic.fix is not None:
            for edit in diagnostic.fix.edits:
                require_inside(edit.span, lines)
    if report.shapes is None:
        assert any(d.severity is Severity.ERROR for d in report.diagnostics)
    return report


WORDS = sorted(
    {
        *REGISTRY,
        *(name for op, kind in REGISTRY.items() for name in kind.keys_of(op)),
        *vocabulary.TOP_KEYS,
        *vocabulary.LAYER_KEYS,
        *vocabulary.BLOCK_LAYER_KEYS,
        *vocabulary.BLOCK_KEYS,
        *vocabulary.DIM_KEYS,
        *vocabulary.ACCEPTS_KEYS,
    }
)
SCALARS = [
    *("0", "1", "2", "3", "-1", "64", "100", "99999999999", "9" * 25, "1.5", ".5", "1e3", "1e400", ".nan", ".inf"),
    *("true", "false", "null", "~", "yes", "same", "half", "depthwise", "N", "H", "_", "x", "input", "''", '"3"'),
    *("=", "=1", "=-1", "=H", "=H // 2", "=H * W", "=N - 5", "=width", "=index", "=1 // 0", "=[1]", "=9**9", "=1.5"),
    *("[]", "[1]", "[2, 3]", "[[1, 2], [3, 4]]", "[N, 3, H, W]", "[1, 3, 8]", "{}", "{a: 1}", "[x, x]", "*a", "&a 1"),
    *("!!int 1", "- 1", "# a", ":", ",", "]", "}", "{", "[", "'", '"', "|", ">", "%", "@", "\t", "é", "😀", "\u2028"),
]
TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*|-?[0-9][0-9.]*|[^\sA-Za-z0-9_]")
PICK = st.integers(0, 10_000)
KINDS = ("delete", "double", "swap", "indent", "token", "word", "scalar", "cut", "insert")
STEP = st.tuples(st.sampled_from(KINDS), PICK, PICK)


def mutate(text: str, step: tuple[str, int, int]) -> str:
    """Change a text in one place."""
    kind, a, b = step
    lines = text.split("\n")
    one, other = a % len(lines), b % len(lines)
    if kind == "delete":
        del lines[one]
    elif kind == "double":
        lines.insert(other, lines[one])
    elif kind == "swap":
        lines[one], lines[other] = lines[other], lines[one]
    elif kind == "indent":
        lines[one] = "  " + lines[one] if b % 2 else lines[one].removeprefix("  ")
    if kind in ("delete", "double", "swap", "indent"):
        return "\n".join(lines)
    if kind == "cut":
        return text[: a % (len(text) + 1)]
    if kind == "insert":
        at = a % (len(text) + 1)
        return text[:at] + SCALARS[b % len(SCALARS)] + text[at:]
    tokens = list(TOKEN.finditer(text))
    if not tokens:
        return text
    match = tokens[a % len(tokens)]
    choices = [t[0] for t in tokens] if kind == "token" else WORDS if kind == "word" else SCALARS
    return text[: match.start()] + choices[b % len(choices)] + text[match.end() :]


@QUICK
@given(which=PICK, steps=st.lists(STEP, min_size=1, max_size=4))
def test_mutated_examples(which: int, steps: list[tuple[str, int, int]]) -> None:
    text = small_examples()[which % len(small_examples())]
    for step in steps:
        text = mutate(text, step)
    check(text)


LEAF = st.one_of(st.sampled_from(SCALARS), st.sampled_from(WORDS), st.sampled_from(["x", "y", "b", "conv_1", "relu_1"]))
TREE = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: "[" + ", ".join(items) + "]"),
        st.dictionaries(st.sampled_from(WORDS), inner, max_size=4).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
        ),
    ),
    max_leaves=8,
)


@QUICK
@given(st.dictionaries(st.sampled_from(sorted(vocabulary.TOP_KEYS)), TREE, max_size=6), st.booleans())
def test_trees_of_words(entries: dict[str, str], begins_well: bool) -> None:
    if begins_well:
        entries = {"shapecheck": "1", "inputs": "{x: [N, 3, H, W]}", "layers": "[{op: relu}]", **entries}
    check("".join(f"{key}: {value}\n" for key, value in entries.items()))


@st.composite
def layer(draw: st.DrawFn) -> str:
    op = draw(st.sampled_from(sorted(REGISTRY)))
    keys = sorted(REGISTRY[op].keys_of(op))
    entries: dict[str, Any] = {"op": op}
    if draw(st.booleans()):
        entries["from"] = draw(st.sampled_from(["x", "y", "[x, y]", "[x, x, y]", "b_1", "relu_1", "conv_1"]))
    for key in draw(st.lists(st.sampled_from(keys), unique=True)) if keys else []:
        value = st.one_of(
            st.integers(-2, 9).map(str),
            st.lists(st.integers(-1, 9), max_size=3).map(scalar),
            st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=1, max_size=3).map(scalar),
            st.sampled_from(SCALARS[:45]),
            st.sampled_from(["x", "y", "same", "mean", "linear", "depthwise", "conv_1", "max_pool_1"]),
        )
        entries[key] = draw(value)
    return "  - {" + ", ".join(f"{key}: {value}" for key, value in entries.items()) + "}"


SHAPE = st.lists(st.sampled_from(["1", "2", "3", "4", "8", "N", "H", "W", "=H * 2", "=H // 3", "=width"]), max_size=5)


@settings(QUICK, max_examples=amount(400))
@given(x=SHAPE, y=SHAPE, layers=st.lists(layer(), min_size=1, max_size=4), sized=st.booleans(), last=st.booleans())
@example(
    x=["1"], y=["1"], layers=["  - {op: squeeze, axis: 0}", "  - {op: linear, out_features: 3}"], sized=True, last=True
)
@example(x=[], y=["1"], layers=["  - {op: linear, out_features: 3, from: x}"], sized=True, last=False)
def test_any_value_for_any_key(x: list[str], y: list[str], layers: list[str], sized: bool, last: bool) -> None:
    dims = "dims: {N: 2, H: 9, W: 7}\n" if sized else ""
    layout = "layout: channels_last\n" if last else ""
    inputs = f"inputs: {{x: [{', '.join(x)}], y: [{', '.join(y)}]}}\n"
    lines = ["  - {op: relu, from: x}", *layers]
    check(f"shapecheck: 1\n{layout}params: {{width: 4}}\n{inputs}{dims}layers:\n" + "\n".join(lines) + "\n")


@QUICK
@given(
    st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
)
@example(b"\xff\xfe")
@example(b"\xef\xbb\xbf")
@example(b"a: \xed\xa0\x80")
def test_any_bytes(data: bytes) -> None:
    found = decode(data, LIMITS)
    if isinstance(found, Finding):
        assert found.rule.name in RULES
        assert found.span.start.line <= data.count(b"\n") + 1
        assert found.message
    else:
        check(found)


@QUICK
@given(which=PICK, at=PICK, data=st.binary(min_size=1, max_size=4))
def test_bytes_put_into_an_example(which: int, at: int, data: bytes) -> None:
    text = small_examples()[which % len(small_examples())].encode()
    at %= len(text)
    found = decode(text[:at] + data + text[at:], LIMITS)
    if isinstance(found, str):
        check(found)
