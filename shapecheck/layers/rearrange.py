"""Layers that move, group, select or sum up elements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from shapecheck.arithmetic import convolution, symbolic
from shapecheck.arithmetic.shape import Shape, show
from shapecheck.arithmetic.symbolic import Size
from shapecheck.layers.base import Layer
from shapecheck.layers.context import Context, Problem, Undecided
from shapecheck.layers.fields import Boolean, Integer, Listing, PerAxis, ShapeEntry, Word, key
from shapecheck.layers.flow import Flow, counted_again, cut, joined, kept, mixed, moved, new
from shapecheck.layers.role import Role


def axis_of(axis: int, rank: int, key: str, shape: Shape) -> int:
    """Return ``axis`` counted from 0. Raises Problem where a shape of ``rank`` axes has no such axis."""
    if not -rank <= axis < rank:
        raise Problem(
            "axis-out-of-range",
            f"{'axis' if key == 'axes' else key} {axis} does not exist: "
            f"the input {show(shape)} allows {-rank} to {rank - 1}",
            "axes count from 0; -1 is the last",
            key=key,
        )
    return axis % rank


class Flatten(Layer):
    """Join neighbouring axes into one: [N, C, H, W] to [N, C·H·W]."""

    ops = ("flatten",)
    role = Role.RELAYS

    start_axis: int = key(Integer(None), "First axis that is joined.", 1)
    end_axis: int = key(Integer(None), "Last axis that is joined.", -1)

    def output(self, context: Context) -> Shape:
        """Return the shape with the axes from start to end replaced by their product."""
        shape = context.inputs[0]
        start = axis_of(self.start_axis, len(shape), "start_axis", shape)
        end = axis_of(self.end_axis, len(shape), "end_axis", shape)
        if start > end:
            raise Problem(
                "axis-out-of-range",
                f"start_axis {self.start_axis} stands behind end_axis {self.end_axis} in {show(shape)}",
                "give the axes in rising order",
                key="start_axis",
            )
        return (*shape[:start], symbolic.product(shape[start : end + 1]), *shape[end + 1 :])

    def flow(self, context: Context, output: Shape) -> Flow:
        """Join the axes from start to end, and keep the others."""
        rank = len(context.inputs[0])
        start, end = self.start_axis % rank, self.end_axis % rank
        middle = joined(range(start, end + 1)) if start < end else kept(start)
        return (*map(kept, range(start)), middle, *map(moved, range(end + 1, rank)))


class Reshape(Layer):
    """Give the elements another shape; one entry may be -1, for what remains."""

    ops = ("reshape",)
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"reshape": ("view",)}
    role = Role.RELAYS

    shape: Any = key(Listing(ShapeEntry()), "The new shape, batch included: numbers, names of dimensions, and -1 once.")

    def check(self) -> None:
        """Refuse a second -1."""
        if sum(1 for entry in self.shape if type(entry) is int and entry == -1) > 1:
            raise Problem(
                "wrong-value",
                f"shape {show(self.shape)} has more than one -1",
                "only one entry can be what remains",
                key="shape",
            )

    def output(self, context: Context) -> Shape:
        """Return the target with -1 replaced. The number of elements stays."""
        shape = context.inputs[0]
        elements = symbolic.product(shape)
        known = symbolic.product(tuple(size for size in self.shape if size != -1))
        self._require_entries(context)
        if -1 in self.shape:
            shared, over = symbolic.cancelled(elements, known)
            if not isinstance(over, int):
                context.require_division(over, shared)
                raise Undecided(
                    f"what remains of {elements} elements in {show(self.shape)} depends on the sizes", elements
                )
            if not context.divides(over, shared):
                but = "does not divide it"
                if isinstance(elements, int) and isinstance(known, int):
                    but += f": {elements} = {known}·{elements // known} + {elements % known}"
                raise self._count(shape, elements, f"{known} {but}")
            rest = shared // over
            return tuple(rest if size == -1 else size for size in self.shape)
        if not context.equal(elements, known):
            raise self._count(shape, elements, f"shape {show(self.shape)} has {known}")
        return tuple(self.shape)

    def flow(self, context: Context, output: Shape) -> Flow:
        """Find which axes correspond: the order in which the elements are counted through stays."""
        return counted_again(context.inputs[0], output)

    def _require_entries(self, context: Context) -> None:
        for entry in self.shape:
            if isinstance(entry, symbolic.Symbolic) and not context.at_least(entry, 1):
                raise Problem(
                    "size-below-one",
                    f"shape asks for {entry}, which is below 1 for every input",
                    "a size is at least 1",
                    key="shape",
                )

    def _count(self, shape: Shape, elements: Size, but: str) -> Problem:
        return Problem(
            "reshape-count-differs",
            f"the input {show(shape)} has {elements} elements, but {but}",
            "let one entry be -1, or write sizes whose product is that number",
            key="shape",
        )


class Permute(Layer):
    """Put the axes into another order."""

    ops = ("permute",)
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"permute": ("transpose",)}
    role = Role.RELAYS

    axes: tuple[int, ...] = key(
        Listing(Integer(None)), "The input's axes in their new order, batch included.", also=("dim",)
    )

    def output(self, context: Context) -> Shape:
        """Return the sizes in the new order."""
        shape = context.inputs[0]
        order = [axis_of(axis, len(shape), "axes", shape) for axis in self.axes]
        if sorted(order) != list(range(len(shape))):
            raise Problem(
                "axis-out-of-range",
                f"axes {list(self.axes)} are no order of the {len(shape)} axes of {show(shape)}",
                "name every axis once",
                key="axes",
            )
        return tuple(shape[axis] for axis in order)

    def does_nothing(self, context: Context) -> bool:
        """Say whether the axes are named in their order."""
        return [axis % len(self.axes) for axis in self.axes] == list(range(len(self.axes)))

    def flow(self, context: Context, output: Shape) -> Flow:
        """Keep every axis, in another place."""
        return tuple(moved(axis % len(output)) for axis in self.axes)


class Squeeze(Layer):
    """Remove an axis of size 1."""

    ops = ("squeeze",)
    role = Role.RELAYS

    axis: int = key(Integer(None), "The axis that is removed.", also=("dim",))

    def output(self, context: Context) -> Shape:
        """Return the shape without ``axis``."""
        shape = context.inputs[0]
        at = axis_of(self.axis, len(shape), "axis", shape)
        if not context.equal(shape[at], 1):
            raise Problem(
                "squeeze-of-larger-axis",
                f"axis {self.axis} of {show(shape)} has size {shape[at]}, and only an axis of size 1 can go",
                "name an axis of size 1, or use flatten or reduce",
                key="axis",
                axis=at,
            )
        if len(shape) == 1:
            raise Problem(
                "wrong-rank",
                f"removing the only axis of {show(shape)} leaves no shape",
                "keep the batch axis",
                key="axis",
            )
        return (*shape[:at], *shape[at + 1 :])

    def flow(self, context: Context, output: Shape) -> Flow:
        """Keep every axis but the one that goes."""
        rank = len(context.inputs[0])
        return tuple(moved(axis) for axis in range(rank) if axis != self.axis % rank)


class Unsqueeze(Layer):
    """Insert an axis of size 1."""

    ops = ("unsqueeze",)
    role = Role.RELAYS

    axis: int = key(Integer(None), "Where the new axis stands in the output.", also=("dim",))

    def output(self, context: Context) -> Shape:
        """Return the shape with a 1 at ``axis``."""
        shape = context.inputs[0]
        at = axis_of(self.axis, len(shape) + 1, "axis", shape)
        return (*shape[:at], 1, *shape[at:])

    def flow(self, context: Context, output: Shape) -> Flow:
        """Keep every axis, with a new one among them."""
        at = self.axis % len(output)
        return (*map(kept, range(at)), new(), *map(moved, range(at, len(output) - 1)))


class Slice(Layer):
    """Take every step-th element of an axis from start to stop, as Python does."""

    ops = ("slice",)
    role = Role.RELAYS

    axis: int = key(Integer(None), "The axis that is cut.", also=("dim",))
    start: int = key(Integer(None), "First element; negative counts from the end.", 0)
    stop: int | None = key(
        Integer(None), "First element that is left out; negative counts from the end. Default: the end.", None
    )
    step: int = key(Integer(1), "Distance between two elements.", 1)

    def rises(self) -> bool:
        """Say whether a longer axis never leaves less: from the third last to the fifth it does."""
        return self.start >= 0 or self.stop is None or self.stop < 0

    def output(self, context: Context) -> Shape:
        """Return the shape with the number of selected elements on ``axis``."""
        shape = context.inputs[0]
        at = axis_of(self.axis, len(shape), "axis", shape)
        size = shape[at]
        if isinstance(size, int):
            start, stop, step = slice(self.start, self.stop, self.step).indices(size)
            count: Size = convolution.sliced(max(stop - start, 0), 0, step)
        else:
            count = convolution.sliced(self._edge(context, self.stop, size), 0, 1) - self._edge(
                context, self.start, size
            )
            count = convolution.sliced(count, 0, self.step)
        if not context.at_least(count, 1):
            raise Problem(
                "size-below-one",
                f"nothing of axis {self.axis} (size {size}) is left by start {self.start}"
                f"{'' if self.stop is None else f', stop {self.stop}'}",
                f"start is at most {size - 1}, and stop is larger than start",
                key="start",
                axis=at,
            )
        return (*shape[:at], count, *shape[at + 1 :])

    def flow(self, context: Context, output: Shape) -> Flow:
        """Cut one axis, and keep the others."""
        size = context.inputs[0][self.axis % len(output)]
        if isinstance(size, int):
            return _cut_one(output, self.axis, slice(self.start, None).indices(size)[0], self.step)
        return _cut_one(output, self.axis, self.start if self.start >= 0 else size + self.start, self.step)

    def _edge(self, context: Context, edge: int | None, size: Size) -> Size:
        if edge is None:
            return size
        if not context.case_at_least(size, abs(edge)):
            return 0 if edge < 0 else size
        return size + edge if edge < 0 else edge


class Chunk(Layer):
    """Take one of several equal pieces of an axis; as in PyTorch, the last piece may be smaller."""

    ops = ("chunk",)
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"chunk": ("split",)}
    role = Role.RELAYS

    axis: int = key(Integer(None), "The axis that is cut.", also=("dim",))
    chunks: int = key(Integer(1), "Into how many pieces.")
    index: int = key(Integer(0), "Which piece is taken, from 0.")

    def rises(self) -> bool:
        """Say whether a longer axis never gives a smaller piece: the third of three of 9 has 3, that of 10 has 2."""
        return self.index < 2

    def output(self, context: Context) -> Shape:
        """Return the shape with the size of the piece on ``axis``."""
        shape = context.inputs[0]
        at = axis_of(self.axis, len(shape), "axis", shape)
        size = shape[at]
        if self.index >= self.chunks:
            raise Problem(
                "axis-out-of-range",
                f"index {self.index} does not exist: {self.chunks} chunks count from 0 to {self.chunks - 1}",
                "write a smaller index",
                key="index",
            )
        piece = convolution.conv_same(size, self.chunks)
        if isinstance(size, int):
            count: Size = min(piece, size - self.index * piece)
        else:
            # From chunks² elements on every piece is there and all but the last are whole.
            context.assume_at_least(size, self.chunks**2)
            count = piece if self.index < self.chunks - 1 else size - piece * (self.chunks - 1)
        if not context.at_least(count, 1):
            pieces = -(-size // convolution.conv_same(size, self.chunks))
            raise Problem(
                "size-below-one",
                f"an axis of size {size} falls into {pieces} chunks, so there is no chunk {self.index}",
                f"an axis needs at least {self.index + 1} pieces; ask for fewer chunks",
                key="index",
                axis=at,
            )
        return (*shape[:at], count, *shape[at + 1 :])

    def flow(self, context: Context, output: Shape) -> Flow:
        """Cut one axis, and keep the others."""
        size = context.inputs[0][self.axis % len(output)]
        return _cut_one(output, self.axis, convolution.conv_same(size, self.chunks) * self.index)


class Reduce(Layer):
    """Mean, sum or maximum over some axes."""

    ops = ("reduce",)
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"reduce": ("mean", "sum")}

    kind: str = key(Word("mean", "sum", "max", also={"avg": "mean"}), "What is made of the elements.")
    axes: Any = key(PerAxis(Integer(None)), "The axis or axes that are summed up.", also=("dim",))
    keep_dims: bool = key(Boolean(), "Keep the axes, with size 1.", False)

    def output(self, context: Context) -> Shape:
        """Return the shape without ``axes``, or with 1 in their place."""
        shape = context.inputs[0]
        axes = self.axes if isinstance(self.axes, tuple) else (self.axes,)
        gone = {axis_of(axis, len(shape), "axes", shape) for axis in axes}
        if len(gone) < len(axes):
            raise Problem(
                "axis-out-of-range",
                f"axes {list(axes)} names an axis of {show(shape)} twice",
                "name every axis once",
                key="axes",
            )
        if self.keep_dims:
            return tuple(1 if axis in gone else size for axis, size in enumerate(shape))
        if len(gone) == len(shape):
            raise Problem(
                "wrong-rank",
                f"reducing all {len(shape)} axes leaves no shape",
                "keep the batch axis, or write keep_dims: true",
                key="axes",
            )
        return tuple(size for axis, size in enumerate(shape) if axis not in gone)

    def flow(self, context: Context, output: Shape) -> Flow:
        """Read some axes whole, and keep the others."""
        rank = len(context.inputs[0])
        gone = {axis % rank for axis in (self.axes if isinstance(self.axes, tuple) else (self.axes,))}
        if self.keep_dims:
            return tuple(mixed(axis) if axis in gone else kept(axis) for axis in range(rank))
        return tuple(moved(axis) for axis in range(rank) if axis not in gone)


def _cut_one(output: Shape, at: int, start: Size, step: int = 1) -> Flow:
    at %= len(output)
    return tuple(cut(axis, start, step) if axis == at else kept(axis) for axis in range(len(output)))
