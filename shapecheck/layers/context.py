"""What a shape rule is told and asks: the shapes around a layer, questions on sizes that are not known, mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from shapecheck.arithmetic import quasi_affine, symbolic
from shapecheck.arithmetic import shape as shapes
from shapecheck.arithmetic.shape import FeatureMap, Shape, channel_axis
from shapecheck.arithmetic.symbolic import Size
from shapecheck.layers.flow import AxisFlow, Flow, kept

if TYPE_CHECKING:
    from shapecheck.layers.base import Layer


class Problem(Exception):
    """A layer does not fit its input.

    ``rule`` names the rule that is broken, ``key`` the key of the layer where the mistake is written, and
    ``axis`` the axis of ``operand`` (an input's number) to trace back for a cause. ``against`` is the input that
    ``operand`` differs from. ``replacement`` is what the key should have said, where there is one right answer.

    Propagation notes the ``node`` at which it was met, and where a statement of the writer's is not met
    ``expectation``, its number among those of the node.
    """

    node: int = -1
    expectation: int | None = None

    def __init__(
        self,
        rule: str,
        message: str,
        help: str | None = None,
        key: str | None = None,
        axis: int | None = None,
        operand: int = 0,
        against: int | None = None,
        replacement: str | None = None,
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.help = help
        self.key = key
        self.axis = axis
        self.operand = operand
        self.against = against
        self.replacement = replacement

    def at(self, node: int, expectation: int | None = None) -> Problem:
        """Return the problem as it stands in a network, without what led there."""
        self.node = node
        self.expectation = expectation
        return self.with_traceback(None)


class Undecided(Exception):
    """The output shape depends on the size of a dimension that has none, and has no exact form without it.

    ``sizes`` are those that it depends on.
    """

    def __init__(self, reason: str, *sizes: Size) -> None:
        super().__init__(reason)
        self.sizes = sizes


class Reference(NamedTuple):
    """What a key such as ``like`` or ``pool`` refers to; ``layer`` is None for an input of the network."""

    name: str
    layer: Layer | None
    inputs: tuple[Shape, ...]
    output: Shape


class Question(NamedTuple):
    """A condition on sizes whose truth depends on a dimension without a size.

    ``kind`` is ``at_least`` (left >= right), ``equal`` (left == right), ``divides`` (right divides left), or
    ``assume``: only where left >= right was the shape that went on computed by the right case of its rule.
    """

    kind: str
    left: Size
    right: Size

    def __str__(self) -> str:
        if self.kind == "divides":
            by = self.right if isinstance(self.right, int) else f"({self.right})"
            return f"({self.left}) % {by} == 0"
        return f"{self.left} {'==' if self.kind == 'equal' else '>='} {self.right}"


class Context:
    """What a shape rule is told of a layer's surroundings.

    ``undecided`` collects the questions whose answer depends on the size of a dimension that has none; a rule
    goes on as if the answer were yes.
    """

    __slots__ = ("channels_last", "inputs", "references", "undecided")

    def __init__(
        self, inputs: tuple[Shape, ...], channels_last: bool = False, references: Mapping[str, Reference] | None = None
    ) -> None:
        self.inputs = inputs
        self.channels_last = channels_last
        self.references: Mapping[str, Reference] = references or {}
        self.undecided: list[Question] = []

    def at_least(self, size: Size, bound: int) -> bool:
        """Ask whether ``size`` is at least ``bound``."""
        if type(size) is int:
            return size >= bound
        return self._settle(symbolic.at_least(size, bound), "at_least", size, bound)

    def equal(self, left: Size, right: Size) -> bool:
        """Ask whether two sizes are equal."""
        if type(left) is int and type(right) is int:
            return left == right
        return self._settle(symbolic.same(left, right), "equal", left, right)

    def divides(self, divisor: int, size: Size) -> bool:
        """Ask whether ``divisor`` divides ``size``."""
        if type(size) is int:
            return size % divisor == 0
        return self._settle(symbolic.divides(divisor, size), "divides", size, divisor)

    def require_division(self, divisor: Size, size: Size) -> None:
        """Note that a size which is not known divides another."""
        self.undecided.append(Question("divides", size, divisor))

    def assume_at_least(self, size: Size, bound: int) -> None:
        """Note that the shape is right only where ``size`` is at least ``bound``; below, another rule holds."""
        if type(size) is not int and symbolic.at_least(size, bound) is not True:
            self.undecided.append(Question("assume", size, bound))

    def case_at_least(self, size: Size, bound: int) -> bool:
        """Say by which of two rules the shape is computed: for a size of at least ``bound``, or for a smaller one.

        Where it depends on a dimension that has no size, it is the rule that holds from some size of it on, and that
        is noted.
        """
        if type(size) is int:
            return size >= bound
        answer = symbolic.at_least(size, bound)
        if answer is None:
            try:
                answer = quasi_affine.mean_rise(size) >= 0
            except quasi_affine.NotQuasiAffine:
                answer = True
            assumed = Question("assume", size, bound) if answer else Question("assume", -size, 1 - bound)
            self.undecided.append(assumed)
        return answer

    def _settle(self, answer: bool | None, kind: str, left: Size, right: Size) -> bool:
        if answer is None:
            self.undecided.append(Question(kind, left, right))
            return True
        return answer

    def feature_map(self, operand: int = 0) -> FeatureMap:
        """Return an input taken apart into batch, channels and spatial axes. Raises Problem where it has none."""
        shape = self.inputs[operand]
        if len(shape) < 3:
            raise Problem(
                "wrong-rank",
                "needs batch, channels and at least one spatial axis, "
                f"but its input {shapes.show(shape)} has rank {len(shape)}",
                "the number of spatial axes is the input's rank less two; give the input its channel axis, "
                "or reshape it",
                operand=operand,
            )
        return shapes.split(shape, self.channels_last)

    def spatial_axis(self, index: int) -> int:
        """Return the axis of the whole shape at which spatial axis ``index`` stands."""
        return index + (1 if self.channels_last else 2)

    def join(self, like: FeatureMap, channels: Size, spatial: Iterable[Size]) -> Shape:
        """Return a shape with the batch of ``like``, in the network's layout."""
        return shapes.join(like.batch, channels, tuple(spatial), self.channels_last)

    def lay_out(self, channels: AxisFlow, spatial: Iterable[AxisFlow]) -> Flow:
        """Return the flow of a map whose batch axis is kept, in the network's layout."""
        return (kept(0), *spatial, channels) if self.channels_last else (kept(0), channels, *spatial)

    @property
    def channels_at(self) -> int:
        """Where the channel axis of the first input stands."""
        return self.channel_axis(self.inputs[0])

    def channel_axis(self, shape: Shape) -> int:
        """Return where the channel axis of ``shape`` stands."""
        return channel_axis(len(shape), self.channels_last)
