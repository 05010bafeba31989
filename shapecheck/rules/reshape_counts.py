"""A reshape whose elements do not come out: which axes it is about, axis by axis, and what number would do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import Shape
from shapecheck.arithmetic.symbolic import Size
from shapecheck.findings.finding import Finding
from shapecheck.layers.context import Problem
from shapecheck.layers.divisors import divisors_near
from shapecheck.rules.related_places import related
from shapecheck.rules.tried_changes import mends_everywhere


def parted(shapes: Shapes, problem: Problem) -> tuple[int, ...]:
    """Return the axes of a reshape's input that no axes of the target answer to; none for another problem."""
    found = _middle(shapes, problem)
    return () if found is None else tuple(range(found[0].start, found[0].stop))


def parted_target(shapes: Shapes, problem: Problem) -> tuple[int, ...]:
    """Return the axes of a reshape's target that no axes of its input answer to, the batch aside."""
    found = _middle(shapes, problem)
    return () if found is None else tuple(at for at in range(found[1].start, found[1].stop) if at)


def _middle(shapes: Shapes, problem: Problem) -> tuple[range, range] | None:
    """Return the axes of the input, and those of the target, that are left where both ends have been compared."""
    node = shapes.network.nodes[problem.node]
    target = getattr(shapes.layer(node), "shape", None)
    given = shapes.outputs[node.inputs[0]] if node.inputs else None
    if problem.rule != "reshape-count-differs" or given is None or not isinstance(target, tuple):
        return None
    left = _agreeing(given, target)
    right = _agreeing(given[left[0] :][::-1], target[left[1] :][::-1])
    return range(left[0], len(given) - right[0]), range(left[1], len(target) - right[1])


def _agreeing(given: Shape, target: Shape) -> tuple[int, int]:
    """Return how many axes of each, from the first, have one product; [2, 256, 4, 205] and [2, 1024, 200]: 3 and 2."""
    agreeing = (0, 0)
    at, to, one, other = 0, 0, 1, 1
    while at < len(given) or to < len(target):
        if one == other and given[at : at + 1] == target[to : to + 1]:
            at, to = at + 1, to + 1
            agreeing = (at, to)
            continue
        if (one <= other and at < len(given)) or to == len(target):
            size, at = given[at], at + 1
            if not isinstance(size, int):
                break
            one *= size
        else:
            size, to = target[to], to + 1
            if not isinstance(size, int) or size < 1:
                break
            other *= size
        if one == other:
            agreeing = (at, to)
    return agreeing


def reshape_count_differs(finding: Finding, shapes: Shapes, problem: Problem) -> Finding:
    """Add which axes come in as others than are written, and the numbers that fit, each tried."""
    found = _middle(shapes, problem)
    node = shapes.network.nodes[problem.node]
    given = shapes.outputs[node.inputs[0]] or ()
    target: Shape = getattr(shapes.layer(node), "shape", ())
    if found is None or any(not isinstance(size, int) for size in (*given, *target)):
        return finding
    theirs, ours = ([shape[at] for at in places] for shape, places in zip((given, target), found, strict=True))
    if theirs and ours and -1 not in ours:
        times, over = divmod(_elements(theirs), _elements(ours))
        many = f", {times} times that" if over == 0 and times > 1 else ""
        said = f"{_product(theirs)} comes in where {_product(ours)} is written{many}"
        parts = [said, *_windows(theirs, ours)]
        above = shapes.network.nodes[node.inputs[0]]
        finding = finding._replace(related=(*finding.related, related(shapes, above, "; ".join(parts), problem.node)))
    return finding._replace(help=_number_that_fits(shapes, problem, given, target))


def _elements(sizes: Sequence[Size]) -> int:
    return math.prod(size for size in sizes if isinstance(size, int))


def _product(sizes: Sequence[Size]) -> str:
    numbers = [size for size in sizes if isinstance(size, int)]
    text = "·".join(map(str, numbers))
    return text if len(numbers) == 1 else f"{text} = {math.prod(numbers)}"


def _windows(theirs: Sequence[Size], ours: Sequence[Size]) -> Iterator[str]:
    """Say of a size that is cut into windows, which do not come out, which would."""
    if len(theirs) != 1 or len(ours) < 2:
        return
    (size,) = theirs
    whole = _elements(ours)
    for width in ours:
        if isinstance(size, int) and isinstance(width, int) and size % width and whole == size // width * width:
            near = divisors_near(size, width)
            yield f"{width} does not divide {size}; {' and '.join(map(str, near))} {'does' if len(near) == 1 else 'do'}"
            return


def _number_that_fits(shapes: Shapes, problem: Problem, given: Shape, target: Shape) -> str | None:
    """Return the help that names one number which fits in the place of another, where only one of them does."""
    elements, known = _elements(given), _elements(target)
    node = shapes.network.nodes[problem.node]
    fits = []
    for at, size in enumerate(target):
        if at == 0 or not isinstance(size, int) or size < 1 or elements * size % known:
            continue
        needed = elements * size // known
        if needed and mends_everywhere(shapes, problem, node, shape=(*target[:at], needed, *target[at + 1 :])):
            fits.append(f"axis {at} of {needed} in place of {size} fits here and behind: is {size} what is meant?")
    return fits[0] if len(fits) == 1 else None
