"""The arithmetic behind ``=``: what it is worth, what it refuses, and that its cost is bounded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marked import HEAD, accepted, errors, layers, refused, shape
from steps import within
from texts import check_text

from shapecheck.findings.limits import DEFAULT_LIMITS
from shapecheck.language.expressions import Expression, ExpressionError, parse


def value(text: str, **env: Any) -> Any:
    return parse(text, DEFAULT_LIMITS.expression_length).value(env)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 // 2 + 7 % 2", 4),
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("- -3", 3),
        ("+3", 3),
        ("2 < 3 < 4", True),
        ("2 < 3 > 4", False),
        ("1 == 1 and not 2 != 2", True),
        ("0 or 5", 5),
        ("0 and 1 // 0", 0),
        ("1 or 1 // 0", 1),
        ("3 if width > 1 else 1 // 0", 3),
        ("widths[1] * 2", 64),
        ("widths[-1]", 48),
        ("[1, 2, 3][width - 2]", 1),
        ("min(3, width) + max(1, 7)", 9),
        ("max(widths)", 48),
        ("1.5 * 4 // 1", 6),
        ("width", 2),
        ("[width, width * 2]", [2, 4]),
        ("(1, 2)[0]", 1),
        ("True + True", 2),
        ("1 <= 1 and 2 >= 2", True),
    ],
)
def test_values(text: str, expected: Any) -> None:
    found = value(text, width=2, widths=[16, 32, 48])
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "offender"),
    [
        ("9**9", "**"),
        ("1 / 2", "/"),
        ("1 << 2", "<<"),
        ("1 >> 2", ">>"),
        ("1 & 2", "&"),
        ("1 | 2", "|"),
        ("1 ^ 2", "^"),
        ("~1", "~"),
        ("1 @ 2", "@"),
        ("1 in [1]", "in"),
        ("1 not in [1]", "not in"),
        ("1 is 1", "is"),
        ("print(1)", "print"),
        ("__import__('os')", "__import__"),
        ("abs(1)", "abs"),
        ("min()", "min"),
        ("min(1, key=2)", "min"),
        ("max(*[1])", "max"),
        ("(min)(1)(2)", "min"),
        ("a.b", "a.b"),
        ("a.__class__", "__class__"),
        ("[x for x in [1]]", "for"),
        ("{1: 2}", "{1: 2}"),
        ("{1}", "{1}"),
        ("lambda: 1", "lambda"),
        ("(x := 1)", ":="),
        ("'text'", "text"),
        ("b'1'", "b'1'"),
        ("f'{1}'", "f'"),
        ("None", "None"),
        ("...", "..."),
        ("1j", "1j"),
        ("[1, 2][0:1]", "0:1"),
        ("[1, 2][0, 1]", "0, 1"),
        ("[*a]", "*a"),
        ("await a", "await"),
    ],
)
def test_what_is_not_part_of_an_expression(text: str, offender: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, DEFAULT_LIMITS.expression_length)
    assert offender in caught.value.message


@pytest.mark.parametrize(
    "text",
    ["", " ", "1 +", "(1", "1)", "1 2", "a = 1", "import os", "1;2", "1\n2", "if a: 1", "=1", "\0", "#", "é +", "0777"],
)
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text, DEFAULT_LIMITS.expression_length)


@pytest.mark.parametrize(
    ("text", "offender"),
    [
        ("1 // 0", "zero"),
        ("1 % 0", "zero"),
        ("nowhere + 1", "nowhere"),
        ("[1, 2][2]", "2"),
        ("[1, 2][-3]", "-3"),
        ("[1, 2][1.0]", "1.0"),
        ("[1, 2][1 == 1]", "True"),
        ("3[0]", "3"),
        ("[1] * 3", "list"),
        ("[1] + [2]", "list"),
        ("-[1]", "list"),
        ("1 < [1]", "compared"),
        ("min(1, [2])", "min"),
        ("max([])", "max"),
    ],
)
def test_what_has_no_value(text: str, offender: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        value(text)
    assert offender in caught.value.message


USE = "{op: conv, out_channels: =width, kernel_size: 1, from: x}"


@pytest.mark.parametrize(
    ("written", "code", "offender"),
    [
        ("=⟦9⟧**9**9", "SC015", "**"),
        ("=width * ⟦wide⟧", "SC109", "wide"),
        ('"=⟦[⟧1, 2][5]"', "SC015", "5"),
        ("=⟦1⟧ // 0", "SC015", "zero"),
        ("⟦=width - 9⟧", "SC011", "out_channels"),
        ("⟦=width * 0.75⟧", "SC011", "out_channels"),
        ("⟦=width > 1⟧", "SC011", "out_channels"),
        ('⟦"=[width]"⟧', "SC011", "out_channels"),
        ("=⟦p⟧rint(width)", "SC015", "print"),
        ("=⟦w⟧idth.bit_length", "SC015", "width.bit_length"),
        ('"=⟦[⟧a for a in width]"', "SC015", "for"),
        ('"=⟦l⟧ambda: width"', "SC015", "lambda"),
    ],
)
def test_a_finding_points_into_the_expression(written: str, code: str, offender: str) -> None:
    text = "params: {width: 8}\n" + layers(f"{{op: conv, out_channels: {written}, kernel_size: 3}}", USE)
    refused(text, code, offender)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    text = "params: {width: 8}\n" + layers("{op: conv, out_channels: =⟦widht⟧, kernel_size: 3}", USE)
    found = refused(text, "SC109", "widht")
    assert found.help == "did you mean width?"


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9",
        "*".join(["9" * 40] * 20),
        "9" * 900,
        "+".join(["1"] * 490),
        "(" * 450 + "1" + ")" * 450,
        "[" * 450 + "1" + "]" * 450,
        "-" * 990 + "1",
        "not " * 240 + "1",
        "[1,2,3]*1000000",
        "[[1]*1000]*1000",
        "max([" + "1," * 480 + "])",
        "1 if 1 else " * 80 + "1",
        "a" + "[0]" * 300,
        "min(" * 200 + "1" + ")" * 200,
        "1<" * 490 + "1",
    ],
)
def test_every_expression_ends_soon(text: str) -> None:
    network = layers(f'{{op: conv, out_channels: "={text}", kernel_size: 3}}')
    report = within(100_000, lambda: check_text(network, "test.net.yaml"))
    assert {d.code for d in errors(report)} <= {"SC011", "SC015", "SC109"}


def test_a_number_is_bounded() -> None:
    refused(layers('{op: conv, out_channels: "=⟦' + "*".join(["9" * 40] * 8) + '⟧", kernel_size: 3}'), "SC015", "bits")
    with pytest.raises(ExpressionError, match="bits"):
        value("a * a", a=2**900)
    assert value("a * 2", a=2**900) == 2**901


def test_the_bound_on_the_length_can_be_raised() -> None:
    text = layers('{op: conv, out_channels: "=⟦' + "1+" * 200 + "1" + " " * 800 + '⟧", kernel_size: 3}')
    found = refused(text, "SC015", "1201", "1000")
    assert found.help is not None
    assert "limits.expression_length" in found.help
    clean = text.replace("⟦", "").replace("⟧", "")
    assert shape(accepted(clean, DEFAULT_LIMITS._replace(expression_length=2_000)), "conv_1") == (2, 201, 6, 6)


def test_an_expression_that_nests_too_deep_is_an_error_whatever_the_bound() -> None:
    refused(layers('{op: conv, out_channels: "=⟦' + "-" * 5_000 + '1⟧", kernel_size: 3}'), "SC015", "1000")
    with pytest.raises(ExpressionError, match="deep"):
        parse("-" * 5_000 + "1", 100_000)
    with pytest.raises(ExpressionError):
        parse("(" * 5_000 + "1" + ")" * 5_000, 100_000)


NAMES = {"a": 3, "b": -4, "c": 10}
ATOMS = st.one_of(st.integers(0, 20).map(str), st.sampled_from(sorted(NAMES)))


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%", "==", "<", ">=", " and ", " or "]), inner)
    return st.one_of(
        two.map(lambda t: f"({t[0]}{t[1]}{t[2]})"),
        inner.map(lambda t: f"(-{t})"),
        inner.map(lambda t: f"(not {t})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        st.lists(inner, min_size=1, max_size=3).map(lambda t: f"max({', '.join(t)}, 0)"),
        st.lists(inner, min_size=1, max_size=3).map(lambda t: f"[{', '.join(t)}][0]"),
    )


@given(text=st.recursive(ATOMS, compound, max_leaves=12))
def test_it_means_what_python_means(text: str) -> None:
    expression = parse(text, 100_000)
    assert isinstance(expression, Expression)
    assert expression.names <= set(NAMES)
    try:
        expected = eval(text, {"__builtins__": {}, "max": max}, dict(NAMES))
    except ZeroDivisionError:
        with pytest.raises(ExpressionError):
            expression.value(NAMES)
    else:
        found = expression.value(NAMES)
        assert found == expected
        assert type(found) is type(expected)


@given(text=st.text(alphabet="0123456789abmin()[],+-*/%<>=! ifelsorandt.:'\"\\é\n", max_size=30))
def test_any_text_is_an_expression_or_an_error(text: str) -> None:
    found = None
    try:
        parse(text, 1_000).value({"a": 1, "b": [1, 2]})
    except ExpressionError as error:
        found = error
    assert found is None or (found.message and 0 <= found.offset <= len(text) + 1)


def test_params_are_read_in_order_and_may_use_those_above() -> None:
    text = "params: {a: 4, b: =a * 2, c: [=a, =b]}\n" + HEAD
    text += 'layers:\n  - {op: conv, out_channels: "=c[1]", kernel_size: 1}\n'
    assert shape(accepted(text), "conv_1") == (2, 8, 8, 8)
    refused("params: {b: =⟦a⟧ * 2, a: 4}\n" + layers(USE.replace("width", "b + a")), "SC109", "a")
