"""Windows taken apart into columns and put back: unfold and fold."""

from __future__ import annotations

from typing import Any

from shapecheck.arithmetic import symbolic
from shapecheck.arithmetic.shape import Shape, show_sizes
from shapecheck.layers.base import Context, Problem, per_axis
from shapecheck.layers.fields import PerAxis, SizeValue, key
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
        block = taps(windows)
        if not context.divides(block, features.channels):
            raise Problem(
                "channels-do-not-divide",
                f"the {features.channels} channels are no multiple of the kernel's {block} taps",
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
        return context.join(features, features.channels // block, [w.i for w in windows])
