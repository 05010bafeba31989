"""Transposed convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from shapecheck.arithmetic import convolution, symbolic
from shapecheck.arithmetic.shape import Shape, show_sizes, spatial_name
from shapecheck.arithmetic.symbolic import Size, known
from shapecheck.layers.base import count_axes, per_axis
from shapecheck.layers.context import Context, Problem
from shapecheck.layers.conv import FILTERS, Conv, Convolving, grouped
from shapecheck.layers.fields import Edges, Integer, LayerName, PerAxis, SizeValue, Word, key
from shapecheck.layers.flow import Flow, windowed
from shapecheck.layers.role import Role
from shapecheck.layers.sliding import (
    KERNEL,
    PADDING_DOC,
    PADDING_SYNONYMS,
    PADDING_WORDS,
    RATE,
    padding_edges,
    rest_of,
    taps,
)
from shapecheck.layers.window import Window


class ConvTranspose(Convolving):
    """Transposed convolution: o′ = s(i′ − 1) + a + k − 2p, with k, s, p, d of the convolution that it transposes."""

    ops = ("conv_transpose",)
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"conv_transpose": ("deconv", "deconvolution")}
    role = Role.LEARNED_MAP | Role.MAP
    references = ("transpose_of",)
    undoes = "transpose_of"

    out_channels: Any = key(
        Integer(1), "Channels of the output; with transpose_of, by default that layer's input channels.", None, FILTERS
    )
    kernel_size: Any = key(
        PerAxis(Integer(1)), "Size of the kernel (k); required unless transpose_of gives it.", None, KERNEL
    )
    stride: Any = key(
        PerAxis(Integer(1)), "Stride of the associated convolution (s); by default 1, or that of transpose_of.", None
    )
    padding: Any = key(
        Word(*PADDING_WORDS, other=Edges(), also=PADDING_SYNONYMS),
        PADDING_DOC
        + " It is that of the associated convolution; with same and nothing else said, output = stride * input.",
        None,
    )
    dilation: Any = key(PerAxis(Integer(1)), "Dilation (d); by default 1, or that of transpose_of.", None, RATE)
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
        if theirs == "depthwise":
            # As many groups as the convolution has input channels, which its transpose gives back.
            reference = context.references["transpose_of"]
            theirs = Context(reference.inputs, context.channels_last).feature_map().channels
            own = theirs if own == "depthwise" else own
        if own is not None and not _alike(own, theirs):
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
            convolution.transposed_same(i, s[j])
            if edges is None
            else convolution.transposed(i, k[j], s[j], *edges[j], d[j])
            for j, i in enumerate(spatial)
        ]
        unset = (0,) * count if edges is not None else tuple(step - 1 for step in s)
        a = self._additions(context, base, unset)
        return tuple(
            Window(form, i, base[j] + a[j], k[j], s[j], *(edges[j] if edges else (0, 0)), d[j], a[j])
            for j, i in enumerate(spatial)
        )

    def _additions(self, context: Context, base: list[Any], unset: tuple[int, ...]) -> tuple[Size, ...]:
        """Return a on every axis, ``unset`` where nothing fixes it."""
        count = len(unset)
        if self.output_padding is not None:
            return per_axis(self.output_padding, count, "output_padding")
        if self.output_size is not None:
            return tuple(o - base[j] for j, o in enumerate(per_axis(self.output_size, count, "output_size")))
        target = self._encoder_input(context, count)
        return unset if target is None else tuple(o - base[j] for j, o in enumerate(target))

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

    def selectable_axes(self, context: Context) -> tuple[int, ...]:
        """Return the spatial axes on which output_padding may select another of the s possible sizes."""
        if self.output_size is not None or self.transpose_of is not None:
            return ()
        return tuple(j for j, w in enumerate(self.windows(context)) if w.s > 1)

    def ambiguous_axes(self, context: Context) -> tuple[int, ...]:
        """Return the spatial axes on which nothing says which of the s possible sizes is meant.

        ``same`` alone says it: s·i′, as in every framework that has it.
        """
        if self.output_padding is not None or self.padding in ("same", "same_lower"):
            return ()
        return self.selectable_axes(context)

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

    def flow(self, context: Context, output: Shape) -> Flow:
        """Slide the transposed window along every spatial axis, and mix the channels of each group."""
        out, groups = self._channels(context)
        lower = self.odd_zero_first(context)
        windows = self.windows(context)
        spatial = [windowed(context.spatial_axis(j), w, lower) for j, w in enumerate(windows)]
        return context.lay_out(grouped(context, groups, out), spatial)

    def odd_zero_first(self, context: Context) -> bool:
        """Say whether the ``same`` padding that is undone has the larger half of an odd number before."""
        return bool(self.geometry(context, "padding", 0) == "same_lower")

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
                    "other sizes take another stride, kernel or padding",
                    key="output_size",
                    axis=context.spatial_axis(j),
                )
            # PyTorch, which has no ``same`` here, lets a dilation above the stride admit more.
            numbers = w.form == "transposed"
            limit = max(w.s, w.d) if numbers else w.s
            if self.output_padding is not None and context.at_least(w.a, limit):
                raise Problem(
                    "output-padding-out-of-range",
                    f"output_padding {w.a} on {axis} must be smaller than stride {w.s}"
                    + (f" or dilation {w.d}" if w.d > 1 and numbers else ""),
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
        return channels * (out // groups) * taps(self.windows(context)) + (out if self.bias else 0)

    def multiply_adds(self, context: Context, output: Shape) -> Size:
        """Return one multiply-add for every input element, tap and output channel of the group."""
        out, groups = self._channels(context)
        return symbolic.product(context.inputs[0]) * (out // groups) * taps(self.windows(context))

    def padding_multiply_adds(self, context: Context, output: Shape) -> int:
        """Return the multiply-adds whose sum is cropped: the taps of the associated convolution on its padding."""
        lower = self.odd_zero_first(context)
        axes = []
        for w in self.windows(context):
            i, o, before = known(w.i), known(w.o), w.before
            if w.form == "transposed_same":
                before, _ = convolution.same_padding(o, w.k, w.s, w.d, lower)
            axes.append((i * w.k, convolution.taps_on_input(o, i, w.k, w.s, before, w.d)))
        return rest_of(known(self.multiply_adds(context, output)), axes)

    def parameter_channels(self, context: Context, output: Shape) -> tuple[tuple[str, Size], ...]:
        """Return the output channels, and with groups the input channels, along which groups are cut whole."""
        found = super().parameter_channels(context, output)
        groups = self._channels(context)[1]
        return (*found, ("input channels", context.feature_map().channels)) if groups > 1 else found

    def _channels(self, context: Context) -> tuple[Size, int]:
        """Return the output channels and the number of groups."""
        out = self._out_channels(context)
        return out, self.group_count(context, self.geometry(context, "groups", 1), out)

    def _out_channels(self, context: Context) -> Size:
        if self.out_channels is not None:
            return int(self.out_channels)
        return Context(context.references["transpose_of"].inputs, context.channels_last).feature_map().channels


def _alike(own: Any, theirs: Any) -> bool:
    """Say whether two values are the same on every axis: one number stands for all."""
    if isinstance(own, tuple) and not isinstance(theirs, (tuple, str)):
        return all(value == theirs for value in own)
    if isinstance(theirs, tuple) and not isinstance(own, (tuple, str)):
        return all(value == own for value in theirs)
    return bool(own == theirs)
