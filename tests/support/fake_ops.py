"""Ops that no file of the package knows: what a layer class declares is all that there is to know of them.

Within ``fake_ops()`` the registry has ``swoosh`` (a function of each element), ``halve`` (pairs of neighbours become
their mean, on every spatial axis, with a stride but no window) and ``glue`` (inputs behind each other as channels).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

import pytest

from shapecheck.arithmetic import symbolic
from shapecheck.arithmetic.shape import Shape
from shapecheck.arithmetic.symbolic import Size
from shapecheck.layers import REGISTRY, Context, Layer, Problem
from shapecheck.layers.fields import Boolean, Number, key
from shapecheck.layers.flow import AxisKind, Flow, concatenated, in_blocks, kept
from shapecheck.layers.role import Role

OPS = ("swoosh", "halve", "glue")


@contextmanager
def fake_ops() -> Iterator[dict[str, type[Layer]]]:
    """Register the ops, and take them out again."""
    try:
        yield _registered()
    finally:
        for op in OPS:
            REGISTRY.pop(op, None)


@pytest.fixture
def fakes() -> Iterator[dict[str, type[Layer]]]:
    """Return the classes of the fake ops by op; they are registered for one test."""
    with fake_ops() as found:
        yield found


def _registered() -> dict[str, type[Layer]]:
    class Swoosh(Layer):
        """Swoosh each element by itself."""

        keeps = True
        ops = ("swoosh",)
        role = Role.ACTIVATION | Role.POINTWISE
        aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"swoosh": ("whizz",)}

        speed: float = key(Number(), "How fast each element goes.", 1.0, ("velocity",))

        def output(self, context: Context) -> Shape:
            """Return the input's shape."""
            return context.inputs[0]

        def does_nothing(self, context: Context) -> bool:
            """Say whether no element moves."""
            return self.speed == 0

    class Halve(Layer):
        """Halve every spatial axis: o = ⌊i / 2⌋, each the mean of two neighbours."""

        ops = ("halve",)
        role = Role.MAP

        learned: bool = key(Boolean(), "Whether each channel has a learned scale.", False)

        def output(self, context: Context) -> Shape:
            """Return [N, C, o, ...]."""
            features = context.feature_map()
            for j, i in enumerate(features.spatial):
                if not context.at_least(i, 2):
                    raise Problem(
                        "size-below-one",
                        f"there is no half of {i}",
                        "give it two elements or more",
                        axis=context.spatial_axis(j),
                    )
            return context.join(features, features.channels, [i // 2 for i in features.spatial])

        def flow(self, context: Context, output: Shape) -> Flow:
            """Read two neighbours on every spatial axis, each channel by itself."""
            axes = map(context.spatial_axis, range(len(output) - 2))
            return context.lay_out(
                kept(context.channels_at), [in_blocks(AxisKind.RESAMPLED, axis, 2, 1) for axis in axes]
            )

        def parameters(self, context: Context) -> Size:
            """Return a scale for each channel."""
            return context.feature_map().channels if self.learned else 0

        def multiply_adds(self, context: Context, output: Shape) -> Size:
            """Return one multiply-add for every element that is read."""
            return symbolic.product(output) * 2 ** (len(output) - 2)

    class Glue(Layer):
        """Put maps behind each other, as channels."""

        ops = ("glue",)
        arity = (2, None)
        role = Role.MERGE | Role.RELAYS

        def output(self, context: Context) -> Shape:
            """Return the inputs' shape with the sum of their channels."""
            first, *others = context.inputs
            channels = context.channels_at
            total = first[channels]
            for operand, shape in enumerate(others, 1):
                for axis in range(len(first)):
                    if axis != channels and not context.equal(first[axis], shape[axis]):
                        raise Problem(
                            "merge-mismatch",
                            f"what is glued differs: {first[axis]} and {shape[axis]}",
                            axis=axis,
                            operand=operand,
                            against=0,
                        )
                total = total + shape[channels]
            return (*first[:channels], total, *first[channels + 1 :])

        def flow(self, context: Context, output: Shape) -> Flow:
            """Keep every axis but the channels."""
            count, channels = len(context.inputs), context.channels_at
            glued = concatenated(channels, [shape[channels] for shape in context.inputs])
            return tuple(glued if axis == channels else kept(axis, count) for axis in range(len(output)))

    return {"swoosh": Swoosh, "halve": Halve, "glue": Glue}
