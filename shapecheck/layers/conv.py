"""Convolutions."""

from __future__ import annotations

from typing import Any

from shapecheck.arithmetic import symbolic
from shapecheck.arithmetic.convolution import taps_on_input
from shapecheck.arithmetic.shape import FeatureMap, Shape
from shapecheck.arithmetic.symbolic import Size, known
from shapecheck.layers.base import state
from shapecheck.layers.context import Context, Problem, Undecided
from shapecheck.layers.divisors import nearest_divisors
from shapecheck.layers.fields import Boolean, Integer, Word, key
from shapecheck.layers.flow import AxisFlow, AxisKind, Flow, in_blocks, mixed, windowed
from shapecheck.layers.role import Role
from shapecheck.layers.sliding import Sliding, _edges, require_fit, require_paddable, rest_of, slide, taps
from shapecheck.layers.window import Window

# What other libraries call out_channels.
FILTERS = ("filters",)


class Convolving(Sliding):
    """A layer with a learned kernel over channels."""

    out_channels: Any = key(Integer(1), "Channels of the output.", also=FILTERS)
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
        channels = context.inputs[0][context.channels_at]
        if self.in_channels is not None:
            axes = (axis for axis, size in enumerate(context.inputs[0]) if axis and size == self.in_channels)
            state(self.in_channels, channels, "in_channels", "channels", context, elsewhere=next(axes, None))
        if groups == "depthwise":
            groups = channels
        if not isinstance(groups, int):
            raise Undecided(f"groups: depthwise is one group for each of {groups} channels", groups)
        for count, what in ((channels, "input"), (out_channels, "output")):
            if not context.divides(groups, count):
                below = count // groups * groups
                divisors = nearest_divisors(groups, channels, out_channels)
                raise Problem(
                    "groups-do-not-divide",
                    f"groups {groups} does not divide the {count} {what} channels: "
                    f"{count} = {groups}·{count // groups} + {count % groups}",
                    (
                        f"the nearest multiples of {groups} are {below} and {below + groups}"
                        if context.at_least(below, 1)
                        else f"the smallest multiple of {groups} is {groups}"
                    )
                    + (f"; {divisors}" if divisors else ""),
                    key="groups" if what == "input" else "out_channels",
                    axis=context.channels_at,
                )
        return groups


def grouped(context: Context, groups: int, out_channels: Size) -> AxisFlow:
    """Return the flow of the channel axis of a convolution: a group's outputs read the inputs of that group."""
    if groups == 1:
        return mixed(context.channels_at)
    channels = context.feature_map().channels
    return in_blocks(AxisKind.MIXED, context.channels_at, channels // groups, out_channels // groups)


class Conv(Convolving):
    """Convolution over 1, 2, 3 or more spatial axes: o = ⌊(i + 2p − k − (k − 1)(d − 1)) / s⌋ + 1."""

    ops = ("conv",)
    role = Role.SLIDES | Role.LEARNED_MAP | Role.MAP

    def windows(self, context: Context) -> tuple[Window, ...]:
        """Return the arithmetic of each axis (Relationships 1 to 6 and 15)."""
        return self._windows(context.feature_map())

    def _windows(self, features: FeatureMap) -> tuple[Window, ...]:
        return slide(features.spatial, self.kernel_size, self.stride, self.padding, self.dilation)

    def output(self, context: Context) -> Shape:
        """Return [N, out_channels, o, ...]."""
        features = context.feature_map()
        windows = self._windows(features)
        self.group_count(context, self.groups, self.out_channels)
        if self.padding_mode in ("reflect", "circular"):
            lower = self.padding == "same_lower"
            edges = [_edges(w, lower) for w in windows]
            require_paddable(context, features.spatial, edges, self.padding_mode, windows)
        require_fit(context, windows)
        return context.join(features, self.out_channels, [w.o for w in windows])

    def flow(self, context: Context, output: Shape) -> Flow:
        """Slide along every spatial axis, and mix the channels of each group."""
        out = output[context.channel_axis(output)]
        channels = grouped(context, self.group_count(context, self.groups, out), out)
        lower = self.padding == "same_lower"
        windows = self.windows(context)
        return context.lay_out(channels, [windowed(context.spatial_axis(j), w, lower) for j, w in enumerate(windows)])

    def parameters(self, context: Context) -> Size:
        """Return out · (in / groups) · Π k, and out more for the bias."""
        out = int(self.out_channels)
        return self._group_width(context) * out * taps(self.windows(context)) + (out if self.bias else 0)

    def multiply_adds(self, context: Context, output: Shape) -> Size:
        """Return one multiply-add for every tap, input channel of the group and output element."""
        return symbolic.product(output) * self._group_width(context) * taps(self.windows(context))

    def padding_multiply_adds(self, context: Context, output: Shape) -> int:
        """Return the multiply-adds with a zero of the padding; what another mode pads is real input."""
        if self.padding_mode != "zeros":
            return 0
        axes = []
        for w in self.windows(context):
            before, _ = _edges(w, self.padding == "same_lower")
            axes.append((known(w.o) * w.k, taps_on_input(known(w.i), known(w.o), w.k, w.s, before, w.d)))
        return rest_of(known(self.multiply_adds(context, output)), axes)

    def _group_width(self, context: Context) -> Size:
        """Return how many input channels an output channel reads."""
        channels = context.feature_map().channels
        return 1 if self.groups in ("depthwise", channels) else channels // int(self.groups)
