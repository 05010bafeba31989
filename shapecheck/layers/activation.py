"""Layers that change values one by one; the shape stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from shapecheck.arithmetic.shape import Shape
from shapecheck.arithmetic.symbolic import Size
from shapecheck.layers.base import DialectRefusal, Layer
from shapecheck.layers.context import Context, Problem
from shapecheck.layers.fields import Integer, Key, Kind, Number, Probability, key
from shapecheck.layers.flow import Flow, kept
from shapecheck.layers.rearrange import axis_of
from shapecheck.layers.role import Role

_KEYS: dict[str, tuple[str, Kind, float, str]] = {
    "leaky_relu": ("negative_slope", Number(), 0.01, "Slope below 0."),
    "elu": ("alpha", Number(), 1.0, "Limit below 0 is -alpha."),
    "softplus": ("beta", Number(), 1.0, "Sharpness of the bend."),
}


def _key(name: str, kind: Kind, default: float, doc: str) -> dict[str, Key]:
    declared = Key(kind, default, doc)
    declared.name = name
    return {name: declared}


_KEYS_OF = {op: _key(*declaration) for op, declaration in _KEYS.items()}


class Elementwise(Layer):
    """A function of each element by itself."""

    keeps = True
    ops: ClassVar[tuple[str, ...]] = ("selu", "hardsigmoid", "tanh", "softplus")
    role = Role.ACTIVATION | Role.POINTWISE

    @classmethod
    def keys_of(cls, op: str) -> dict[str, Key]:
        """Return the keys that ``op`` takes."""
        return _KEYS_OF.get(op, {})

    def output(self, context: Context) -> Shape:
        """Return the input's shape."""
        return context.inputs[0]


class Rectifier(Elementwise):
    """A function of each element by itself."""

    ops = ("relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "mish", "hardswish")
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"silu": ("swish",)}
    role = Elementwise.role | Role.RECTIFIER


class Sigmoid(Elementwise):
    """The logistic function of each element by itself: from 0 to 1."""

    ops = ("sigmoid",)
    role = Elementwise.role | Role.READS_LOGITS


class Identity(Elementwise):
    """Give back the input."""

    ops = ("identity",)
    role = Role.TRANSPARENT | Role.POINTWISE | Role.RELAYS


class Dropout(Elementwise):
    """Zero elements at random while training."""

    ops = ("dropout",)
    role = Role.RANDOM | Identity.role

    p: float = key(Probability(), "Probability that an element is zeroed, 0 to 1.", 0.5)

    def does_nothing(self, context: Context) -> bool:
        """Say whether no element is ever zeroed."""
        return self.p == 0

    @classmethod
    def keys_of(cls, op: str) -> dict[str, Key]:
        """Return the keys that dropout takes."""
        return cls.keys


class Prelu(Layer):
    """Leaky ReLU with a learned slope."""

    keeps = True
    ops = ("prelu",)
    role = Rectifier.role

    num_parameters: int = key(Integer(1), "How many slopes are learned: 1, or one per channel.", 1)

    def output(self, context: Context) -> Shape:
        """Return the input's shape."""
        shape = context.inputs[0]
        channels = shape[context.channel_axis(shape)]
        if self.num_parameters != 1 and not context.equal(channels, self.num_parameters):
            raise Problem(
                "stated-size-differs",
                f"num_parameters {self.num_parameters} is neither 1 nor the {channels} channels of the input",
                f"write 1 or {channels}",
                key="num_parameters",
                axis=context.channel_axis(shape),
            )
        return shape

    def parameters(self, context: Context) -> Size:
        """Return the number of slopes."""
        return self.num_parameters

    def refused_by_pytorch(self, context: Context) -> DialectRefusal | None:
        """Return that several slopes need an input with a batch axis: the channels of a vector are 1 to PyTorch."""
        if self.num_parameters == 1 or len(context.inputs[0]) > 1:
            return None
        return DialectRefusal(
            f"prelu with num_parameters {self.num_parameters} on an input of rank 1",
            "give the input its batch axis, or write num_parameters: 1",
            "num_parameters",
        )

    def parameter_axis(self, context: Context, output: Shape) -> int | None:
        """Return the channel axis, or None for one slope that all channels share."""
        return None if self.num_parameters == 1 else context.channel_axis(output)


class Softmax(Layer):
    """Softmax along one axis, the channels by default."""

    keeps = True
    ops = ("softmax", "log_softmax")
    role = Role.PROBABILITIES | Role.READS_LOGITS

    axis: int | None = key(
        Integer(None), "The axis along which the outputs sum to 1; by default the channel axis.", None, ("dim",)
    )

    def output(self, context: Context) -> Shape:
        """Return the input's shape."""
        self.along(context)
        return context.inputs[0]

    def along(self, context: Context) -> int:
        """Return the axis along which the outputs sum to 1. Raises Problem where there is no such axis."""
        shape = context.inputs[0]
        return context.channels_at if self.axis is None else axis_of(self.axis, len(shape), "axis", shape)

    def flow(self, context: Context, output: Shape) -> Flow:
        """Keep every axis; along one, each element depends on all."""
        along = self.along(context)
        return tuple(kept(axis, spreads=axis == along) for axis in range(len(output)))
