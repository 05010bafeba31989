"""What a builder is given: the layer's keys, the traced arrays it reads, and where its parameters come from.

Every size that a builder uses is read from the ``shape`` of a traced array or from a key of the layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from shapecheck.arithmetic.shape import channel_axis, show
from shapecheck.layers import Layer
from shapecheck.verification.reference.build_errors import BuildError

Ints: TypeAlias = tuple[int, ...]
Initial: TypeAlias = Literal["normal", "zeros", "ones", "slope"]


class ParameterSpec(NamedTuple):
    """A learned array: its shape, its dtype, and how it begins. ``fan_in`` scales the normal distribution.

    ``channel_axis`` is its axis of output channels, None where it has none; ``added_along`` the axis of the output to
    each position of which it adds a number, None where it does something else.
    """

    shape: Ints
    dtype: Any
    initial: Initial
    fan_in: int
    channel_axis: int | None = 0
    added_along: int | None = None


ParameterSource: TypeAlias = Callable[[str, ParameterSpec], jax.Array]
# Given the name of a statistic and a way to compute it from the array at hand, returns the one to normalise with.
StatisticSource: TypeAlias = Callable[[str, Callable[[], jax.Array]], jax.Array]


class Mode(NamedTuple):
    """How a layer is run: ``key`` draws what is random while training, None as in inference.

    ``statistics`` supplies the statistics of batch_norm, None those of the array at hand.
    """

    key: jax.Array | None = None
    statistics: StatisticSource | None = None


PLAIN = Mode()


class ReferencedLayer(NamedTuple):
    """The layer that a key such as ``like`` or ``pool`` names; ``layer`` is None for an input of the network.

    ``inputs`` are values where the builder needs them (``pool``), and shapes otherwise.
    """

    name: str
    layer: Any
    inputs: tuple[jax.Array | jax.ShapeDtypeStruct, ...]
    output: jax.ShapeDtypeStruct


class Call:
    """One layer in the middle of a trace."""

    __slots__ = ("channels_last", "dtype", "inputs", "layer", "mode", "parameter_source", "references")

    def __init__(
        self,
        layer: Any,
        inputs: tuple[jax.Array, ...],
        channels_last: bool,
        dtype: Any,
        parameter_source: ParameterSource,
        references: Mapping[str, ReferencedLayer],
        mode: Mode = PLAIN,
    ) -> None:
        self.layer = layer
        self.inputs = inputs
        self.channels_last = channels_last
        self.dtype = dtype
        self.parameter_source = parameter_source
        self.references = references
        self.mode = mode

    @property
    def x(self) -> jax.Array:
        """The first input."""
        return self.inputs[0]

    @property
    def channel_axis(self) -> int:
        """Where the channels of the first input stand."""
        return channel_axis(self.x.ndim, self.channels_last)

    @property
    def channels(self) -> int:
        """The size of the channel axis."""
        return self.x.shape[self.channel_axis]

    @property
    def spatial(self) -> Ints:
        """The sizes of the spatial axes."""
        return spatial_sizes(self.x, self.channels_last)

    def parameter(
        self,
        name: str,
        shape: Ints,
        initial: Initial = "zeros",
        fan_in: int = 1,
        dtype: Any = None,
        channel_axis: int | None = 0,
        added_along: int | None = None,
    ) -> jax.Array:
        """Return the learned array ``name`` of this layer, of the first input's dtype unless another is given.

        The rest is as in ``ParameterSpec``.
        Raises BuildError where an axis would be empty.
        """
        if min(shape, default=1) < 1:
            raise BuildError(f"its {name} would have the shape {show(shape)}")
        own = jnp.dtype(dtype or self.x.dtype)
        return self.parameter_source(name, ParameterSpec(shape, own, initial, fan_in, channel_axis, added_along))

    def statistic(self, name: str, compute: Callable[[], jax.Array]) -> jax.Array:
        """Return a statistic of the whole batch: that of the array at hand, unless the mode supplies another."""
        return compute() if self.mode.statistics is None else self.mode.statistics(name, compute)

    def require_floating(self) -> None:
        """Refuse inputs that are not floating point: nothing is converted silently."""
        for x in self.inputs:
            if not jnp.issubdtype(x.dtype, jnp.floating):
                raise BuildError(f"{self.layer.op} computes with floating-point numbers, but its input is {x.dtype}")

    def require_stated(self, stated: int | None, found: int, key: str) -> None:
        """Refuse an input that differs from what the writer stated of it."""
        if stated is not None and stated != found:
            raise BuildError(f"{key} is stated as {stated}, but the traced input has {found}")


Builder: TypeAlias = Callable[[Call], jax.Array]
BUILDERS: dict[str, Builder] = {}
# Of the ops that look up integers: how many different ones a layer knows.
LOOKUPS: dict[str, Callable[[Any], int]] = {}


def builds(*ops: str, lookup: Callable[[Any], int] | None = None) -> Callable[[Builder], Builder]:
    """Register a function as the builder of ``ops``; ``lookup`` is what ``LOOKUPS`` has of them."""

    def register(builder: Builder) -> Builder:
        for op in ops:
            BUILDERS[op] = builder
            if lookup is not None:
                LOOKUPS[op] = lookup
        return builder

    return register


# JAX leaves this class without types.
_struct: Callable[..., jax.ShapeDtypeStruct] = jax.ShapeDtypeStruct


def abstract(shape: Ints, dtype: Any) -> jax.ShapeDtypeStruct:
    """Return an array that has a shape and a dtype but no elements."""
    return _struct(shape, dtype)


def spatial_axes(rank: int, channels_last: bool) -> Ints:
    """Return the spatial axes of an array of ``rank`` axes. Raises BuildError where it has none."""
    if rank < 3:
        raise BuildError(f"needs batch, channels and at least one spatial axis, but its input has rank {rank}")
    return tuple(range(1, rank - 1)) if channels_last else tuple(range(2, rank))


def spatial_sizes(x: jax.Array | jax.ShapeDtypeStruct, channels_last: bool) -> Ints:
    """Return the sizes of the spatial axes of ``x``."""
    return tuple(x.shape[axis] for axis in spatial_axes(len(x.shape), channels_last))


def is_layer(layer: Any, op: str) -> bool:
    """Tell whether ``layer`` is one of ``op``."""
    return isinstance(layer, Layer) and layer.op == op
