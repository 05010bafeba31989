"""Windows taken apart into columns and put back: unfold and fold."""

from __future__ import annotations

from typing import Any

from shapecheck.arithmetic import symbolic
from shapecheck.arithmetic.shape import Shape, show_sizes
from shapecheck.arithmetic.symbolic import Size
from shapecheck.layers.base import asked_sizes, per_axis
from shapecheck.layers.context import Context, Problem
from shapecheck.layers.fields import PerAxis, SizeValue, key
from shapecheck.layers.flow import (
    LONGEST_PERIOD,
    AxisFlow,
    AxisKind,
    Flow,
    Source,
    Taps,
    in_blocks,
    mixed,
    settled,
    taps_of_window,
    windowed,
)
from shapecheck.layers.role import Role
from shapecheck.layers.sliding import Sliding, require_fit, slide, taps
from shapecheck.layers.window import Window


class Unfold(Sliding):
    """Sliding windows laid out as columns: [N, C, spatial] to [N, C·Πk, number of windows]."""

    ops = ("unfold",)
    role = Role.SLIDES

    def windows(self, context: Context) -> tuple[Window, ...]:
        """Return the arithmetic of each axis (Relationship 15)."""
        return slide(context.feature_map().spatial, self.kernel_size, self.stride, self.padding, self.dilation)

    def output(self, context: Context) -> Shape:
        """Return [N, C·Πk, Πo]."""
        features = context.feature_map()
        windows = self.windows(context)
        require_fit(context, windows)
        count = symbolic.product(tuple(w.o for w in windows))
        return context.join(features, features.channels * taps(windows), [count])

    def flow(self, context: Context, output: Shape) -> Flow:
        """Count the windows of all axes through as one axis, and channels and taps as another."""
        windows = self.windows(context)
        lower = self.padding == "same_lower"
        sources = []
        after: Size = 1
        for j in reversed(range(len(windows))):
            read = taps_of_window(windows[j], lower)
            taken = None if read is None else _counted_through(read, windows[j].o, after, outermost=j == 0)
            sources.append(Source(0, context.spatial_axis(j), taken))
            after = after * windows[j].o
        columns = AxisFlow(AxisKind.MIXED, tuple(reversed(sources)))
        return context.lay_out(in_blocks(AxisKind.MIXED, context.channels_at, 1, taps(windows)), [columns])


def _counted_through(read: Taps, count: Size, after: Size, outermost: bool) -> Taps | None:
    """Return what column l reads of one axis: what window ⌊l / after⌋ mod count reads."""
    if outermost:
        # Behind the last window there is no column, so nothing needs to begin again.
        if not isinstance(after, int) or after > LONGEST_PERIOD:
            return None
        return Taps(after, read.advance, read.reads * after)
    if not isinstance(count, int) or not isinstance(after, int) or count * after > LONGEST_PERIOD:
        return None
    return Taps(count * after, 0, tuple(read.at(window) for window in range(count) for _ in range(after)))


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
        asked_sizes(context, self.output_size, len(windows), "output_size")
        require_fit(context, windows)
        block = taps(windows)
        if not context.divides(block, features.channels):
            raise Problem(
                "channels-do-not-divide",
                f"the {features.channels} channels are no multiple of the kernel's {block} taps",
                "the input's channels are C times the product of kernel_size",
                key="kernel_size",
                axis=context.channels_at,
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
        return context.join(features, features.channels // block, [w.i for w in windows])

    def flow(self, context: Context, output: Shape) -> Flow:
        """Read the columns of all windows that cover a position; on one axis that is a transposed window."""
        windows = self.windows(context)
        columns = context.spatial_axis(0)
        spatial = [mixed(columns) for _ in windows]
        if len(windows) == 1:
            unfolding = settled(windows[0], self.padding == "same_lower")
            if unfolding is not None:
                spatial = [windowed(columns, unfolding._replace(form="transposed", i=unfolding.o, o=unfolding.i))]
        return context.lay_out(in_blocks(AxisKind.MIXED, context.channels_at, taps(windows), 1), spatial)
