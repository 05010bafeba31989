"""What may mend a window that does not fit its map, or reads what it need not: kernel, padding, order of axes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from shapecheck.analysis.provenance import floored
from shapecheck.findings.finding import Advice
from shapecheck.layers.context import Problem
from shapecheck.layers.fields import PerAxis
from shapecheck.layers.flow import settled
from shapecheck.layers.window import Window
from shapecheck.rules.advice.inquiry import Inquiry, per_axis
from shapecheck.rules.error_causes import changes_above

# Orders of more axes than this are not tried.
MOST_AXES_IN_ORDER = 4


def _windows(asked: Inquiry) -> list[Window]:
    """Return the windows of the layer of the finding, also where one does not fit; none where a size is not known."""
    layer, context = asked.layer, asked.shapes.context(asked.node)
    if layer is None or context is None:
        return []
    try:
        windows = list(layer.windows(context))
    except Problem:
        return []
    return windows if all(isinstance(w.i, int) for w in windows) else []


def even_padding(asked: Inquiry) -> Iterator[Advice]:
    """Yield padding that keeps the size in a layer above that changes it, and of which a rule has something to say."""
    if asked.problem is not None:
        for node, change in changes_above(asked.shapes, asked.problem):
            value = change.keys["padding"]
            yield from asked.write("padding above", node, "padding", value)


def other_order(asked: Inquiry) -> Iterator[Advice]:
    """Yield the values of the key at fault in the order of other axes."""
    layer, key = asked.layer, None if asked.problem is None else asked.problem.key
    if layer is None or key is None or key not in layer.keys or not isinstance(layer.keys[key].kind, PerAxis):
        return
    values = getattr(layer, key)
    if isinstance(values, tuple) and len(values) <= MOST_AXES_IN_ORDER:
        for order in sorted(set(permutations(values)) - {values}):
            yield from asked.write("order", asked.node, key, list(order))


def fitting_kernel(asked: Inquiry) -> Iterator[Advice]:
    """Yield half padding, where that is enough, and the largest kernel that fits."""
    windows = _windows(asked)
    if not windows or any(not w.rounds_down and w.form != "ceil" for w in windows):
        return
    short = [w.reach - w.before - w.after - w.i if isinstance(w.i, int) else 0 for w in windows]
    padding = [w.before + max(0, -(-lack // 2)) for w, lack in zip(windows, short, strict=True)]
    enough = all(2 * p <= w.reach for p, w in zip(padding, windows, strict=True))
    if enough and all(w.before == w.after for w in windows):
        yield from asked.write("padding", asked.node, "padding", per_axis(padding))
    kernel = [w.k if lack <= 0 else (w.reach - lack - 1) // w.d + 1 for w, lack in zip(windows, short, strict=True)]
    if all(k >= 1 for k in kernel):
        yield from asked.write("kernel_size", asked.node, "kernel_size", per_axis(kernel))


def less_padding(asked: Inquiry) -> Iterator[Advice]:
    """Yield the most padding that a pooling may have: half of its kernel."""
    windows = _windows(asked)
    if windows and all(w.before == w.after for w in windows):
        yield from asked.write("padding", asked.node, "padding", per_axis([min(w.before, w.k // 2) for w in windows]))


def other_mode(asked: Inquiry) -> Iterator[Advice]:
    """Yield padding that needs no more of the input than there is."""
    if asked.layer is not None and "padding_mode" in asked.layer.keys:
        for mode in ("replicate", "zeros"):
            yield from asked.write("padding_mode", asked.node, "padding_mode", mode)


def one_for_all_axes(asked: Inquiry) -> Iterator[Advice]:
    """Yield a number in the place of a list of equal ones, which fits any number of axes."""
    layer, key = asked.layer, None if asked.problem is None else asked.problem.key
    value = None if layer is None or key is None else getattr(layer, key, None)
    if key is not None and isinstance(value, tuple) and len(set(value)) == 1 and isinstance(value[0], int):
        yield from asked.write("one for all", asked.node, key, value[0])


def kept_size(asked: Inquiry) -> Iterator[Advice]:
    """Yield padding with which an even kernel keeps the size of its map, or an odd kernel with the padding as it is."""
    windows = _windows(asked)
    if windows and all(w.s == 1 for w in windows):
        yield from asked.write("padding", asked.node, "padding", "same")
    if all(w.before == w.after for w in windows):
        less = [w.before - 1 if w.before and w.reach % 2 == 0 else w.before for w in windows]
        yield from asked.write("padding", asked.node, "padding", per_axis(less))


def live_kernel(asked: Inquiry) -> Iterator[Advice]:
    """Yield the kernel without the taps that only ever read padding, with the padding that goes with it."""
    windows = _windows(asked)
    if not windows or any(w.before != w.after or w.d > 1 for w in windows):
        return
    kernel = [min(w.k, 2 * w.i - 1) if isinstance(w.i, int) else w.k for w in windows]
    taken = [(w.k - k) // 2 for w, k in zip(windows, kernel, strict=True)]
    if any((w.k - k) % 2 or w.before < t for w, k, t in zip(windows, kernel, taken, strict=True)):
        return
    changes = list(asked.write("kernel", asked.node, "kernel_size", per_axis(kernel)))
    if not isinstance(getattr(asked.layer, "padding", None), str):
        padding = [w.before - less for w, less in zip(windows, taken, strict=True)]
        changes += asked.write("kernel", asked.node, "padding", per_axis(padding))
    if changes:
        yield changes[0].joined(changes[1:])


def half_padding(asked: Inquiry) -> Iterator[Advice]:
    """Yield half padding, which has each axis its own."""
    yield from asked.write("padding", asked.node, "padding", "half")


def explicit_padding(asked: Inquiry) -> Iterator[Advice]:
    """Yield the padding that ``same`` means at this size, as it is on each side of each axis."""
    lower = getattr(asked.layer, "padding", None) == "same_lower"
    exact = [settled(w, lower) or w for w in _windows(asked)]
    if exact:
        yield from asked.write("padding", asked.node, "padding", [[w.before, w.after] for w in exact])


def same_rounding(asked: Inquiry) -> Iterator[Advice]:
    """Yield the other way to round in a pooling."""
    ceils = getattr(asked.layer, "ceil_mode", None)
    if isinstance(ceils, bool):
        yield from asked.write("ceil_mode", asked.node, "ceil_mode", not ceils)


def read_all(asked: Inquiry) -> Iterator[Advice]:
    """Yield a kernel that reads what its stride passes over, with half of what it grows as padding."""
    windows = _windows(asked)
    if windows and all(w.d == 1 for w in windows):
        yield from asked.write("kernel_size", asked.node, "kernel_size", per_axis([max(w.k, w.s) for w in windows]))


def reached_padding(asked: Inquiry) -> Iterator[Advice]:
    """Yield the most padding with which every window meets its input."""
    windows = _windows(asked)
    if windows and all(w.before == w.after for w in windows):
        least = [min(w.before, w.reach - 1) for w in windows]
        yield from asked.write("padding", asked.node, "padding", per_axis(least))


def whole_multiple(asked: Inquiry) -> Iterator[Advice]:
    """Yield the padding, with the output_padding, under which a transposed layer makes s times its input."""
    windows = [w for w in _windows(asked) if floored(w)]
    extra = [2 * (w.before + 1) - (w.k - w.s) for w in windows]
    if windows and len(windows) == len(_windows(asked)):
        changes = list(asked.write("whole", asked.node, "padding", per_axis([w.before + 1 for w in windows])))
        changes += asked.write("whole", asked.node, "output_padding", per_axis(extra))
        yield changes[0].joined(changes[1:])
