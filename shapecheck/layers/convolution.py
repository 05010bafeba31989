"""Convolutions, transposed convolutions, and windows taken apart and put back (unfold, fold)."""

from __future__ import annotations

from typing import Any

from shapecheck import arithmetic, symbolic
from shapecheck.layers.base import Context, Layer, Problem, count_axes, per_axis, state
from shapecheck.layers.fields import Boolean, Edges, Integer, LayerName, PerAxis, SizeValue, Word, key
from shapecheck.layers.window import Window
from shapecheck.shape import Shape, show, show_sizes, spatial_name
from shapecheck.symbolic import Size

PADDING_WORDS = ("valid", "half", "full", "same", "same_lower")
PADDING_DOC = (
    "Zeros added at the edges: a number, one per axis, [[before, after], ...], or a word: valid (0), half (k // 2), "
    "full (k - 1), same (output = ceil(input / stride), the odd zero after), same_lower (the odd zero before)."
)


def padding_edges(
    padding: Any, count: int, k: tuple[int, ...], d: tuple[int, ...]
) -> tuple[tuple[int, int], ...] | None:
    """Return (before, after) per axis, or None for ``same`` and ``same_lower``, which follow the input's size."""
    if padding in ("same", "same_lower"):
        return None
    if padding == "valid":
        return ((0, 0),) * count
    if isinstance(padding, str):
        amount = arithmetic.half_padding if padding == "half" else arithmetic.full_padding
        return tuple((amount(k[j], d[j]),) * 2 for j in range(count))
    return tuple(e if isinstance(e, tuple) else (e, e) for e in per_axis(padding, count, "padding"))


def slide(
    spatial: Shape,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    form: str = "conv",
    whose: str = "input",
) -> tuple[Window, ...]:
    """Return the window arithmetic of every axis for a layer that slides a kernel over its input."""
    count = len(spatial)
    k = per_axis(kernel_size, count, "kernel_size", whose)
    s = per_axis(stride, count, "stride", whose)
    d = per_axis(dilation, count, "dilation", whose)
    edges = padding_edges(padding, count, k, d)
    if edges is None:
        return tuple(
            Window("same", i, arithmetic.conv_same(i, s[j]), k[j], s[j], 0, 0, d[j]) for j, i in enumerate(spatial)
        )
    size = arithmetic.pool_ceil if form == "ceil" else arithmetic.conv
    return tuple(
        Window(form, i, size(i, k[j], s[j], *edges[j], d[j]), k[j], s[j], *edges[j], d[j])
        for j, i in enumerate(spatial)
    )


def require_fit(context: Context, windows: tuple[Window, ...]) -> None:
    """Refuse a kernel that is larger than its padded input on some axis."""
    for j, w in enumerate(windows):
        if context.at_least(w.o, 1):
            continue
        padded = w.i + (w.before + w.after)
        kernel = (
            f"kernel_size {w.k}" if w.reach == w.k else f"kernel_size {w.k} at dilation {w.d}, which reaches {w.reach},"
        )
        short = w.reach - padded
        raise Problem(
            "kernel-exceeds-input",
            f"{kernel} does not fit into {padded} on {spatial_name(j, len(windows))}"
            f" (input {w.i}, padding {w.before} + {w.after}): {w.formula()}",
            f"the input needs {short} more on this axis: pad it by {short} in all, "
            f"take a kernel that reaches at most {padded}, or shrink less above",
            key="kernel_size",
            axis=context.spatial_axis(j),
        )


class Sliding(Layer):
    """A layer that slides a kernel."""

    kernel_size: Any = key(PerAxis(Integer(1)), "Size of the kernel (the guide's k).")
    stride: Any = key(PerAxis(Integer(1)), "Distance between two kernel positions (s).", 1)
    padding: Any = key(Word(*PADDING_WORDS, other=Edges()), PADDING_DOC, 0)
    dilation: Any = key(PerAxis(Integer(1)), "Distance between two taps of the kernel (d).", 1)


class Convolving(Sliding):
    """A layer with a learned kernel over channels."""

    out_channels: Any = key(Integer(1), "Channels of the output.")
    padding_mode: str = key(
        Word("zeros", "reflect", "replicate", "circular"), "What the padding is filled with.", "zeros"
    )
    groups: Any = key(
        Word("depthwise", other=Integer(1)),
        "Into how many independent groups the channels fall; depthwise means one per input channel.",
        1,
    )
    bias: bool = key(Boolean(), "Whether a learned number is added to each output channel.", True)
    in_channels: int | None = key(
        Integer(1), "The input channels that the writer believes in; never needed, a difference is an error.", None
    )

    def group_count(self, context: Context, groups: Any, out_channels: Size) -> int:
        """Return how many groups there are, having checked that they divide both channel counts."""
        channels = context.feature_map().channels
        state(self.in_channels, channels, "in_channels", "channels", context, _swapped(context, self.in_channels))
        if groups == "depthwise":
            if not isinstance(channels, int):
                raise Problem(
                    "wrong-rank",
                    f"groups: depthwise needs a known number of channels, found {channels}",
                    "give the dimension a size under dims, or write the channels as a number",
                    key="groups",
                )
            groups = channels
        for count, what in ((channels, "input"), (out_channels, "output")):
            if not context.divides(groups, count):
                below = count // groups * groups
                raise Problem(
                    "groups-do-not-divide",
                    f"groups {groups} does not divide the {count} {what} channels: "
                    f"{count} = {groups}·{count // groups} + {count % groups}",
                    f"the nearest multiples of {groups} are {below} and {below + groups}"
                    if context.at_least(below, 1)
                    else f"the smallest multiple of {groups} is {groups}",
                    key="groups" if what == "input" else "out_channels",
                    axis=context.channel_axis(context.inputs[0]),
                )
        return int(groups)


def _swapped(context: Context, stated: int | None) -> str:
    """Say where else in the shape the stated number stands: the usual sign of a wrong layout."""
    shape = context.inputs[0]
    places = [axis for axis, size in enumerate(shape) if axis and size == stated]
    return (
        f"; axis {places[0]} has size {stated}: are the axes of {show(shape)} in the order meant?"
        if places
        else ""
    )


class Conv(Convolving):
    """Convolution over 1, 2, 3 or more spatial axes: o = ⌊(i + 2p − k − (k − 1)(d − 1)) / s⌋ + 1."""

    ops = ("conv",)

    def windows(self, context: Context) -> tuple[Window, ...]:
        """Return the arithmetic of each axis (Relationships 1 to 6 and 15)."""
        return slide(context.feature_map().spatial, self.kernel_size, self.stride, self.padding, self.dilation)

    def output(self, context: Context) -> Shape:
        """Return [N, out_channels, o, ...]."""
        features = context.feature_map()
        windows = self.windows(context)
        self.group_count(context, self.groups, self.out_channels)
        if self.padding_mode in ("reflect", "circular"):
            lower = self.padding == "same_lower"
            require_paddable(context, features.spatial, [_edges(w, lower) for w in windows], self.padding_mode)
        require_fit(context, windows)
        return context.join(features, self.out_channels, [w.o for w in windows])

    def parameters(self, context: Context) -> Size:
        """Return out · (in / groups) · Π k, and out more for the bias."""
        out = int(self.out_channels)
        return self._group_width(context) * out * _taps(self.windows(context)) + (out if self.bias else 0)

    def multiply_adds(self, context: Context, output: Shape) -> Size:
        """Return one multiply-add for every tap, input channel of the group and output element."""
        return symbolic.product(output) * self._group_width(context) * _taps(self.windows(context))

    def _group_width(self, context: Context) -> Size:
        """Return how many input channels an output channel reads."""
        channels = context.feature_map().channels
        return 1 if self.groups in ("depthwise", channels) else channels // int(self.groups)


class ConvTranspose(Convolving):
    """Transposed convolution: o′ = s(i′ − 1) + a + k − 2p, with k, s, p, d of the convolution that it transposes."""

    ops = ("conv_transpose",)
    references = ("transpose_of",)

    out_channels: Any = key(
        Integer(1), "Channels of the output; with transpose_of, by default that layer's input channels.", None
    )
    kernel_size: Any = key(PerAxis(Integer(1)), "Size of the kernel (k); required unless transpose_of gives it.", None)
    stride: Any = key(
        PerAxis(Integer(1)), "Stride of the associated convolution (s); by default 1, or that of transpose_of.", None
    )
    padding: Any = key(
        Word(*PADDING_WORDS, other=Edges()), PADDING_DOC + " It is that of the associated convolution.", None
    )
    dilation: Any = key(PerAxis(Integer(1)), "Dilation (d); by default 1, or that of transpose_of.", None)
    groups: Any = key(Word("depthwise", other=Integer(1)), "Groups; by default 1, or those of transpose_of.", None)
    output_padding: Any = key(
        PerAxis(Integer(0)), "The guide's a: which of the s possible sizes is meant, 0 to s - 1.", None
    )
    output_size: Any = key(PerAxis(SizeValue()), "The output's size, from which a follows.", None)
    transpose_of: str | None = key(
        LayerName(),
        "The convolution that this layer undoes: its kernel_size, stride, padding, dilation and groups are taken, "
        "and its input's size is given back.",
        None,
    )

    def check(self) -> None:
        """Refuse two answers to one question, and a layer with no kernel."""
        given = [name for name in ("output_padding", "output_size", "transpose_of") if getattr(self, name) is not None]
        if len(given) > 1:
            raise Problem(
                "contradicting-keys",
                f"{' and '.join(given)} both fix the output size",
                f"keep one of them: {', '.join(given)}",
                key=given[1],
            )
        if self.transpose_of is None:
            for name in ("out_channels", "kernel_size"):
                if getattr(self, name) is None:
                    raise Problem(
                        "missing-key",
                        f"conv_transpose needs {name}",
                        f"add {name}, or transpose_of: LAYER, which gives it",
                    )
        if self.padding_mode != "zeros":
            raise Problem(
                "contradicting-keys",
                f"a transposed convolution pads with zeros; padding_mode {self.padding_mode} has no meaning here",
                "leave padding_mode out",
                key="padding_mode",
            )

    def geometry(self, context: Context, name: str, default: Any) -> Any:
        """Return one hyperparameter: the layer's own, or that of the convolution it transposes."""
        own = getattr(self, name)
        source = self.encoder(context)
        if source is None:
            return default if own is None else own
        theirs = getattr(source, name)
        if own is not None and own != theirs:
            raise Problem(
                "contradicting-keys",
                f"{name} {own} differs from {name} {theirs} of {self.transpose_of}, which this layer transposes",
                f"leave {name} out: transpose_of gives it",
                key=name,
            )
        return theirs

    def encoder(self, context: Context) -> Conv | None:
        """Return the convolution that ``transpose_of`` names."""
        reference = context.references.get("transpose_of")
        if reference is None:
            return None
        if not isinstance(reference.layer, Conv):
            what = "an input" if reference.layer is None else f"a {reference.layer.op}"
            raise Problem(
                "transpose-of-not-a-convolution",
                f"transpose_of names {reference.name}, which is {what}, not a conv",
                "name the conv itself (inside a block: block.layer); a max_pool is undone by max_unpool",
                key="transpose_of",
            )
        return reference.layer

    def windows(self, context: Context) -> tuple[Window, ...]:
        """Return the arithmetic of each axis (Relationships 8 to 14)."""
        spatial = context.feature_map().spatial
        count = len(spatial)
        k = per_axis(self.geometry(context, "kernel_size", None), count, "kernel_size")
        s = per_axis(self.geometry(context, "stride", 1), count, "stride")
        d = per_axis(self.geometry(context, "dilation", 1), count, "dilation")
        edges = padding_edges(self.geometry(context, "padding", 0), count, k, d)
        form = "transposed_same" if edges is None else "transposed"
        base = [
            arithmetic.transposed_same(i, s[j])
            if edges is None
            else arithmetic.transposed(i, k[j], s[j], *edges[j], d[j])
            for j, i in enumerate(spatial)
        ]
        a = self._additions(context, base, count)
        return tuple(
            Window(form, i, base[j] + a[j], k[j], s[j], *(edges[j] if edges else (0, 0)), d[j], a[j])
            for j, i in enumerate(spatial)
        )

    def _additions(self, context: Context, base: list[Any], count: int) -> tuple[Size, ...]:
        if self.output_padding is not None:
            return per_axis(self.output_padding, count, "output_padding")
        if self.output_size is not None:
            return tuple(o - base[j] for j, o in enumerate(per_axis(self.output_size, count, "output_size")))
        target = self._encoder_input(context, count)
        return (0,) * count if target is None else tuple(o - base[j] for j, o in enumerate(target))

    def _encoder_input(self, context: Context, count: int) -> Shape | None:
        if self.encoder(context) is None:
            return None
        reference = context.references["transpose_of"]
        there = Context(reference.inputs, context.channels_last).feature_map().spatial
        if len(there) != count:
            raise Problem(
                "wrong-rank",
                f"{reference.name} has {count_axes(len(there))}, but this layer's input has {count}",
                "feed it a map of the same rank",
                key="transpose_of",
            )
        return there

    def ambiguous_axes(self, context: Context) -> tuple[int, ...]:
        """Return the spatial axes on which nothing says which of the s possible sizes is meant."""
        if any(v is not None for v in (self.output_padding, self.output_size, self.transpose_of)):
            return ()
        return tuple(j for j, w in enumerate(self.windows(context)) if w.s > 1)

    def output(self, context: Context) -> Shape:
        """Return [N, out_channels, o′, ...]."""
        features = context.feature_map()
        windows = self.windows(context)
        out = self._out_channels(context)
        self.group_count(context, self.geometry(context, "groups", 1), out)
        self._require_reachable(context, windows)
        for j, w in enumerate(windows):
            if not context.at_least(w.o, 1):
                raise Problem(
                    "size-below-one",
                    f"the output has size {w.o} on {spatial_name(j, len(windows))}: {w.formula()}",
                    f"padding {w.before} + {w.after} crops more than there is: take less, or feed a larger map",
                    key="padding",
                    axis=context.spatial_axis(j),
                )
        return context.join(features, out, [w.o for w in windows])

    def _require_reachable(self, context: Context, windows: tuple[Window, ...]) -> None:
        if self.transpose_of is not None:
            self._require_mirror(context, windows)
            return
        for j, w in enumerate(windows):
            axis = spatial_name(j, len(windows))
            if self.output_size is not None and not (context.at_least(w.a, 0) and context.at_least(w.s - 1 - w.a, 0)):
                least = w.o - w.a
                between = "or" if w.s == 2 else "to"
                legal = f"{least}" if w.s == 1 else f"{least} {between} {least + w.s - 1}"
                raise Problem(
                    "output-size-unreachable",
                    f"output_size {w.o} on {axis} cannot be reached: {w._replace(a=0, o=least).formula()}, "
                    f"so it can be {legal}",
                    f"write {legal}, or change the stride, kernel or padding",
                    key="output_size",
                    axis=context.spatial_axis(j),
                )
            limit = max(w.s, w.d)
            if self.output_padding is not None and context.at_least(w.a, limit):
                raise Problem(
                    "output-padding-out-of-range",
                    f"output_padding {w.a} on {axis} must be smaller than stride {w.s}"
                    + (f" or dilation {w.d}" if w.d > 1 else ""),
                    f"a selects one of the {w.s} sizes that the associated convolution maps here: 0 to {w.s - 1}",
                    key="output_padding",
                )

    def _require_mirror(self, context: Context, windows: tuple[Window, ...]) -> None:
        reference = context.references["transpose_of"]
        there = Context((reference.output,), context.channels_last).feature_map().spatial
        for j, w in enumerate(windows):
            if not context.equal(w.i, there[j]):
                raise Problem(
                    "output-size-unreachable",
                    f"cannot give back the {w.o} that {reference.name} was given on {spatial_name(j, len(windows))}: "
                    f"{reference.name} made {there[j]} of it,"
                    f" but this layer's input has {w.i}",
                    f"feed it a map of size {show_sizes(there)}, or give output_padding instead of transpose_of",
                    key="transpose_of",
                    axis=context.spatial_axis(j),
                )

    def parameters(self, context: Context) -> Size:
        """Return in · (out / groups) · Π k, and out more for the bias."""
        channels = context.feature_map().channels
        out, groups = self._channels(context)
        return channels * (out // groups) * _taps(self.windows(context)) + (out if self.bias else 0)

    def multiply_adds(self, context: Context, output: Shape) -> Size:
        """Return one multiply-add for every input element, tap and output channel of the group."""
        out, groups = self._channels(context)
        return symbolic.product(context.inputs[0]) * (out // groups) * _taps(self.windows(context))

    def _channels(self, context: Context) -> tuple[Size, int]:
        """Return the output channels and the number of groups."""
        out = self._out_channels(context)
        return out, self.group_count(context, self.geometry(context, "groups", 1), out)

    def _out_channels(self, context: Context) -> Size:
        if self.out_channels is not None:
            return int(self.out_channels)
        return Context(context.references["transpose_of"].inputs, context.channels_last).feature_map().channels


class Unfold(Sliding):
    """Sliding windows laid out as columns: [N, C, spatial] to [N, C·Πk, number of windows]."""

    ops = ("unfold",)

    def windows(self, context: Context) -> tuple[Window, ...]:
        """Return the arithmetic of each axis (Relationship 15)."""
        return slide(context.feature_map().spatial, self.kernel_size, self.stride, self.padding, self.dilation)

    def output(self, context: Context) -> Shape:
        """Return [N, C·Πk, Πo]."""
        features = context.feature_map()
        windows = self.windows(context)
        require_fit(context, windows)
        count = symbolic.product(tuple(w.o for w in windows))
        return context.join(features, features.channels * _taps(windows), [count])


class Fold(Sliding):
    """Columns summed back into the map that ``unfold`` took them from: [N, C·Πk, L] to [N, C, output_size]."""

    ops = ("fold",)

    output_size: Any = key(
        PerAxis(SizeValue()), "Spatial size of the output; one number means two equal axes, as in PyTorch."
    )

    def windows(self, context: Context) -> tuple[Window, ...]:
        """Return the arithmetic by which the output would be unfolded (Relationship 15)."""
        per_axis_keys = (self.output_size, self.kernel_size, self.stride, self.padding, self.dilation)
        count = next((len(v) for v in per_axis_keys if isinstance(v, tuple)), 2)
        return slide(
            per_axis(self.output_size, count, "output_size", "output"),
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            whose="output",
        )

    def output(self, context: Context) -> Shape:
        """Return [N, C, output_size]."""
        features = context.feature_map()
        if len(features.spatial) != 1:
            raise Problem(
                "wrong-rank",
                f"fold reads columns, a shape of rank 3, but its input has rank {len(features.spatial) + 2}",
                "put unfold above it, or reshape",
            )
        windows = self.windows(context)
        require_fit(context, windows)
        taps = _taps(windows)
        if not context.divides(taps, features.channels):
            raise Problem(
                "channels-do-not-divide",
                f"the {features.channels} channels are no multiple of the kernel's {taps} taps",
                "the input's channels are C times the product of kernel_size",
                key="kernel_size",
                axis=context.channel_axis(context.inputs[0]),
            )
        count = symbolic.product(tuple(w.o for w in windows))
        if not context.equal(features.spatial[0], count):
            detail = " · ".join(str(w.o) for w in windows)
            raise Problem(
                "fold-count-differs",
                f"the input has {features.spatial[0]} columns, "
                f"but output_size {show_sizes(tuple(w.i for w in windows))} unfolds into {detail} = {count}",
                "give the output_size, kernel_size, stride and padding of the unfold that made the columns",
                key="output_size",
                axis=context.spatial_axis(0),
            )
        return context.join(features, features.channels // taps, [w.i for w in windows])


def require_paddable(context: Context, spatial: Shape, edges: list[tuple[int, int]], mode: str) -> None:
    """Refuse padding that would need more of the input than there is: p < i to reflect, p <= i to go round."""
    least = 1 if mode == "reflect" else 0
    for j, pair in enumerate(edges):
        if not context.at_least(spatial[j], max(pair) + least):
            raise Problem(
                "padding-exceeds-input",
                f"{mode} padding of {max(pair)} on {spatial_name(j, len(spatial))} needs an input of at least "
                f"{max(pair) + least}, but it has {spatial[j]}",
                "pad less, or use padding_mode zeros or replicate",
                key="padding",
                axis=context.spatial_axis(j),
            )


def _edges(w: Window, lower: bool) -> tuple[int, int]:
    """Return the padding of an axis; under ``same`` that of its size, or the most it can be where that is unknown."""
    if w.form != "same":
        return w.before, w.after
    # An input of 1 is padded by k − 1 in all, and no other by more.
    before, after = arithmetic.same_padding(w.i if isinstance(w.i, int) else 1, w.k, w.s, w.d, lower)
    return before, after


def _taps(windows: tuple[Window, ...]) -> int:
    taps = 1
    for w in windows:
        taps *= w.k
    return taps
