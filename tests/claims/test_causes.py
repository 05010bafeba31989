"""What an error is told with is true: of random broken networks, each number is found again in their shapes."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping

import pytest
from amounts import amount, drawn
from random_networks import layer
from texts import check_text

from shapecheck.arithmetic.shape import Shape
from shapecheck.findings.checked import Report

pytestmark = drawn
SIZE = 64
EXPRESSIONS = ("H", '"=H // 2"', '"=H // 3"', '"=(H + 3) // 4"', '"=2 * H"')
MADE = re.compile(r"^(\S+): kernel_size .* makes (\d+) of (\d+) on L")
TRIED = re.compile(r"; padding: (\S.*) makes (\d+)$")
PARTED = re.compile(
    r"^the branches part at (\S+), which"
    r" (drops \d+ of|leaves \d+ of the padding behind|rounds|takes|makes \d+ of) (\d+)(?: / (\d+) up)?"
)
IN_H = re.compile(r"^(\S+) has ([^:;]+) and (\S+) has ([^:;]+?)(?::|$)")
TIMES = re.compile(r": (\S+) is (\d+(?:/\d+)?) times as long as (\S+), at every H(?: that (\d+) divides)?")
ALREADY = re.compile(r"^(\S+) has 1 on .* shrink by ([\d·]+) = (\d+), and (\S+) has (\d+)")


def network(seed: int) -> str:
    """Return a network of two branches, of one input or of two, that are added."""
    rng = random.Random(seed)
    inputs = ["x", rng.choice(["x", "y"])]
    lines = ["shapecheck: 1", f"inputs: {{x: [1, 4, H], y: [1, 4, {rng.choice(EXPRESSIONS)}]}}"]
    lines += [f"dims: {{H: {SIZE}}}", "layers:"]
    ends = []
    for branch, above in zip("ab", inputs, strict=True):
        for number in range(rng.randint(0, 4)):
            name = f"{branch}{number}"
            lines.append(f"  - {layer(rng, name)[:-1]}, from: {above}}}")
            above = name
        ends.append(above)
    return "\n".join([*lines, f"  - {{name: sum, op: add, from: [{ends[0]}, {ends[1]}]}}", ""])


def lengths(text: str, size: int = SIZE) -> Mapping[str, int | None]:
    """Return how long each map is that is known, by the name of its layer."""
    shapes = check_text(text, "x.net.yaml", {"H": size}).shapes
    assert shapes is not None
    found: dict[str, int | None] = {}
    for name, made in shapes.items():
        length = _last(made.output)
        found[name] = length
    return found


def _last(shape: Shape | None) -> int | None:
    return shape[-1] if shape is not None and isinstance(shape[-1], int) else None


def cases() -> list[int]:
    return list(range(amount(900)))


def above(report: Report, name: str) -> str:
    assert report.network is not None
    node = next(node for node in report.network.nodes if node.name == name)
    return report.network.nodes[node.inputs[0]].name


@pytest.fixture(scope="module")
def broken() -> list[tuple[str, Report]]:
    reports = [(text, check_text(text, "x.net.yaml")) for text in map(network, cases())]
    return [(text, report) for text, report in reports if report.errors]


def told(broken: list[tuple[str, Report]], pattern: re.Pattern[str]) -> Iterator[tuple[str, Report, re.Match[str]]]:
    """Yield each place beside an error whose words are of one kind."""
    for text, report in broken:
        for error in report.errors:
            for place in error.related:
                match = pattern.search(place.message)
                if match is not None:
                    yield text, report, match


def test_a_cause_makes_of_its_input_what_is_said(broken: list[tuple[str, Report]]) -> None:
    count = 0
    for text, report, match in told(broken, MADE):
        made = lengths(text)
        assert (made[match[1]], made[above(report, match[1])]) == (int(match[2]), int(match[3])), text
        count += 1
    assert count


def test_padding_that_is_said_to_make_a_size_makes_it(broken: list[tuple[str, Report]]) -> None:
    count = 0
    for text, _, match in told(broken, TRIED):
        name = match.string.partition(":")[0]
        lines = text.split("\n")
        at = next(number for number, line in enumerate(lines) if f"name: {name}," in line)
        lines[at] = re.sub(r"padding: \S+?([,}])", rf"padding: {match[1]}\1", lines[at])
        assert lengths("\n".join(lines))[name] == int(match[2]), text
        count += 1
    assert count


def without(text: str, name: str, given: str, count: int) -> str:
    """Return a network in which a layer reads all but the last elements of what it is given."""
    lines = []
    for line in text.split("\n"):
        if f"name: {name}," in line:
            lines.append(f"  - {{name: less, op: crop, cropping: [[0, {count}]], from: {given}}}")
            line = line.replace(f"from: {given}}}", "from: less}")
        lines.append(line)
    return "\n".join(lines)


def test_branches_part_where_the_size_is_as_said(broken: list[tuple[str, Report]]) -> None:
    count = 0
    for text, report, match in told(broken, PARTED):
        made = lengths(text)
        o = made[match[1]]
        assert made[above(report, match[1])] == int(match[3]) and o is not None, text
        if match[4] is not None:
            assert o == -(-int(match[3]) // int(match[4])), text
        if match[2].startswith("drops"):
            assert lengths(without(text, match[1], above(report, match[1]), int(match[2].split()[1])))[match[1]] == o, (
                text
            )
        count += 1
    assert count


def test_sizes_in_dimensions_are_so_at_every_size(broken: list[tuple[str, Report]]) -> None:
    count = 0
    for text, _, match in told(broken, IN_H):
        for size in (SIZE, 48, 61, 97, 128, 250):
            found = lengths(text, size)
            for name, form in ((match[1], match[2]), (match[3], match[4])):
                if found[name] is not None:
                    assert found[name] == eval(form, {"H": size}), (text, name, size)
        count += 1
    assert count


def test_a_ratio_holds_wherever_it_is_said_to(broken: list[tuple[str, Report]]) -> None:
    count = 0
    for text, _, match in told(broken, TIMES):
        numerator, _, denominator = match[2].partition("/")
        multiple = int(match[4] or 1)
        for turn in range(1, 8):
            found = lengths(text, multiple * turn)
            longer, shorter = found[match[1]], found[match[3]]
            if longer is not None and shorter is not None:
                assert longer * int(denominator or 1) == shorter * int(numerator), (text, multiple * turn)
        count += 1
    assert count


def test_strides_that_use_a_map_up_are_more_than_it_has(broken: list[tuple[str, Report]]) -> None:
    for text, _, match in told(broken, ALREADY):
        found = lengths(text)
        product = 1
        for stride in match[2].split("·"):
            product *= int(stride)
        assert product == int(match[3]) > int(match[5]), text
        assert (found[match[1]], found[match[4]]) == (1, int(match[5])), text


def test_a_cause_stands_above_its_error(broken: list[tuple[str, Report]]) -> None:
    count = 0
    for text, report in broken:
        network_found = report.network
        assert network_found is not None
        by_name = {node.name: node for node in network_found.nodes}
        for error in report.errors:
            if error.layer is None:
                continue
            reached, queue = set(), [by_name[error.layer].index]
            while queue:
                index = queue.pop()
                reached.add(network_found.nodes[index].name)
                queue += network_found.nodes[index].inputs
            assert {cause.layer for cause in error.causes} <= reached, text
            count += len(error.causes)
    assert count
