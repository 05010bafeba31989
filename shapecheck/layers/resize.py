"""Upsampling, padding, cropping, and moving elements between channels and space."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, ClassVar

from shapecheck.arithmetic import convolution
from shapecheck.arithmetic.shape import Shape, show_sizes, spatial_name
from shapecheck.arithmetic.symbolic import Size
from shapecheck.layers.base import Layer, asked_sizes, count_axes, per_axis
from shapecheck.layers.context import Context, Problem, Undecided
from shapecheck.layers.fields import Edges, Integer, LayerName, Number, PerAxis, Positive, SizeValue, Word, key
from shapecheck.layers.flow import LONGEST_PERIOD, AxisFlow, AxisKind, Flow, Source, cut, in_blocks, kept, resampled
from shapecheck.layers.role import Role
from shapecheck.layers.sliding import require_paddable

# Above this a binary fraction is no ratio that anybody meant, such as 1.4, and its exact value is not used.
LONGEST_DENOMINATOR = 64


def _exact(mode: str, i: int, axes: int) -> tuple[int, ...]:
    """Return the sizes to which PyTorch resamples i elements by i / o, although a scale factor was given."""
    if mode == "nearest":
        return (i, 2 * i) if axes == 2 else ()
    return (i,) if mode == "linear" else ()


def _single(number: float) -> float:
    """Round to 32 bits."""
    found: float = struct.unpack("f", struct.pack("f", number))[0]
    return found


def pairs(edges: Any, count: int, key: str) -> list[tuple[int, int]]:
    """Return (before, after) per axis."""
    return [e if isinstance(e, tuple) else (e, e) for e in per_axis(edges, count, key)]


def _like(context: Context, count: int) -> Shape:
    reference = context.references["like"]
    spatial = Context((reference.output,), context.channels_last).feature_map().spatial
    if len(spatial) != count:
        raise Problem(
            "wrong-rank",
            f"like names {reference.name}, which has {count_axes(len(spatial))}; this layer's input has {count}",
            "name a layer of the same rank",
            key="like",
        )
    return spatial


def _only_one(layer: Layer, names: tuple[str, ...]) -> None:
    given = [name for name in names if getattr(layer, name) is not None]
    if not given:
        raise Problem("missing-key", f"{layer.op} needs one of {', '.join(names)}", f"add one of {', '.join(names)}")
    if len(given) > 1:
        raise Problem(
            "contradicting-keys", f"{' and '.join(given)} both fix the size", "keep one of them", key=given[1]
        )


def _copied(i: int, o: int, step: float) -> list[int] | None:
    """Return which of i elements each of o copies, as PyTorch finds it with 32 bits; None where those are enough."""
    if math.frexp(step)[0] == 0.5:
        return None
    step = _single(step)
    return [min(math.floor(_single(j * step)), i - 1) for j in range(o)]


class Upsample(Layer):
    """Resample every spatial axis: o = ⌊i · scale_factor⌋, or a given size."""

    ops = ("upsample",)
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"upsample": ("interpolate", "resize")}
    role = Role.MAP
    references = ("like",)
    sized_like = "like"

    scale_factor: Any = key(PerAxis(Positive()), "Ratio of output to input size.", None)
    size: Any = key(PerAxis(SizeValue()), "The output's size.", None)
    like: str | None = key(LayerName(), "Take the spatial size of this layer.", None)
    mode: str = key(
        Word("nearest", "linear", "cubic", also={"bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}),
        "How values between are found; the size does not depend on it.",
        "nearest",
    )

    def check(self) -> None:
        """Ask for exactly one of the three ways to say the size."""
        _only_one(self, ("scale_factor", "size", "like"))

    def rises(self) -> bool:
        """Say that the size never falls as the input's grows."""
        return True

    def output(self, context: Context) -> Shape:
        """Return [N, C, o, ...]."""
        features = context.feature_map()
        count = len(features.spatial)
        if self.like is not None:
            return context.join(features, features.channels, _like(context, count))
        if self.size is not None:
            return context.join(features, features.channels, asked_sizes(context, self.size, count, "size"))
        factors = per_axis(self.scale_factor, count, "scale_factor")
        spatial = [self._scaled(i, factors[j]) for j, i in enumerate(features.spatial)]
        for j, o in enumerate(spatial):
            if not context.at_least(o, 1):
                raise Problem(
                    "size-below-one",
                    f"the output has size {o} on {spatial_name(j, count)}: "
                    f"⌊{features.spatial[j]} · {factors[j]}⌋ = {o}",
                    "take a larger scale_factor, or shrink less above",
                    key="scale_factor",
                    axis=context.spatial_axis(j),
                )
        return context.join(features, features.channels, spatial)

    def does_nothing(self, context: Context) -> bool:
        """Say whether the map is to grow by 1."""
        count = len(context.inputs[0]) - 2
        return self.scale_factor is not None and set(per_axis(self.scale_factor, count, "scale_factor")) == {1}

    def flow(self, context: Context, output: Shape) -> Flow:
        """Resample every spatial axis, each channel by itself."""
        count = len(output) - 2
        factors = per_axis(self.scale_factor, count, "scale_factor")
        spatial = []
        for j, factor in enumerate(factors):
            axis = context.spatial_axis(j)
            spatial.append(self._resampled(axis, context.inputs[0][axis], output[axis], factor, count))
        return context.lay_out(kept(context.channels_at), spatial)

    def _resampled(self, axis: int, i: Size, o: Size, factor: float | None, count: int) -> AxisFlow:
        """Return the flow of one of ``count`` spatial axes.

        PyTorch steps by 1 / scale_factor even where the size was rounded down, but for a few sizes.
        """
        if isinstance(i, int) and o in _exact(self.mode, i, count):
            return resampled(axis, i, o, self.mode)
        ratio = None
        if factor is not None:
            meant = Fraction(factor).limit_denominator(LONGEST_DENOMINATOR)
            if not math.isclose(meant, factor, rel_tol=1e-12):
                return AxisFlow(AxisKind.RESAMPLED, (Source(0, axis),))
            ratio = (meant.denominator, meant.numerator)
        copied = None
        if self.mode == "nearest" and isinstance(i, int) and isinstance(o, int) and 0 < o <= LONGEST_PERIOD:
            copied = _copied(i, o, i / o if factor is None else 1 / factor)
        return resampled(axis, i, o, self.mode, ratio, copied)

    def _scaled(self, i: Size, factor: float) -> Size:
        numerator, denominator = factor.as_integer_ratio()
        if denominator <= LONGEST_DENOMINATOR:
            scaled: Size = convolution.scale(i, numerator, denominator)
            return scaled
        if isinstance(i, int):
            return math.floor(i * factor)
        raise Undecided(f"scale_factor {factor} is no short ratio, so ⌊{i} · {factor}⌋ has no exact form", i)


class Pad(Layer):
    """Add elements at the edges of the spatial axes: o = i + before + after."""

    ops = ("pad",)
    role = Role.MAP

    padding: Any = key(Edges(), "How much to add: a number, one per axis, or [[before, after], ...].")
    mode: str = key(Word("constant", "zeros", "reflect", "replicate", "circular"), "What to add.", "constant")
    value: float = key(Number(), "The constant that is added.", 0)

    def rises(self) -> bool:
        """Say that the size never falls as the input's grows."""
        return True

    def output(self, context: Context) -> Shape:
        """Return [N, C, o, ...]."""
        features = context.feature_map()
        edges = pairs(self.padding, len(features.spatial), "padding")
        if self.mode in ("reflect", "circular"):
            require_paddable(context, features.spatial, edges, self.mode)
        return context.join(
            features,
            features.channels,
            [i + before + after for i, (before, after) in zip(features.spatial, edges, strict=True)],
        )

    def does_nothing(self, context: Context) -> bool:
        """Say whether nothing is added."""
        return all(edge == (0, 0) for edge in pairs(self.padding, len(context.inputs[0]) - 2, "padding"))

    def flow(self, context: Context, output: Shape) -> Flow:
        """Begin each spatial axis before its first element."""
        edges = pairs(self.padding, len(output) - 2, "padding")
        spatial = [cut(context.spatial_axis(j), -before) for j, (before, _) in enumerate(edges)]
        return context.lay_out(kept(context.channels_at), spatial)


class Crop(Layer):
    """Take elements away at the edges of the spatial axes, or keep the centre of another layer's size."""

    ops = ("crop",)
    role = Role.MAP | Role.RELAYS
    references = ("like",)
    sized_like = "like"

    cropping: Any = key(Edges(), "How much to take away: a number, one per axis, or [[before, after], ...].", None)
    like: str | None = key(LayerName(), "Keep the centre, of this layer's spatial size.", None)

    def check(self) -> None:
        """Ask for exactly one of the two ways to say the size."""
        _only_one(self, ("cropping", "like"))

    def rises(self) -> bool:
        """Say that the size never falls as the input's grows."""
        return True

    def output(self, context: Context) -> Shape:
        """Return [N, C, o, ...]."""
        features = context.feature_map()
        count = len(features.spatial)
        if self.like is not None:
            target = _like(context, count)
            for j, o in enumerate(target):
                if not context.at_least(features.spatial[j] - o, 0):
                    raise Problem(
                        "crop-too-large",
                        f"cannot crop {features.spatial[j]} to the {o} of {self.like} on {spatial_name(j, count)}: "
                        "it is smaller",
                        "crop the larger of the two maps",
                        key="like",
                        axis=context.spatial_axis(j),
                    )
            return context.join(features, features.channels, target)
        edges = pairs(self.cropping, count, "cropping")
        spatial = [i - before - after for i, (before, after) in zip(features.spatial, edges, strict=True)]
        for j, o in enumerate(spatial):
            if not context.at_least(o, 1):
                raise Problem(
                    "crop-too-large",
                    f"nothing is left on {spatial_name(j, count)}: "
                    f"{features.spatial[j]} − {edges[j][0]} − {edges[j][1]} = {o}",
                    f"crop at most {features.spatial[j] - 1} in all on this axis",
                    key="cropping",
                    axis=context.spatial_axis(j),
                )
        return context.join(features, features.channels, spatial)

    def does_nothing(self, context: Context) -> bool:
        """Say whether nothing is taken away, at any size."""
        count = len(context.inputs[0]) - 2
        return self.cropping is not None and all(edge == (0, 0) for edge in pairs(self.cropping, count, "cropping"))

    def flow(self, context: Context, output: Shape) -> Flow:
        """Cut each spatial axis at both ends."""
        axes = [context.spatial_axis(j) for j in range(len(output) - 2)]
        if self.like is None:
            starts: list[Size] = [before for before, _ in pairs(self.cropping, len(axes), "cropping")]
        else:
            # Where the difference is odd, the one more is taken away at the end.
            starts = [(context.inputs[0][axis] - output[axis]) // 2 for axis in axes]
        spatial = [cut(axis, start) for axis, start in zip(axes, starts, strict=True)]
        return context.lay_out(kept(context.channels_at), spatial)


class PixelShuffle(Layer):
    """Move channels into space: [N, C·Πr, i, ...] to [N, C, i·r, ...]."""

    ops = ("pixel_shuffle",)
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"pixel_shuffle": ("depth_to_space",)}
    role = Role.MAP | Role.RELAYS

    factor: int = key(Integer(1), "By how much every spatial axis grows (r).")

    def rises(self) -> bool:
        """Say that the size never falls as the input's grows."""
        return True

    def output(self, context: Context) -> Shape:
        """Return [N, C / rⁿ, i·r, ...] for n spatial axes."""
        features = context.feature_map()
        block = self.factor ** len(features.spatial)
        if not context.divides(block, features.channels):
            below = features.channels // block * block
            raise Problem(
                "channels-do-not-divide",
                f"the {features.channels} channels are no multiple of factor {self.factor} to the power "
                f"{len(features.spatial)} = {block}",
                f"the nearest multiples are {below} and {below + block}"
                if below
                else f"the smallest multiple is {block}",
                key="factor",
                axis=context.channels_at,
            )
        return context.join(features, features.channels // block, [i * self.factor for i in features.spatial])

    def does_nothing(self, context: Context) -> bool:
        """Say whether the map is to grow by 1."""
        return self.factor == 1

    def flow(self, context: Context, output: Shape) -> Flow:
        """Read a block of channels, whose elements stand beside each other in space."""
        axes = map(context.spatial_axis, range(len(output) - 2))
        return context.lay_out(
            in_blocks(AxisKind.MIXED, context.channels_at, self.factor ** (len(output) - 2), 1),
            [in_blocks(AxisKind.RESAMPLED, axis, 1, self.factor) for axis in axes],
        )


class PixelUnshuffle(Layer):
    """Move space into channels: [N, C, i, ...] to [N, C·Πr, i / r, ...]."""

    ops = ("pixel_unshuffle",)
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"pixel_unshuffle": ("space_to_depth",)}
    role = Role.MAP | Role.RELAYS

    factor: int = key(Integer(1), "By how much every spatial axis shrinks (r).")

    def output(self, context: Context) -> Shape:
        """Return [N, C·rⁿ, i / r, ...] for n spatial axes."""
        features = context.feature_map()
        for j, i in enumerate(features.spatial):
            if not context.divides(self.factor, i):
                raise Problem(
                    "size-does-not-divide",
                    f"size {i} on {spatial_name(j, len(features.spatial))} is no multiple of factor {self.factor}: "
                    f"{i} = {self.factor}·{i // self.factor} + {i % self.factor}",
                    f"give it {show_sizes((i // self.factor * self.factor,))} or "
                    f"{i // self.factor * self.factor + self.factor} elements on this axis",
                    key="factor",
                    axis=context.spatial_axis(j),
                )
        return context.join(
            features,
            features.channels * self.factor ** len(features.spatial),
            [i // self.factor for i in features.spatial],
        )

    def does_nothing(self, context: Context) -> bool:
        """Say whether the map is to shrink by 1."""
        return self.factor == 1

    def flow(self, context: Context, output: Shape) -> Flow:
        """Read a block of space, whose elements stand behind each other as channels."""
        axes = map(context.spatial_axis, range(len(output) - 2))
        return context.lay_out(
            in_blocks(AxisKind.MIXED, context.channels_at, 1, self.factor ** (len(output) - 2)),
            [in_blocks(AxisKind.RESAMPLED, axis, self.factor, 1) for axis in axes],
        )
