"""Pooling: sliding, unpooling, adaptive and global."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from shapecheck.arithmetic import convolution
from shapecheck.arithmetic.shape import Shape, show, spatial_name
from shapecheck.arithmetic.symbolic import Size
from shapecheck.layers.base import DialectRefusal, Layer, asked_sizes, per_axis
from shapecheck.layers.context import Context, Problem, Reference
from shapecheck.layers.fields import Boolean, Edges, Integer, LayerName, PerAxis, Positive, SizeValue, Word, key
from shapecheck.layers.flow import AxisFlow, AxisKind, Flow, Source, kept, mixed, moved, pooled, settled, windowed
from shapecheck.layers.role import Role
from shapecheck.layers.sliding import KERNEL, PADDING_DOC, PADDING_SYNONYMS, PADDING_WORDS, RATE, require_fit, slide
from shapecheck.layers.window import Window


class Pool(Layer):
    """A layer that slides a window over each channel by itself."""

    kernel_size: Any = key(PerAxis(Integer(1)), "Size of the window (k).", also=KERNEL)
    stride: Any = key(PerAxis(Integer(1)), "Distance between two windows (s); by default kernel_size.", None)
    padding: Any = key(
        Word(*PADDING_WORDS, other=Edges(), also=PADDING_SYNONYMS),
        PADDING_DOC + " At most half the window at either edge.",
        0,
    )
    ceil_mode: bool = key(
        Boolean(),
        "Round the output size up; as in PyTorch, a last window that would start in the padding is dropped.",
        False,
    )
    dilation: Any = 1

    def windows(self, context: Context) -> tuple[Window, ...]:
        """Return the arithmetic of each axis (Relationship 7, with padding and ceil mode)."""
        stride = self.kernel_size if self.stride is None else self.stride
        form = "ceil" if self.ceil_mode else "pool"
        return slide(context.feature_map().spatial, self.kernel_size, stride, self.padding, self.dilation, form)

    def output(self, context: Context) -> Shape:
        """Return [N, C, o, ...]."""
        features = context.feature_map()
        windows = self.windows(context)
        for j, w in enumerate(windows):
            if max(w.before, w.after) > w.k // 2:
                raise Problem(
                    "pool-padding-over-half",
                    f"padding {max(w.before, w.after)} on {spatial_name(j, len(windows))} is more than half of "
                    f"kernel_size {w.k}: a window could lie wholly in the padding",
                    f"padding may be at most {w.k // 2} here; pad explicitly with op: pad if you mean it",
                    key="padding",
                )
        require_fit(context, windows)
        return context.join(features, features.channels, [w.o for w in windows])

    def does_nothing(self, context: Context) -> bool:
        """Say whether each window is one element, and none is left out."""
        return all(w.k == w.s == 1 and w.before == w.after == 0 for w in self.windows(context))

    def flow(self, context: Context, output: Shape) -> Flow:
        """Slide along every spatial axis, each channel by itself."""
        lower = self.padding == "same_lower"
        spatial = [windowed(context.spatial_axis(j), w, lower) for j, w in enumerate(self.windows(context))]
        return context.lay_out(kept(context.channels_at), spatial)


class MaxPool(Pool):
    """Largest element of each window."""

    ops = ("max_pool",)
    role = Role.SLIDES | Role.MAP | Role.RELAYS

    dilation: Any = key(PerAxis(Integer(1)), "Distance between two elements of the window (d).", 1, RATE)


class AvgPool(Pool):
    """Mean of each window."""

    ops = ("avg_pool",)
    role = Role.SLIDES | Role.MAP

    count_include_pad: bool = key(Boolean(), "Whether zeros of the padding count in the mean.", True)

    def refused_by_pytorch(self, context: Context) -> DialectRefusal | None:
        """Return that over three axes PyTorch wants an input of at least the window's size, padding not counted."""
        windows = self.windows(context)
        if len(windows) != 3:
            return None
        for j, w in enumerate(windows):
            if isinstance(w.i, int) and w.i < w.k:
                return DialectRefusal(
                    f"average pooling over three axes where the input, {w.i} on {spatial_name(j, 3)}, is smaller than"
                    f" kernel_size {w.k} before it is padded",
                    "pad with op: pad before it, or take a smaller window",
                    "kernel_size",
                )
        return None


class LpPool(Pool):
    """p-norm of each window."""

    ops = ("lp_pool",)
    role = Role.SLIDES | Role.MAP

    norm_type: float = key(
        Positive(),
        "The p of the norm, which is taken of absolute values. PyTorch takes none: for an odd p and negative numbers it"
        " finds something else.",
        2,
    )

    def does_nothing(self, context: Context) -> bool:
        """Say that it does not: the norm of one element is its absolute value."""
        return False


class MaxUnpool(Layer):
    """Put each maximum back where a max pooling took it from, zeros elsewhere: o′ = s(i′ − 1) + a + k − 2p."""

    ops = ("max_unpool",)
    role = Role.MAP
    references = ("pool",)
    undoes = "pool"

    pool: str | None = key(LayerName(), "The max_pool that this layer undoes; its input's size is given back.", None)
    kernel_size: Any = key(PerAxis(Integer(1)), "Size of the window, where no pool is named.", None, KERNEL)
    stride: Any = key(PerAxis(Integer(1)), "Stride; by default kernel_size.", None)
    padding: Any = key(Word(*PADDING_WORDS[:3], other=Edges()), "Padding of the pooling that is undone.", None)
    output_padding: Any = key(PerAxis(Integer(0)), "Which of the s possible sizes is meant, 0 to s - 1.", None)
    output_size: Any = key(PerAxis(SizeValue()), "The output's size.", None)

    def check(self) -> None:
        """Refuse two answers to one question, and a layer with no window."""
        own = [
            n
            for n in ("kernel_size", "stride", "padding", "output_padding", "output_size")
            if getattr(self, n) is not None
        ]
        if self.pool is not None and own:
            raise Problem(
                "contradicting-keys", f"pool already says what {own[0]} is", f"leave {own[0]} out", key=own[0]
            )
        if self.pool is None and self.kernel_size is None:
            raise Problem("missing-key", "max_unpool needs pool", "add pool: LAYER, the max_pool that it undoes")
        if self.output_padding is not None and self.output_size is not None:
            raise Problem(
                "contradicting-keys",
                "output_padding and output_size both fix the output size",
                "keep one of them",
                key="output_size",
            )

    def pooling(self, context: Context) -> Reference | None:
        """Return the pooling that ``pool`` names. Raises Problem where it is no max_pool."""
        reference = context.references.get("pool")
        if reference is not None and not isinstance(reference.layer, MaxPool):
            what = "an input" if reference.layer is None else f"a {reference.layer.op}"
            raise Problem(
                "unpool-differs",
                f"pool names {reference.name}, which is {what}, not a max_pool",
                "name the max_pool that this layer undoes",
                key="pool",
            )
        return reference

    def windows(self, context: Context) -> tuple[Window, ...]:
        """Return the arithmetic of each axis (Relationship 14)."""
        spatial = context.feature_map().spatial
        reference = self.pooling(context)
        if reference is not None and isinstance(reference.layer, MaxPool):
            down = reference.layer.windows(Context(reference.inputs, context.channels_last))
            return tuple(
                Window(
                    "transposed",
                    i,
                    w.i,
                    w.k,
                    w.s,
                    w.before,
                    w.after,
                    w.d,
                    w.i - convolution.transposed(i, w.k, w.s, w.before, w.after, w.d),
                )
                for i, w in zip(spatial, down, strict=False)
            )
        count = len(spatial)
        stride = self.kernel_size if self.stride is None else self.stride
        down = slide(spatial, self.kernel_size, stride, 0 if self.padding is None else self.padding, 1)
        base = [convolution.transposed(w.i, w.k, w.s, w.before, w.after) for w in down]
        if self.output_size is not None:
            a = tuple(o - base[j] for j, o in enumerate(per_axis(self.output_size, count, "output_size")))
        else:
            a = per_axis(self.output_padding or 0, count, "output_padding")
        return tuple(w._replace(form="transposed", o=base[j] + a[j], a=a[j]) for j, w in enumerate(down))

    def selectable_axes(self, context: Context) -> tuple[int, ...]:
        """Return the spatial axes on which output_padding may select another of the s possible sizes."""
        if self.output_size is not None or self.pool is not None:
            return ()
        return tuple(j for j, w in enumerate(self.windows(context)) if w.s > 1)

    def ambiguous_axes(self, context: Context) -> tuple[int, ...]:
        """Return the spatial axes on which nothing says which of the s possible sizes is meant."""
        return () if self.output_padding is not None else self.selectable_axes(context)

    def output(self, context: Context) -> Shape:
        """Return [N, C, o′, ...]; with ``pool``, that pooling's input size."""
        features = context.feature_map()
        reference = self.pooling(context)
        if reference is not None:
            self._require_same_map(context, reference)
        windows = self.windows(context)
        for j, w in enumerate(windows):
            axis = spatial_name(j, len(windows))
            if reference is None and not (context.at_least(w.a, 0) and context.at_least(w.s - 1 - w.a, 0)):
                raise Problem(
                    "output-size-unreachable",
                    f"the output size {w.o} on {axis} cannot be reached: without a it is {w.o - w.a}",
                    f"a selects one of {w.s} sizes: {w.o - w.a} to {w.o - w.a + w.s - 1}",
                    key="output_padding" if self.output_size is None else "output_size",
                )
            if not context.at_least(w.o, 1):
                raise Problem(
                    "size-below-one",
                    f"the output has size {w.o} on {axis}: {w.formula()}",
                    f"padding {w.before} + {w.after} crops more than there is",
                    key="padding",
                    axis=context.spatial_axis(j),
                )
        return context.join(features, features.channels, [w.o for w in windows])

    def flow(self, context: Context, output: Shape) -> Flow:
        """Slide the transposed window along every spatial axis, each channel by itself."""
        windows = self.windows(context)
        reference = self.pooling(context)
        undone: tuple[Window | None, ...] = windows
        if reference is not None and isinstance(reference.layer, MaxPool):
            # The padding that ``same`` worked out there is taken off here.
            lower = reference.layer.padding == "same_lower"
            down = reference.layer.windows(Context(reference.inputs, context.channels_last))
            undone = tuple(settled(w, lower) for w in down)
        spatial = []
        for j, (w, there) in enumerate(zip(windows, undone, strict=True)):
            axis = context.spatial_axis(j)
            if there is None:
                spatial.append(AxisFlow(AxisKind.WINDOWED, (Source(0, axis),), window=w))
            else:
                spatial.append(windowed(axis, w._replace(before=there.before, after=there.after)))
        return context.lay_out(kept(context.channels_at), spatial)

    def _require_same_map(self, context: Context, reference: Reference) -> None:
        mine, theirs = context.inputs[0], reference.output
        if len(mine) != len(theirs):
            raise Problem(
                "wrong-rank",
                f"the input has rank {len(mine)}, but {reference.name} gives rank {len(theirs)}",
                "unpool a map of the very size that the pooling made",
                key="pool",
            )
        for axis in range(1, len(mine)):
            if not context.equal(mine[axis], theirs[axis]):
                raise Problem(
                    "unpool-differs",
                    f"{reference.name} gave {show(theirs)}, but this layer is given {show(mine)}: "
                    "there is no index for every element",
                    "unpool a map of the very size that the pooling made",
                    key="pool",
                    axis=axis,
                )


class AdaptivePool(Layer):
    """Pool to a given size, whatever the input's."""

    ops = ("adaptive_avg_pool", "adaptive_max_pool")
    role = Role.MAP

    output_size: Any = key(PerAxis(SizeValue()), "The output's size on every spatial axis, or one per axis.")

    def rises(self) -> bool:
        """Say that the size never falls as the input's grows."""
        return True

    def output(self, context: Context) -> Shape:
        """Return [N, C, output_size]."""
        features = context.feature_map()
        sizes = asked_sizes(context, self.output_size, len(features.spatial), "output_size")
        return context.join(features, features.channels, sizes)

    def flow(self, context: Context, output: Shape) -> Flow:
        """Pool each spatial axis in windows as equal as can be, each channel by itself."""
        axes = map(context.spatial_axis, range(len(output) - 2))
        return context.lay_out(
            kept(context.channels_at), [pooled(axis, context.inputs[0][axis], output[axis]) for axis in axes]
        )


class GlobalPool(Layer):
    """Pool every spatial axis to one element."""

    ops = ("global_avg_pool", "global_max_pool")
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"global_avg_pool": ("gap",)}
    role = Role.MAP

    keep_dims: bool = key(Boolean(), "Keep the spatial axes, with size 1.", True)

    def rises(self) -> bool:
        """Say that the size never falls as the input's grows."""
        return True

    def output(self, context: Context) -> Shape:
        """Return [N, C, 1, ...], or [N, C] without ``keep_dims``."""
        features = context.feature_map()
        if not self.keep_dims:
            return (features.batch, features.channels)
        ones: tuple[Size, ...] = (1,) * len(features.spatial)
        return context.join(features, features.channels, ones)

    def flow(self, context: Context, output: Shape) -> Flow:
        """Read every spatial axis whole, each channel by itself."""
        if not self.keep_dims:
            return kept(0), moved(context.channels_at)
        spatial = map(context.spatial_axis, range(len(output) - 2))
        return context.lay_out(kept(context.channels_at), map(mixed, spatial))
