"""Normalisations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from shapecheck.arithmetic.shape import Shape, show, split
from shapecheck.arithmetic.symbolic import Size
from shapecheck.layers.base import Layer, Statistics, state
from shapecheck.layers.context import Context, Problem
from shapecheck.layers.divisors import nearest_divisors
from shapecheck.layers.fields import Boolean, Integer, key
from shapecheck.layers.flow import Flow, kept
from shapecheck.layers.rearrange import axis_of
from shapecheck.layers.role import Role

_NORMALISES = Role.NORMALISATION | Role.POINTWISE
_FEATURES_DOC = "The features that the writer believes in; never needed, a difference is an error."


class Norm(Layer):
    """Normalise over some axes; the shape stays."""

    keeps = True
    role = _NORMALISES

    num_features: int | None = key(Integer(1), _FEATURES_DOC, None)
    affine: bool = key(Boolean(), "Whether a scale and a shift are learned for each feature.", True)

    def feature_axis(self, context: Context) -> int:
        """Return the axis whose elements have a scale and a shift of their own."""
        shape = context.inputs[0]
        if len(shape) < 2:
            raise Problem(
                "wrong-rank",
                f"{self.op} needs batch and channels, but its input {show(shape)} has rank {len(shape)}",
                "give the input its channel axis",
            )
        return context.channel_axis(shape)

    def output(self, context: Context) -> Shape:
        """Return the input's shape."""
        shape = context.inputs[0]
        axis = self.feature_axis(context)
        state(
            self.num_features,
            shape[axis],
            "num_features",
            "channels" if axis == context.channel_axis(shape) else "features",
            context,
        )
        return shape

    def spread(self, context: Context) -> frozenset[int]:
        """Return the axes over which mean and variance are taken."""
        raise TypeError(f"{type(self).__name__} does not say over which axes it normalises")

    def flow(self, context: Context, output: Shape) -> Flow:
        """Keep every axis; along some each element depends on all, by mean and variance."""
        spread = self.spread(context)
        return tuple(kept(axis, spreads=axis in spread) for axis in range(len(output)))

    def added_axis(self, context: Context, output: Shape) -> int:
        """Return the axis of the features."""
        return self.feature_axis(context)

    def parameters(self, context: Context) -> Size:
        """Return a scale and a shift for each feature; running statistics are not learned."""
        return context.inputs[0][self.feature_axis(context)] * 2 if self.affine else 0


class BatchNorm(Norm):
    """Normalise each channel over the batch and space."""

    ops = ("batch_norm",)
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"batch_norm": ("bn",)}
    role = _NORMALISES | Role.CENTRES_CHANNELS | Role.KEEPS_STATISTICS | Role.RELAYS

    def statistics(self, context: Context) -> Statistics:
        """Return the sizes of batch and space."""
        batch, _, spatial = split(context.inputs[0], context.channels_last)
        return Statistics((batch, *spatial), "batch and space")

    def spread(self, context: Context) -> frozenset[int]:
        """Return every axis but the channels."""
        return _all_but(context, self.feature_axis(context))


class InstanceNorm(Norm):
    """Normalise each channel of each sample over space; as in PyTorch, without learned parameters by default."""

    ops = ("instance_norm",)
    role = _NORMALISES | Role.CENTRES_CHANNELS

    affine: bool = key(Boolean(), "Whether a scale and a shift are learned for each channel.", False)

    def statistics(self, context: Context) -> Statistics:
        """Return the sizes of space."""
        return Statistics(split(context.inputs[0], context.channels_last).spatial, "space")

    def spread(self, context: Context) -> frozenset[int]:
        """Return the spatial axes."""
        return _all_but(context, 0, self.feature_axis(context))


class LayerNorm(Norm):
    """Normalise over one axis, the last by default."""

    ops = ("layer_norm",)

    axis: int = key(Integer(None), "The axis that is normalised.", -1, ("dim",))

    def feature_axis(self, context: Context) -> int:
        """Return the normalised axis."""
        return axis_of(self.axis, len(context.inputs[0]), "axis", context.inputs[0])

    def statistics(self, context: Context) -> Statistics:
        """Return the size of the normalised axis."""
        return Statistics((context.inputs[0][self.feature_axis(context)],), "the axis that it normalises")

    def spread(self, context: Context) -> frozenset[int]:
        """Return the normalised axis."""
        return frozenset({self.feature_axis(context)})


class GroupNorm(Norm):
    """Normalise groups of channels of each sample over space."""

    ops = ("group_norm",)

    num_groups: int = key(Integer(1), "Into how many groups the channels fall.")

    def output(self, context: Context) -> Shape:
        """Return the input's shape."""
        shape = super().output(context)
        channels = shape[self.feature_axis(context)]
        if not context.divides(self.num_groups, channels):
            raise Problem(
                "groups-do-not-divide",
                f"num_groups {self.num_groups} does not divide the {channels} channels: "
                f"{channels} = {self.num_groups}·{channels // self.num_groups} + {channels % self.num_groups}",
                nearest_divisors(self.num_groups, channels) or "take a number of groups that divides the channels",
                key="num_groups",
                axis=self.feature_axis(context),
            )
        return shape

    def spread(self, context: Context) -> frozenset[int]:
        """Return the spatial axes, and the channels where a group has more than one."""
        axis = self.feature_axis(context)
        alone = (axis,) if context.inputs[0][axis] == self.num_groups else ()
        return _all_but(context, 0, *alone)

    def statistics(self, context: Context) -> Statistics:
        """Return the channels of a group, and the sizes of space."""
        _, channels, spatial = split(context.inputs[0], context.channels_last)
        return Statistics((channels // self.num_groups, *spatial), "a channel group and space")


class LocalResponseNorm(Layer):
    """Normalise over neighbouring channels."""

    keeps = True
    ops = ("local_response_norm",)
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"local_response_norm": ("lrn",)}
    role = _NORMALISES

    size: int = key(Integer(1), "How many neighbouring channels enter.", 5)
    num_features: int | None = key(Integer(1), _FEATURES_DOC, None)

    def output(self, context: Context) -> Shape:
        """Return the input's shape."""
        features = context.feature_map()
        state(self.num_features, features.channels, "num_features", "channels", context)
        return context.inputs[0]

    def flow(self, context: Context, output: Shape) -> Flow:
        """Keep every axis; along the channels each element depends on its neighbours."""
        return tuple(kept(axis, spreads=axis == context.channels_at and self.size > 1) for axis in range(len(output)))


def _all_but(context: Context, *axes: int) -> frozenset[int]:
    return frozenset(range(len(context.inputs[0]))) - frozenset(axes)
