"""Layers that join several inputs into one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from shapecheck.arithmetic import symbolic
from shapecheck.arithmetic.shape import Shape, axis_name, show
from shapecheck.arithmetic.symbolic import Size
from shapecheck.layers.base import Layer
from shapecheck.layers.context import Context, Problem
from shapecheck.layers.fields import Boolean, Integer, key
from shapecheck.layers.flow import SAME, STRETCHED, AxisFlow, AxisKind, Flow, Source, concatenated, kept, new
from shapecheck.layers.rearrange import axis_of
from shapecheck.layers.role import Role


def differing(axis: str, left: Size, right: Size) -> str:
    """Return what is said of inputs that differ on an axis, by its name."""
    return f"inputs differ on {axis}: {left} and {right}"


def _mismatch(context: Context, operand: int, axis: int, against: int = 0) -> Problem:
    left, right = context.inputs[against], context.inputs[operand]
    return Problem(
        "merge-mismatch",
        differing(axis_name(axis, len(left), context.channels_last), left[axis], right[axis]),
        axis=axis,
        operand=operand,
        against=against,
    )


def _same_rank(context: Context) -> int:
    rank = len(context.inputs[0])
    for operand, shape in enumerate(context.inputs):
        if len(shape) != rank:
            raise Problem(
                "merge-mismatch",
                f"inputs differ in rank: {show(context.inputs[0])} and {show(shape)}",
                "reshape, flatten or pool one of them first",
                operand=operand,
                against=0,
            )
    return rank


class Arithmetic(Layer):
    """Join inputs of one shape element by element."""

    keeps = True
    ops = ("add", "subtract", "multiply", "maximum", "average")
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"add": ("sum",), "multiply": ("mul",)}
    role = Role.MERGE
    arity = (2, None)

    broadcast: bool = key(Boolean(), "Let an axis of size 1 stand for any size.", False)

    def output(self, context: Context) -> Shape:
        """Return the common shape; with ``broadcast``, axes of size 1 stretch."""
        rank = _same_rank(context)
        result: list[Size] = list(context.inputs[0])
        for operand, shape in enumerate(context.inputs[1:], 1):
            for axis in range(rank):
                mine, theirs = result[axis], shape[axis]
                if self.broadcast and (mine == 1 or theirs == 1):
                    result[axis] = theirs if mine == 1 else mine
                    continue
                if self.broadcast and mine != theirs:
                    # Where one of two unknown sizes is 1 it stretches; the small sizes are looked at one by one.
                    context.assume_at_least(mine, 2)
                    context.assume_at_least(theirs, 2)
                if not context.equal(mine, theirs):
                    if mine == 1 or theirs == 1:
                        problem = _mismatch(context, operand, axis)
                        problem.help = "an axis of size 1 is not stretched unless you say so"
                        raise problem
                    # With broadcast the size may come from an input behind the first.
                    against = next(j for j in range(operand) if context.inputs[j][axis] == mine)
                    raise _mismatch(context, operand, axis, against)
                result[axis] = symbolic.simpler(mine, theirs)
        return tuple(result)

    def flow(self, context: Context, output: Shape) -> Flow:
        """Keep every axis; of an input that is stretched along it, every position reads the one that there is."""
        return tuple(
            AxisFlow(
                AxisKind.KEPT,
                tuple(
                    Source(operand, axis, STRETCHED if shape[axis] == 1 and size != 1 else SAME)
                    for operand, shape in enumerate(context.inputs)
                ),
            )
            for axis, size in enumerate(output)
        )


class Concat(Layer):
    """Join inputs along one axis, the channels by default; all other axes are equal."""

    ops = ("concat",)
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"concat": ("cat",)}
    role = Role.MERGE | Role.RELAYS
    arity = (1, None)

    axis: int | None = key(Integer(None), "The axis along which to join; by default the channel axis.", None, ("dim",))

    def output(self, context: Context) -> Shape:
        """Return the inputs' shape with the sum of their sizes on ``axis``."""
        rank = _same_rank(context)
        first = context.inputs[0]
        along = self.along(context)
        result: list[Size] = list(first)
        for operand, shape in enumerate(context.inputs[1:], 1):
            for axis in range(rank):
                if axis == along:
                    result[axis] = result[axis] + shape[axis]
                elif not context.equal(first[axis], shape[axis]):
                    raise _mismatch(context, operand, axis)
                else:
                    result[axis] = symbolic.simpler(result[axis], shape[axis])
        return tuple(result)

    def does_nothing(self, context: Context) -> bool:
        """Say whether there is one input only."""
        return len(context.inputs) == 1

    def along(self, context: Context) -> int:
        """Return the axis along which the inputs stand. Raises Problem where there is no such axis."""
        first = context.inputs[0]
        return context.channels_at if self.axis is None else axis_of(self.axis, len(first), "axis", first)

    def flow(self, context: Context, output: Shape) -> Flow:
        """Keep every axis but the one along which the inputs stand one after the other."""
        along, count = self.along(context), len(context.inputs)
        sizes = [shape[along] for shape in context.inputs]
        return tuple(concatenated(along, sizes) if axis == along else kept(axis, count) for axis in range(len(output)))


class Stack(Layer):
    """Join inputs of one shape along a new axis."""

    ops = ("stack",)
    role = Role.RELAYS
    arity = (1, None)

    axis: int = key(Integer(None), "Where the new axis stands in the output.", also=("dim",))

    def output(self, context: Context) -> Shape:
        """Return the inputs' shape with their number as a new axis."""
        rank = _same_rank(context)
        first = context.inputs[0]
        for operand, shape in enumerate(context.inputs[1:], 1):
            for axis in range(rank):
                if not context.equal(first[axis], shape[axis]):
                    raise _mismatch(context, operand, axis)
        at = axis_of(self.axis, rank + 1, "axis", first)
        return (*first[:at], len(context.inputs), *first[at:])

    def flow(self, context: Context, output: Shape) -> Flow:
        """Keep every axis, with a new one among them."""
        flows = [kept(axis, len(context.inputs)) for axis in range(len(output) - 1)]
        flows.insert(self.axis % len(output), new())
        return tuple(flows)
