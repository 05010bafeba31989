"""What a layer is: its keys, its shape rule, its cost; and the registry of ops.

A layer class declares its keys with ``key`` and computes its output shape from a ``Context``. A rule that is
not met raises ``Problem``. Shape rules use ``+ - * //`` on sizes and put every question to the context, so the
same rule serves numbers and symbolic sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self

from shapecheck.arithmetic import shape as shapes
from shapecheck.arithmetic.shape import Shape, spatial_name
from shapecheck.arithmetic.symbolic import Size
from shapecheck.layers.context import Context, Problem, Undecided
from shapecheck.layers.fields import REQUIRED, Key
from shapecheck.layers.flow import Flow, kept
from shapecheck.layers.role import Role
from shapecheck.layers.window import Window


class DialectRefusal(NamedTuple):
    """Why another framework refuses a layer that fits, what to do, and the key with which it has to do."""

    message: str
    help: str
    key: str


class Statistics(NamedTuple):
    """Of what a normalisation takes each mean: of as many values as the product of ``counted``, those of ``over``."""

    counted: Shape
    over: str


class Layer:
    """The base of every layer class; an instance is one layer with its keys read and normalised.

    Subclasses set ``ops`` (the words that select them), ``arity`` (how many inputs they take, the upper bound
    None for any number) and the keys of the language, and define ``output``.
    """

    ops: ClassVar[tuple[str, ...]] = ()
    # What other libraries call the ops.
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    references: ClassVar[tuple[str, ...]] = ()
    # Whether the output has the sizes of the first input, whatever the keys.
    keeps: ClassVar[bool] = False
    keys: ClassVar[dict[str, Key]] = {}
    role: ClassVar[Role] = Role.NONE
    # The reference to the layer that this one undoes, whose input size it gives back.
    undoes: ClassVar[str | None] = None
    # The reference to the layer whose spatial size this one takes.
    sized_like: ClassVar[str | None] = None

    op: str
    # The guide's a as the file has it, for layers with such a key.
    output_padding: Any = None

    def __init_subclass__(cls) -> None:
        keys = dict(cls.keys)
        for name, value in vars(cls).items():
            if isinstance(value, Key):
                value.name = name
                keys[name] = value
        cls.keys = keys
        # What a class inherits are the ops of another.
        for op in vars(cls).get("ops", ()):
            REGISTRY[op] = cls

    def __init__(self, op: str, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        self.op = op

    @classmethod
    def keys_of(cls, op: str) -> dict[str, Key]:
        """Return the keys that ``op`` takes, in the order of the reference."""
        return cls.keys

    def check(self) -> None:
        """Refuse keys that contradict each other. Raises Problem."""

    def output(self, context: Context) -> Shape:
        """Return the output shape. Raises Problem where the layer does not fit its input."""
        raise TypeError(f"{type(self).__name__} has no shape rule")

    def flow(self, context: Context, output: Shape) -> Flow:
        """Return for each axis of the output where it comes from."""
        if self.keeps:
            return tuple(kept(axis, len(context.inputs)) for axis in range(len(output)))
        raise TypeError(f"{type(self).__name__} does not say how its axes flow")

    def added_axis(self, context: Context, output: Shape) -> int:
        """Return the axis of the output to each of whose positions its bias or shift adds a number, if it has one."""
        return context.channel_axis(output)

    def with_keys(self, **values: Any) -> Self:
        """Return this layer with other values of some keys, for what-if questions; nothing is checked."""
        return type(self)(self.op, {**vars(self), **values})

    def selectable_axes(self, context: Context) -> tuple[int, ...]:
        """Return the spatial axes on which ``output_padding`` may select another of s sizes. Raises Problem."""
        return ()

    def ambiguous_axes(self, context: Context) -> tuple[int, ...]:
        """Return the spatial axes on which nothing says which of s sizes the output has. Raises Problem."""
        return ()

    def rises(self) -> bool:
        """Say whether a size of the output never falls as that of the input grows, and exists from some size on."""
        return False

    def parameter_axis(self, context: Context, output: Shape) -> int | None:
        """Return the axis of the output each of whose positions has parameters of its own; None where none has."""
        return None if self.parameters(context) == 0 else self.added_axis(context, output)

    def parameter_channels(self, context: Context, output: Shape) -> tuple[tuple[str, Size], ...]:
        """Return what is cut, and its size, where the parameters are split along ``parameter_axis``."""
        axis = self.parameter_axis(context, output)
        return () if axis is None else (("output channels", output[axis]),)

    def does_nothing(self, context: Context) -> bool:
        """Say whether with these keys the layer gives back what it is given."""
        return False

    def refused_by_pytorch(self, context: Context) -> DialectRefusal | None:
        """Return why PyTorch refuses the layer, although it fits; None where it does not."""
        return None

    def statistics(self, context: Context) -> Statistics | None:
        """Return of what the means are taken that the layer subtracts; None where it subtracts none."""
        return None

    def windows(self, context: Context) -> tuple[Window, ...]:
        """Return the window arithmetic of each spatial axis; empty for a layer that slides no window."""
        return ()

    def odd_zero_first(self, context: Context) -> bool:
        """Say whether ``same`` padding of an odd number puts the larger half before."""
        return getattr(self, "padding", None) == "same_lower"

    def parameters(self, context: Context) -> Size:
        """Return how many numbers the layer learns."""
        return 0

    def multiply_adds(self, context: Context, output: Shape) -> Size:
        """Return the multiply-adds of one forward pass over the whole batch, padding counted as in the textbook."""
        return 0

    def padding_multiply_adds(self, context: Context, output: Shape) -> int:
        """Return those of the multiply-adds that read padding or are cropped; every size must be a number."""
        return 0


REGISTRY: dict[str, type[Layer]] = {}


def aliases() -> dict[str, tuple[str, ...]]:
    """Return what other libraries call the ops, keys and words of the registry, and which of ours may be meant."""
    found: dict[str, set[str]] = {}
    for op, kind in REGISTRY.items():
        for alias in kind.aliases.get(op, ()):
            found.setdefault(alias, set()).add(op)
        for name, key in kind.keys_of(op).items():
            for alias in key.also:
                found.setdefault(alias, set()).add(name)
            for alias, word in key.kind.synonyms().items():
                found.setdefault(alias, set()).add(word)
    return {alias: tuple(sorted(meanings)) for alias, meanings in found.items()}


class Broken(Layer):
    """A layer that could not be read; the reason was reported, so nothing more is said of it."""

    arity = (0, None)

    def output(self, context: Context) -> Shape:
        """Know no shape."""
        raise Undecided("the layer could not be read")


def default_of(key: Key) -> Any:
    """Return a key's default, or None where it is required."""
    return None if key.default is REQUIRED else key.default


def count_axes(count: int) -> str:
    """Return ``1 spatial axis``, ``2 spatial axes``."""
    return f"{count} spatial {'axis' if count == 1 else 'axes'}"


def per_axis(value: Any, count: int, key: str, whose: str = "input") -> tuple[Any, ...]:
    """Return ``value`` as a tuple with one entry per spatial axis. Raises Problem on a list of another length."""
    if not isinstance(value, tuple):
        return (value,) * count
    if len(value) != count:
        raise Problem(
            "wrong-number-of-axes",
            f"{key} lists {len(value)} {'value' if len(value) == 1 else 'values'}, "
            f"but the {whose} has {count_axes(count)}",
            f"write one number for all axes, or a list of {count}",
            key=key,
        )
    return value


def asked_sizes(context: Context, sizes: Any, count: int, key: str) -> tuple[Size, ...]:
    """Return the sizes that a key asks for, one per axis. Raises Problem on one that is below 1 for every input."""
    found = per_axis(sizes, count, key)
    for j, size in enumerate(found):
        if not context.at_least(size, 1):
            raise Problem(
                "size-below-one",
                f"{key} asks for {size} on {spatial_name(j, count)}, which is below 1 for every input",
                "a size is at least 1",
                key=key,
            )
    return found


def state(
    stated: Any, found: Size, key: str, what: str, context: Context, where: str = "", elsewhere: int | None = None
) -> None:
    """Check a number that the writer stated (``in_channels`` and its like) against the one that is found.

    ``where`` says in words where it is found; ``elsewhere`` is another axis of the input that has the stated size,
    the usual sign of a wrong layout.
    """
    if stated is not None and not context.equal(found, stated):
        if elsewhere is not None:
            order = shapes.show(context.inputs[0])
            where = f"{where}; axis {elsewhere} has size {stated}: are the axes of {order} in the order meant?"
        raise Problem(
            "stated-size-differs",
            f"{key} is stated as {stated}, but the input has {found} {what}{where}",
            f"{key} is never needed: it is found from the input"
            if elsewhere is None
            else "put the axes in the order that is meant, with permute, or correct the input's shape",
            key=key,
            axis=context.channels_at if what == "channels" else len(context.inputs[0]) - 1,
            replacement=str(found) if isinstance(found, int) and elsewhere is None else None,
        )
