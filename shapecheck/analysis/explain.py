"""A layer's arithmetic step by step: the Relationship, the formula, the numbers, axis by axis."""

from __future__ import annotations

from typing import Any, NamedTuple

from shapecheck.analysis.axis_steps import steps
from shapecheck.arithmetic import convolution
from shapecheck.arithmetic.shape import Shape, show, spatial_name
from shapecheck.arithmetic.symbolic import Size
from shapecheck.layers.base import Layer
from shapecheck.layers.context import Context
from shapecheck.layers.flow import settled
from shapecheck.layers.window import Window

# The guide's formulas (Dumoulin and Visin, arXiv:1603.07285); k stands for the dilated kernel in 8 to 14.
RELATIONSHIPS: dict[int, tuple[str, str]] = {
    1: ("no padding, unit strides", "o = (i − k) + 1"),
    2: ("zero padding, unit strides", "o = (i − k) + 2p + 1"),
    3: ("half (same) padding", "o = i"),
    4: ("full padding", "o = i + (k − 1)"),
    5: ("no padding, non-unit strides", "o = ⌊(i − k) / s⌋ + 1"),
    6: ("zero padding, non-unit strides", "o = ⌊(i + 2p − k) / s⌋ + 1"),
    7: ("pooling", "o = ⌊(i − k) / s⌋ + 1"),
    8: ("transposed, no padding, unit strides", "o′ = i′ + (k − 1)"),
    9: ("transposed, zero padding, unit strides", "o′ = i′ + (k − 1) − 2p"),
    10: ("transposed, half (same) padding", "o′ = i′"),
    11: ("transposed, full padding", "o′ = i′ − (k − 1)"),
    12: ("transposed, no padding, non-unit strides", "o′ = s(i′ − 1) + k"),
    13: ("transposed, zero padding, non-unit strides, s divides i + 2p − k", "o′ = s(i′ − 1) + k − 2p"),
    14: ("transposed, zero padding, non-unit strides", "o′ = s(i′ − 1) + a + k − 2p"),
    15: ("dilated", "o = ⌊(i + 2p − k − (k − 1)(d − 1)) / s⌋ + 1"),
}


class DirectConvolution(NamedTuple):
    """The direct convolution that equals a transposed one (chapter 4): i is the stretched input ĩ′, s′ is 1."""

    i: Size
    k: int
    before: Size
    after: Size
    zeros: int
    a: Size


class AxisArithmetic(NamedTuple):
    """The arithmetic of one axis. ``relationships`` are numbers of the guide, the narrowest first."""

    axis: str
    window: Window
    relationships: tuple[int, ...]
    extension: str | None
    unread: Size
    inputs: tuple[Size, Size] | None
    direct: DirectConvolution | None


def axis_arithmetic(axis: str, w: Window, lower: bool = False) -> AxisArithmetic:
    """Explain one axis. ``lower`` says that ``same`` puts the odd zero first."""
    if w.form in ("transposed", "transposed_same"):
        return _transposed_step(axis, w, lower)
    if w.form == "same":
        return AxisArithmetic(
            axis,
            w,
            (),
            "same padding: o = ⌈i / s⌉, the padding follows from the size",
            0,
            ((w.o - 1) * w.s + 1, w.o * w.s),
            None,
        )
    if w.form == "ceil":
        return AxisArithmetic(
            axis,
            w,
            (),
            "ceil mode: o = ⌊(i + min(2p − k + s − 1, p − 1)) / s⌋ + 1, rounded up, a last window must start inside",
            0,
            None,
            None,
        )
    found = convolution.relationships(w.k, w.s, w.before, w.after, w.d)
    if w.form == "pool":
        # Relationship 7 is Relationship 5 for pooling; with padding or dilation there is no narrower one.
        found = (7,) if (w.before, w.after, w.d) == (0, 0, 1) else found[-2:] if w.d == 1 else found
    inputs = convolution.associated_inputs(w.o, w.k, w.s, w.before, w.after, w.d)
    asymmetric = (
        f"the two edges are padded differently: 2p stands for {w.before} + {w.after}" if w.before != w.after else None
    )
    return AxisArithmetic(axis, w, found, asymmetric, w.unread, inputs if w.s > 1 else None, None)


def _transposed_step(axis: str, w: Window, lower: bool) -> AxisArithmetic:
    extension = None
    if w.form == "transposed_same":
        found: tuple[int, ...] = ()
        extension = "transpose of same padding: o′ = s(i′ − 1) + 1 + a"
        cropped = settled(w, lower)
        before = w.reach - 1 - (0 if cropped is None else cropped.before)
        after = w.o - convolution.stretched(w.i, w.s) - before + w.reach - 1
    else:
        a = w.a if isinstance(w.a, int) else 1
        found = convolution.transposed_relationships(w.k, w.s, w.before, w.after, w.d, a)
        before, after_padding = convolution.transposed_padding(w.k, w.before, w.after, w.d)
        after = after_padding + w.a
        if w.d > 1 and w.k > 1:
            extension = f"k stands for the dilated kernel, {w.reach}"
    base = w.o - w.a
    if isinstance(w.a, int) and w.a < 0:
        rounding = "the pooling that it undoes rounds up (ceil_mode), so its input is smaller than s(i′ − 1) + k − 2p"
        return AxisArithmetic(axis, w, found, rounding, 0, None, None)
    inputs = (base, base + (w.s - 1)) if w.s > 1 else None
    return AxisArithmetic(
        axis,
        w,
        found,
        extension,
        0,
        inputs,
        DirectConvolution(convolution.stretched(w.i, w.s), w.reach, before, after - w.a, w.s - 1, w.a),
    )


def formula(s: AxisArithmetic) -> str:
    """Return the formula with the numbers in it: ``o = ⌊(28 + 2·1 − 3) / 2⌋ + 1 = 14``."""
    return f"{'o′' if s.window.transposes else 'o'} = {s.window.formula()}"


def lines(s: AxisArithmetic) -> list[str]:
    """Return the explanation of one axis as text, a line each."""
    w = s.window
    prime = "′" if w.transposes else ""
    given = [f"i{prime} = {w.i}", f"k = {w.k}", f"s = {w.s}"]
    if not w.form.endswith("same"):
        given.append(f"p = {w.before}" if w.before == w.after else f"p = ({w.before}, {w.after})")
    if w.d != 1:
        given.append(f"d = {w.d}")
    if w.transposes:
        given.append(f"a = {w.a}")
    out = [f"{s.axis}: {', '.join(given)}"]
    if s.relationships:
        number = s.relationships[0]
        title, general = RELATIONSHIPS[number]
        out.append(f"  Relationship {number} ({title}): {general}")
        rest = [str(r) for r in s.relationships[1:]]
        if rest:
            out.append(f"  also an instance of Relationship{'s' if len(rest) > 1 else ''} {', '.join(rest)}")
    if s.extension:
        out.append(f"  {s.extension}")
    out.append(f"  {formula(s)}")
    out += _notes(s)
    return out


def _notes(s: AxisArithmetic) -> list[str]:
    w = s.window
    out = []
    if isinstance(s.unread, int) and s.unread:
        out.append(
            f"  {s.unread} at the far edge {'is' if s.unread == 1 else 'are'} never read: "
            f"(i + 2p − k) mod s = {s.unread} (figure 2.7)"
        )
    if s.inputs is not None and not w.transposes:
        out.append(
            f"  every i from {s.inputs[0]} to {s.inputs[1]} gives this size; "
            "the transpose needs a = (i + 2p − k) mod s to tell which"
        )
    if s.direct is not None:
        d = s.direct
        stretched = f"ĩ′ = {d.i}" + (
            f" ({w.i} with {d.zeros} {'zero' if d.zeros == 1 else 'zeros'} between)" if d.zeros else ""
        )
        padding = f"p′ = k − p − 1 = {d.before}" if d.before == d.after else f"p′ = ({d.before}, {d.after})"
        crops = (
            " (negative: it crops)"
            if isinstance(d.before, int) and isinstance(d.after, int) and min(d.before, d.after) < 0
            else ""
        )
        extra = f", a = {d.a} {'zero' if d.a == 1 else 'zeros'} more at the far edge" if d.a != 0 else ""
        out.append(f"  as a direct convolution: {stretched}, k′ = {d.k}, s′ = 1, {padding}{crops}{extra}")
    if s.inputs is not None and w.transposes:
        out.append(
            f"  the associated convolution maps every size from {s.inputs[0]} to {s.inputs[1]} here; "
            f"a = 0 to {w.s - 1} selects one"
        )
    return out


def layer_arithmetic(layer: Layer, context: Context) -> list[AxisArithmetic]:
    """Explain every spatial axis of a layer; empty for a layer that slides no window."""
    windows = layer.windows(context)
    lower = layer.odd_zero_first(context)
    return [axis_arithmetic(spatial_name(j, len(windows)), w, lower) for j, w in enumerate(windows)]


def explain(name: str, layer: Layer, context: Context, output: Shape) -> str:
    """Return the whole explanation of a layer as text."""
    shown = " and ".join(show(shape) for shape in context.inputs)
    out = [f"{name} ({layer.op}): {shown} -> {show(output)}"]
    for one in layer_arithmetic(layer, context):
        out += ["", *lines(one)]
    told = list(steps(layer, context, output))
    out += ["", *told] if told else []
    parameters, work = layer.parameters(context), layer.multiply_adds(context, output)
    if parameters != 0 or work != 0:
        out += ["", f"parameters: {number(parameters)}; multiply-adds: {number(work)}"]
    return "\n".join(out)


def number(size: Size) -> str:
    """Return a count as people read it."""
    return f"{size:,}" if isinstance(size, int) else str(size)


def as_json(one: AxisArithmetic) -> dict[str, Any]:
    """Return the explanation of one axis as data."""
    w = one.window

    def plain(size: Size | None) -> int | str | None:
        return size if size is None or isinstance(size, int) else str(size)

    direct = one.direct
    return {
        "axis": one.axis,
        "form": w.form,
        "i": plain(w.i),
        "k": w.k,
        "s": w.s,
        "p": [w.before, w.after],
        "d": w.d,
        "a": plain(w.a),
        "o": plain(w.o),
        "relationships": list(one.relationships),
        "formula": w.formula(),
        "unread": plain(one.unread),
        "inputs": None if one.inputs is None else [plain(size) for size in one.inputs],
        "direct": None
        if direct is None
        else {
            "i": plain(direct.i),
            "k": direct.k,
            "s": 1,
            "p": [plain(direct.before), plain(direct.after)],
            "a": plain(direct.a),
        },
    }
