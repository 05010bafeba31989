"""What is said of a transposed layer that leaves its size open: the words, the severity, the help, the fix."""

from __future__ import annotations

import random
import re

import pytest
from amounts import sampled
from open_stacks import Stack
from texts import check_text

from shapecheck import api
from shapecheck.analysis.propagation import propagate
from shapecheck.analysis.transposed.ambiguity import resolve
from shapecheck.findings.finding import Finding

HEAD = "shapecheck: 1\ninputs: {x: [1, 4, 30]}\nlayers:\n"
OPEN = "  - {name: d, op: conv_transpose, out_channels: 4, kernel_size: 2, stride: 2}\n"
HALF = "  - {name: e, op: conv, out_channels: 4, kernel_size: 2, stride: 2}\n"


def found(text: str) -> list[Finding]:
    """Return what is found on shapes and transposed layers; that a kernel is uneven is no matter here."""
    diagnostics = check_text(text, "open.net.yaml").diagnostics
    return [d for d in diagnostics if d.code.startswith(("SC2", "SC3")) and d.code not in ("SC307", "SC309")]


def only(text: str, code: str = "SC302") -> Finding:
    """Return the one finding of a network."""
    diagnostics = found(text)
    assert [d.code for d in diagnostics] == [code], [(d.code, d.message) for d in diagnostics]
    return diagnostics[0]


def told(diagnostic: Finding) -> list[str]:
    return [related.message for related in diagnostic.related]


def test_one_value_is_demanded() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 3, 28, 29]}\nlayers:\n"
        "  - {name: e, op: conv, out_channels: 8, kernel_size: 4, stride: 2, padding: 1}\n"
        "  - {name: d, op: conv_transpose, out_channels: 3, kernel_size: 4, stride: 2, padding: 1}\n"
        "outputs: {y: {from: d, expect: [1, 3, 28, 29]}}\n"
    )
    finding = only(text)
    assert (finding.severity, finding.layer) == ("error", "d")
    assert finding.message == (
        "d: stride 2 leaves 2 sizes open on H and W, 28 or 29 (2·(14 − 1) + a + 4 − 2); shapes go on with a = 0,"
        " but the network demands a = 1 on W (size 29)"
    )
    assert finding.help == "say which is meant: output_padding, output_size, or transpose_of"
    assert told(finding) == ["d: the output is [1, 3, 28, 28], against expect [1, 3, 28, 29]: W (axis 3) is 28, not 29"]
    assert finding.fix is not None
    assert (finding.fix.message, finding.fix.applicability) == ("add output_padding: [0, 1]", "safe")
    # It points at the stride, which is what leaves the size open.
    line = text.splitlines()[finding.span.start.line - 1]
    assert line[finding.span.start.column - 1 : finding.span.end.column - 1] == "2" and "name: d" in line


def test_the_value_that_is_demanded_may_be_the_one_taken() -> None:
    assert found(HEAD + HALF + OPEN + "  - {op: add, from: [x, d]}\n") == []


def test_several_values_fit() -> None:
    finding = only(
        HEAD.replace("30", "32") + HALF.replace("2", "4") + OPEN.replace("2", "4") + "  - {name: p, op: max_pool, "
        "kernel_size: 2}\noutputs: {y: {from: p, expect: [1, 4, 16]}}\n"
    )
    assert finding.severity == "warning"
    assert finding.message == (
        "d: stride 4 leaves 4 sizes open on L, 32, 33, 34 or 35 (4·(8 − 1) + a + 4); a = 0 or 1 on L (size 32 or 33)"
        " all fit, and the sizes differ"
    )
    assert finding.help == "say which is meant: output_padding, output_size, or transpose_of"
    assert finding.fix is None


def test_several_values_fit_and_that_taken_is_not_among_them() -> None:
    finding = only(
        HEAD.replace("30", "32") + HALF.replace("2", "4") + OPEN.replace("2", "4") + "  - {name: p, op: max_pool, "
        "kernel_size: 2}\noutputs: {y: {from: p, expect: [1, 4, 17]}}\n"
    )
    assert finding.severity == "error"
    assert finding.message.endswith("shapes go on with a = 0, but the network demands a = 2 or 3 on L (size 34 or 35)")
    assert finding.help is not None and finding.help.startswith("say which is meant")
    assert finding.fix is None


def test_nothing_depends_on_it() -> None:
    finding = only(
        "shapecheck: 1\ninputs: {x: [1, 4, 16, 16]}\nlayers:\n"
        "  - {name: d, op: conv_transpose, out_channels: 4, kernel_size: 4, stride: 2, padding: 1}\n"
    )
    assert finding.severity == "info"
    assert finding.message == (
        "d: stride 2 leaves 2 sizes open on H and W, 32 or 33 (2·(16 − 1) + a + 4 − 2); nothing in the network depends"
        " on it, so the choice is yours; shapes go on with a = 0, as in PyTorch"
    )
    assert finding.help == "say with output_padding: 0 that it is meant"


@pytest.mark.parametrize("said", ["output_padding: 0", "output_size: 30", "output_size: 31"])
def test_a_layer_that_says_its_size_is_left_alone(said: str) -> None:
    assert found(HEAD + HALF + OPEN.replace("stride: 2", f"stride: 2, {said}")) == []


def test_stride_1_leaves_nothing_open() -> None:
    assert found(HEAD + OPEN.replace("stride: 2", "stride: 1")) == []


def test_a_near_miss_is_off_by_so_much() -> None:
    finding = only(HEAD + HALF + OPEN + "outputs: {y: {from: d, expect: [1, 4, 32]}}\n")
    assert finding.severity == "error"
    assert finding.message == (
        "d: stride 2 leaves 2 sizes open on L, 30 or 31 (2·(15 − 1) + a + 2); none of them meets d, which needs 32"
        " where 30 to 31 can be had: off by 1 at best"
    )
    assert told(finding) == ["d demands it"]
    assert finding.fix is None


def test_a_near_miss_at_a_merge() -> None:
    finding = only(
        HEAD.replace("30", "31")
        + HALF
        + OPEN
        + "  - {name: c, op: pad, padding: [[2, 0]]}\n  - {name: j, op: add, from: [x, c]}\n"
    )
    assert finding.message.endswith("none of them meets j, which needs 31 where 32 to 33 can be had: off by 1 at best")
    assert told(finding) == ["j demands it"]


def test_a_value_wanted_by_a_merge_names_the_layer_at_which_the_row_was_lost() -> None:
    finding = only(HEAD.replace("30", "31") + HALF + OPEN + "  - {name: j, op: add, from: [x, d]}\n")
    assert told(finding) == [
        "j: inputs differ on L (axis 2): 31 and 30",
        "the branches part at e, which drops 1 of 31: ⌊(31 − 2) / 2⌋ + 1 = 15",
    ]


def test_a_gross_miss_is_a_mistake_of_its_own() -> None:
    """Maps of stride 1 and 2 cannot be joined whatever a is: that is told at the merge, and a is told as free."""
    text = (
        "shapecheck: 1\ninputs: {x: [1, 4, 32, 32]}\nlayers:\n"
        + HALF
        + HALF.replace("name: e", "name: g")
        + OPEN
        + "  - {name: j, op: concat, from: [x, d]}\n"
    )
    finding = only(text, "SC208")
    assert finding.message == "j: inputs differ on H (axis 2): 32 and 16"
    assert "the branches part at x and have strides 1 and 2 from there" in told(finding)


def test_an_expectation_that_is_far_off_stays_one() -> None:
    finding = only(HEAD + HALF + OPEN + "outputs: {y: {from: d, expect: [1, 4, 60]}}\n", "SC207")
    assert finding.message == "d: the output is [1, 4, 30], against expect [1, 4, 60]: L (axis 2) is 30, not 60"


def test_two_outputs_that_want_different_sizes() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 4, 16], y: [1, 4, 31], z: [1, 4, 32]}\nlayers:\n"
        "  - {name: d, op: conv_transpose, from: x, out_channels: 4, kernel_size: 4, stride: 2, padding: 1}\n"
        "  - {name: a, op: relu}\n"
        "  - {name: b, op: relu, from: d}\n"
        "outputs: {one: {from: a, same_shape_as: z}, other: {from: b, expect: [1, 4, 33]}}\n"
    )
    finding = only(text.replace("y: [1, 4, 31], ", ""))
    assert finding.severity == "error"
    assert finding.message.endswith("none of them meets b, which needs 33 where 32 can be had: off by 1 at best")
    assert told(finding) == ["b demands it"]


def test_a_flatten_asks_for_a_number_of_elements() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 1, 14, 14]}\nlayers:\n"
        "  - {name: e, op: conv, out_channels: 2, kernel_size: 4, stride: 4, padding: 1}\n"
        "  - {name: d, op: conv_transpose, out_channels: 2, kernel_size: 4, stride: 4, padding: 1}\n"
        "  - {name: f, op: flatten}\n"
        "  - {name: fc, op: linear, in_features: 450, out_features: 10}\n"
    )
    finding = only(text)
    assert finding.message == (
        "d: stride 4 leaves 4 sizes open on H and W, 14, 15, 16 or 17 (4·(4 − 1) + a + 4 − 2); shapes go on with a = 0,"
        " but the network demands a = 1 on H and W (size 15)"
    )
    assert told(finding) == [
        "fc: in_features is stated as 450, but the input has 392 features (the last axis of [1, 392])"
    ]
    assert finding.fix is not None and finding.fix.message == "add output_padding: 1"


def test_an_axis_on_which_maps_are_joined() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 2, 15], t: [1, 2, 7]}\nlayers:\n"
        "  - {name: e, op: conv, from: x, out_channels: 2, kernel_size: 3, stride: 2}\n"
        "  - {name: d, op: conv_transpose, out_channels: 2, kernel_size: 2, stride: 2}\n"
        "  - {name: j, op: concat, from: [d, t], axis: 2}\n"
        "outputs: {y: {from: j, expect: [1, 2, 22]}}\n"
    )
    finding = only(text)
    assert finding.message.endswith("but the network demands a = 1 on L (size 15)")
    assert told(finding) == ["j: the output is [1, 2, 21], against expect [1, 2, 22]: L (axis 2) is 21, not 22"]


def test_a_declared_pair_asks_for_the_input_of_its_encoder() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 2, 30]}\nlayers:\n"
        "  - {name: e, op: conv, out_channels: 2, kernel_size: 8, stride: 4}\n"
        "  - {name: d, op: conv_transpose, out_channels: 2, kernel_size: 8, stride: 4}\n"
        "symmetry: {d: e}\n"
    )
    finding = only(text)
    assert (finding.severity, finding.layer) == ("error", "d")
    assert finding.message == (
        "d: stride 4 leaves 4 sizes open on L, 28, 29, 30 or 31 (4·(6 − 1) + a + 8); shapes go on with a = 0,"
        " but the network demands a = 2 on L (size 30)"
    )
    assert found(text.replace("inputs: {x: [1, 2, 30]}", "inputs: {x: [1, 2, 28]}")) == []


def test_copies_of_one_layer_that_want_the_same_are_told_once() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 2, 32]}\nblocks:\n"
        "  up: {layers: [{name: d, op: conv_transpose, out_channels: 2, kernel_size: 4, stride: 2, padding: 2}]}\n"
        "layers:\n"
        "  - {name: e1, op: conv, out_channels: 2, kernel_size: 4, stride: 2, padding: 2}\n"
        "  - {name: e2, op: conv, out_channels: 2, kernel_size: 4, stride: 2, padding: 2}\n"
        "  - {name: up, block: up, repeat: 2}\n"
        "outputs: {y: {from: up, expect: [1, 2, WANTED]}}\n"
    )
    finding = only(text.replace("WANTED", "33"))
    assert finding.message.endswith("a = 1 on L (size 17) (and likewise at up.1.d)")
    assert finding.fix is not None and finding.fix.message == "add output_padding: 1"
    # 32 is 2·(16 + …): the first copy wants another a than the second, and the block can hold only one.
    other = [d for d in found(text.replace("WANTED", "32")) if d.code == "SC302"]
    assert all(d.fix is None for d in other)


# Which a is wanted at other sizes.

TERM = re.compile(r"(\d+) where H % (\d+) (?:== (\d+)|in \{([\d, ]+)\})")


def table(text: str) -> list[tuple[int, int, set[int]]]:
    """Return what a table says: an a, a period and the remainders of H at which it is wanted."""
    return [
        (int(a), int(period), {int(one)} if one else {int(r) for r in many.split(", ")})
        for a, period, one, many in TERM.findall(text)
    ]


def wanted(text: str, layer: str, n: int) -> set[int]:
    """Return which a a network wants of a layer at a size, by asking there."""
    ambiguity = resolve(propagate(api.loads(text, H=n)))
    assert ambiguity is not None
    return {a for v in ambiguity.layers if v.node.name == layer for a in v.axes[0].values}


def named(size: int) -> str:
    return (
        f"shapecheck: 1\ninputs: {{x: [1, 2, H]}}\ndims: {{H: {size}}}\nlayers:\n"
        "  - {name: e1, op: conv, out_channels: 2, kernel_size: 4, stride: 2, padding: 1}\n"
        "  - {name: e2, op: conv, out_channels: 2, kernel_size: 3, stride: 3}\n"
        "  - {name: d2, op: conv_transpose, out_channels: 2, kernel_size: 3, stride: 3}\n"
        "  - {name: d1, op: conv_transpose, out_channels: 2, kernel_size: 4, stride: 2, padding: 1}\n"
        "  - {name: j, op: add, from: [x, d1]}\n"
    )


def test_the_help_tells_which_a_is_wanted_at_which_size() -> None:
    first = only(named(31))
    assert first.layer == "d1"
    assert told(first)[-1] == "a depends on the input: 0 where H % 2 == 0, 1 where H % 2 == 1"
    second = only(named(32))
    assert second.layer == "d2"
    by_size = told(second)[-1]
    assert "a depends on the input: " in by_size
    assert table(by_size) == [(0, 6, {0, 1}), (1, 6, {2, 3}), (2, 6, {4, 5})]
    for n in range(12, 60):
        for a, period, remainders in table(by_size):
            assert (wanted(named(32), "d2", n) == {a}) == (n % period in remainders)


def test_a_size_that_nothing_depends_on_has_no_table() -> None:
    text = named(31).replace("[1, 2, H]", "[1, 2, 31]").replace("dims: {H: 31}\n", "")
    finding = only(text)
    assert finding.help is not None and "depends" not in finding.help


@pytest.mark.parametrize("seed", sampled(range(40)))
def test_a_table_is_true_at_every_size(seed: int) -> None:
    rng = random.Random(seed)
    stack = Stack(rng, rng.randint(1, 3))
    text = stack.text(rng, "same").replace(f", {stack.sizes[0][0]}, ", ", H, ", 1)
    text = text.replace("layers:", f"dims: {{H: {stack.sizes[0][0]}}}\nlayers:", 1)
    said = 0
    for diagnostic in found(text):
        rows = table(diagnostic.help or "") if diagnostic.code == "SC302" else []
        said += len(rows)
        if not rows:
            continue
        assert len(rows) > 1
        for n in range(stack.sizes[0][0], stack.sizes[0][0] + 70):
            applies = {a for a, period, remainders in rows if n % period in remainders}
            assert applies == wanted(text, str(diagnostic.layer), n), (n, diagnostic.help)
    assert said or all(d.code != "SC302" or "depends" not in (d.help or "") for d in found(text))


def promise(accepts: str, d2: str = "0", d1: str = "0") -> str:
    text = named(36).replace("{H: 36}", f"{{H: {{size: 36, accepts: {accepts}}}}}")
    text = text.replace("name: d2, ", f"name: d2, output_padding: {d2}, ")
    return text.replace("name: d1, ", f"name: d1, output_padding: {d1}, ")


@pytest.mark.parametrize(
    ("accepts", "step", "conditions"),
    [
        ("{min: 12}", 1, {"d2": "0 where H % 6 in {0, 1}, 1 where H % 6 in {2, 3}, 2 where H % 6 in {4, 5}"}),
        ("{min: 12, multiple_of: 2}", 2, {"d2": "0 where H % 6 == 0, 1 where H % 6 == 2, 2 where H % 6 == 4"}),
        ("{min: 12, multiple_of: 4}", 4, {"d2": "0 where H % 12 == 0, 1 where H % 12 == 8, 2 where H % 12 == 4"}),
        ("{min: 12, multiple_of: 3}", 3, {"d2": "0 where H % 6 == 0, 1 where H % 6 == 3"}),
    ],
)
def test_no_constant_serves_what_is_promised(accepts: str, step: int, conditions: dict[str, str]) -> None:
    text = promise(accepts)
    findings = {str(d.layer): d for d in found(text) if d.code == "SC311"}
    assert set(conditions) <= set(findings)
    for layer, condition in conditions.items():
        assert findings[layer].message.endswith(f" on L: a = {condition}")
    unsaid = named(36)
    for layer, finding in findings.items():
        rows = table(finding.message)
        for n in range(12, 12 + 24 * step, step):
            applies = {a for a, period, remainders in rows if n % period in remainders}
            assert applies == wanted(unsaid, layer, n), (layer, n, finding.message)


def test_a_constant_that_serves_what_is_promised_is_left_alone() -> None:
    assert not [d for d in found(promise("{min: 12, multiple_of: 6}")) if d.code == "SC311"]
