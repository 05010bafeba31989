"""What check says of the sizes of named dimensions: promises, neighbours, sets worth noting (SC5xx)."""

from __future__ import annotations

import random
import re
from typing import Any

import condition_text
import pytest
import random_encoders
from amounts import sampled
from every_size import load, working
from texts import check_text

from shapecheck.analysis.sizes.every_size import analyse
from shapecheck.findings.finding import Finding


def unet(dims: str, inputs: str = "[1, 4, H]", depth: int = 2) -> str:
    lines = [f"shapecheck: 1\ninputs: {{x: {inputs}}}\ndims: {dims}\nlayers:"]
    lines += [f"  - {{name: p{n}, op: max_pool, kernel_size: 2}}" for n in range(depth)]
    for n in reversed(range(depth)):
        lines.append(f"  - {{name: u{n}, op: upsample, scale_factor: 2}}")
        lines.append(f"  - {{name: j{n}, op: concat, from: [{f'p{n - 1}' if n else 'x'}, u{n}]}}")
    return "\n".join(lines) + "\n"


def promise(accepts: str, size: str = "size: 64, ") -> str:
    return unet(f"{{H: {{{size}accepts: {accepts}}}}}")


def found(text: str) -> list[Finding]:
    return [d for d in check_text(text, "sizes.net.yaml").diagnostics if d.code.startswith("SC50")]


def only(text: str, code: str, severity: str) -> Finding:
    (finding,) = found(text)
    assert (finding.code, finding.severity) == (code, severity)
    return finding


def pointed(text: str, finding: Finding) -> str:
    line = text.splitlines()[finding.span.start.line - 1]
    return line[finding.span.start.column - 1 : finding.span.end.column - 1]


def test_a_broken_promise() -> None:
    text = promise("{min: 16, multiple_of: 2}")
    finding = only(text, "SC501", "error")
    assert finding.message == (
        "accepts promises H >= 16 and H % 2 == 0, but H = 18 does not work: j1 needs H % 4 in {0, 1}"
    )
    assert finding.help == (
        "the widest promise that is true here: H >= 16 and H % 4 == 0; all sizes that work: H % 4 == 0"
    )
    (related,) = finding.related
    assert related.message == "at H = 18: H // 2 == 2 * (H // 4), which is 9 against 8"
    assert text.splitlines()[related.span.start.line - 1].strip().startswith("- {name: j1,")
    assert finding.span.start.line == 3


@pytest.mark.parametrize(
    ("accepts", "said", "wrong", "widest"),
    [
        ("{min: 10, max: 90, multiple_of: 2}", "10 <= H <= 90 and H % 2 == 0", 10, "12 <= H <= 88 and H % 4 == 0"),
        ("{min: 64}", "H >= 64", 65, "H >= 64 and H % 4 == 0"),
        ("{max: 64}", "1 <= H <= 64", 1, "4 <= H <= 64 and H % 4 == 0"),
        ("{multiple_of: 6}", "H % 6 == 0", 6, "H % 12 == 0"),
        ("{sizes: [64, 66, 68]}", "H in {64, 66, 68}", 66, "H in {64, 68}"),
        ("{sizes: [64, 67]}", "H in {64, 67}", 67, "H == 64"),
        ("{min: 61, max: 63}", "61 <= H <= 63", 61, None),
    ],
)
def test_the_smallest_size_that_breaks_a_promise_and_the_widest_that_would_hold(
    accepts: str, said: str, wrong: int, widest: str | None
) -> None:
    finding = only(promise(accepts), "SC501", "error")
    assert finding.message.startswith(f"accepts promises {said}, but H = {wrong} does not work: ")
    opening = "no size of those promised works" if widest is None else f"the widest promise that is true here: {widest}"
    assert finding.help == f"{opening}; all sizes that work: H % 4 == 0"


@pytest.mark.parametrize(
    "accepts",
    ["{multiple_of: 4}", "{min: 64, multiple_of: 4}", "{min: 5, max: 40, multiple_of: 4}", "{sizes: [4, 64]}"],
)
def test_a_promise_that_is_kept_is_worth_no_word(accepts: str) -> None:
    assert found(promise(accepts)) == []
    assert found(promise(accepts, size="")) == []


def test_a_promise_narrower_than_need_be() -> None:
    finding = only(promise("{min: 16, multiple_of: 8}"), "SC502", "info")
    assert finding.message == "H works at more sizes than accepts promises, 20 among them: H % 4 == 0"
    assert only(promise("{min: 16, max: 40, multiple_of: 12}"), "SC502", "info").message.startswith(
        "H works at more sizes than accepts promises, 16 among them"
    )


def test_a_neighbour_works() -> None:
    text = unet("{H: 66, W: 64}", "[1, 4, H, W]")
    finding = only(text, "SC504", "info")
    assert finding.message == "H = 66 does not work; the nearest that do are 64 and 68: H % 4 == 0"
    assert any(d.code == "SC208" for d in check_text(text, "sizes.net.yaml").diagnostics)
    one = only(unet("{H: 3}"), "SC504", "info")
    assert one.message == "H = 3 does not work; the nearest that does is 4: H % 4 == 0"


def test_both_dimensions_may_have_neighbours() -> None:
    messages = [d.message for d in found(unet("{H: 66, W: 33}", "[1, 4, H, W]"))]
    assert messages == [
        "H = 66 does not work; the nearest that do are 64 and 68, with W = 32: H % 4 == 0",
        "W = 33 does not work; the nearest that do are 32 and 36, with H = 64: W % 4 == 0",
    ]


def test_the_valid_sizes_are_noted_in_one_line() -> None:
    assert only(unet("{H: 64}"), "SC507", "info").message == "H works where H % 4 == 0"
    two = unet("{H: 64, W: 32}", "[1, 4, H, W]")
    assert only(two, "SC507", "info").message == "H works where H % 4 == 0; W likewise"
    three = two.replace("[1, 4, H, W]", "[1, 4, H, W, D]").replace("W: 32", "W: 32, D: 4")
    assert only(three, "SC507", "info").message == "H works where H % 4 == 0; W and D likewise"


def test_dimensions_of_which_every_size_works_are_not_noted() -> None:
    text = "shapecheck: 1\ninputs: {x: [N, 4, H]}\ndims: {N: 2, H: 9}\nlayers:\n  - {op: relu}\n"
    assert found(text) == []


def test_a_set_that_ends_is_a_note_of_its_own() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 4, H]}\ndims: {H: 224}\nlayers:\n"
        "  - {name: e, op: conv, out_channels: 4, kernel_size: 3, stride: 32, padding: 1}\n"
        "  - {name: f, op: flatten}\n  - {name: fc, op: linear, in_features: 28, out_features: 2}\n"
    )
    assert only(text, "SC505", "info").message == "H works only where 193 <= H <= 224"
    broken = only(text.replace("{H: 224}", "{H: {size: 224, accepts: {min: 200}}}"), "SC501", "error")
    assert broken.message == "accepts promises H >= 200, but H = 225 does not work: fc needs 193 <= H <= 224"
    assert broken.help == (
        "the widest promise that is true here: 200 <= H <= 224; all sizes that work: 193 <= H <= 224"
    )
    assert [r.message for r in broken.related] == ["at H = 225: 4 * ((H + 31) // 32) == 28, which is 32 against 28"]


def test_no_size_works() -> None:
    """Each of two layers can be met, both together not."""
    text = (
        "shapecheck: 1\ninputs: {x: [1, 4, H]}\ndims: {H: {accepts: {min: 8}}}\nlayers:\n"
        "  - {name: a, op: pixel_unshuffle, from: x, factor: 2}\n"
        "  - {name: p, op: pad, from: x, padding: [[1, 0]]}\n"
        "  - {name: b, op: pixel_unshuffle, factor: 2}\n"
    )
    finding = only(text, "SC503", "error")
    assert finding.message == "no size of H works"
    assert [r.message for r in finding.related] == [
        "a needs H % 2 == 0: (H) % 2 == 0",
        "b needs H % 2 == 1: (H + 1) % 2 == 0",
    ]


def test_what_could_not_be_decided_is_said() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 4, H]}\ndims: {H: {size: 50, accepts: {min: 8}}}\nlayers:\n"
        "  - {name: u, op: upsample, scale_factor: 1.4}\n"
    )
    finding = only(text, "SC506", "info")
    assert finding.message == (
        "which sizes of H work was not decided in full: u: scale_factor 1.4 is no short ratio, so ⌊H · 1.4⌋ has no"
        " exact form; as far as it was: every H >= 1"
    )


# Against asking every size.

SMALLEST = re.compile(r"but H = (\d+) does not work")
WIDEST = re.compile(r"the widest promise that is true here: ([^;]*);")
MORE = re.compile(r"more sizes than accepts promises, (\d+) among them")


def random_promise(rng: random.Random, right: list[int]) -> tuple[str, set[int]]:
    """Return a promise, and the sizes of it below 400."""
    multiple = rng.choice([1, 1, 2, 3, 4, 8, 16])
    least, most = rng.randint(1, 60), rng.choice([None, rng.randint(60, 399)])
    if rng.random() < 0.2:
        sizes = sorted(rng.sample(right or [1, 2, 3], 1) + [rng.randint(1, 100) for _ in range(rng.randint(0, 3))])
        return f"{{sizes: {sorted(set(sizes))}}}", set(sizes)
    keys = {"min": least, "multiple_of": multiple, **({} if most is None else {"max": most})}
    promised = {n for n in range(least, 400 if most is None else most + 1) if n % multiple == 0}
    return "{" + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}", promised


@pytest.mark.parametrize("first", sampled(range(0, 240, 20)))
def test_promises_against_every_size(first: int) -> None:
    seen: dict[str, int] = dict.fromkeys(("SC311", "SC501", "SC502", "SC503", "none"), 0)
    for seed in range(first, first + 20):
        rng = random.Random(seed)
        text = random_encoders.any_network(rng)
        network = load(text)
        right = working(network, "H", range(1, 400), expands="H]" in text.partition("layers:")[2])
        accepts, promised = random_promise(rng, sorted(right))
        size = f"size: {min(right)}, " if right else ""
        promising = text.replace("{H: 64}", f"{{H: {{{size}accepts: {accepts}}}}}")
        codes = {d.code: d for d in check_text(promising, "sizes.net.yaml").diagnostics}
        if analyse(network).dims["H"].set.empty or not promised:
            seen["SC503"] += 1
            continue
        wrong = promised - right
        # Where a transposed layer would have to follow its encoder, that is what is told.
        assert ("SC501" in codes or "SC311" in codes) == bool(wrong), (seed, accepts, text)
        if "SC311" in codes:
            seen["SC311"] += 1
        elif wrong:
            seen["SC501"] += 1
            require_broken(codes["SC501"], promised, right)
        elif "SC502" in codes:
            seen["SC502"] += 1
            more = MORE.search(codes["SC502"].message)
            assert more is not None and int(more[1]) in right - promised
        else:
            seen["none"] += 1
    assert seen["SC501"] > 3


def require_broken(finding: Any, promised: set[int], right: set[int]) -> None:
    smallest = SMALLEST.search(finding.message)
    assert smallest is not None and int(smallest[1]) == min(promised - right)
    widest = WIDEST.search(finding.help)
    if widest is None:
        assert finding.help.startswith("no size of those promised works")
        assert not promised & right
        return
    rule = condition_text.read(widest[1])
    if rule is not None and not rule.hidden:
        inside = {n for n in range(1, 400) if n in rule}
        assert {n for n in inside if n in promised} == promised & right
        assert inside <= promised or max(promised) >= 399
