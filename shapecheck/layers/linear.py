"""Layers that act on vectors: linear, embedding, attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from shapecheck.arithmetic import symbolic
from shapecheck.arithmetic.shape import Shape, show
from shapecheck.arithmetic.symbolic import Size
from shapecheck.layers.base import Layer, state
from shapecheck.layers.context import Context, Problem
from shapecheck.layers.divisors import nearest_divisors
from shapecheck.layers.fields import Boolean, Integer, key
from shapecheck.layers.flow import Flow, kept, mixed, new
from shapecheck.layers.role import Role


class Linear(Layer):
    """Linear map of the last axis: [..., in_features] to [..., out_features]."""

    ops = ("linear",)
    role = Role.LEARNED_MAP
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"linear": ("dense", "fc", "fully_connected")}

    out_features: int = key(Integer(1), "Size of the last axis of the output.", also=("units",))
    bias: bool = key(Boolean(), "Whether a learned number is added to each output feature.", True)
    in_features: int | None = key(
        Integer(1),
        "The size of the last axis that the writer believes in; never needed, a difference is an error.",
        None,
    )

    def output(self, context: Context) -> Shape:
        """Return the input's shape with out_features for its last axis."""
        shape = context.inputs[0]
        state(self.in_features, shape[-1], "in_features", "features", context, f" (the last axis of {show(shape)})")
        return (*shape[:-1], self.out_features)

    def flow(self, context: Context, output: Shape) -> Flow:
        """Mix the last axis, and keep all others."""
        last = len(output) - 1
        return (*map(kept, range(last)), mixed(last))

    def added_axis(self, context: Context, output: Shape) -> int:
        """Return the last axis."""
        return len(output) - 1

    def parameters(self, context: Context) -> Size:
        """Return in · out, and out more for the bias."""
        return context.inputs[0][-1] * self.out_features + (self.out_features if self.bias else 0)

    def multiply_adds(self, context: Context, output: Shape) -> Size:
        """Return one multiply-add for every input feature and output element."""
        return symbolic.product(output) * context.inputs[0][-1]


class Embedding(Layer):
    """Look up a learned vector for every integer: [...] to [..., embedding_dim]."""

    ops = ("embedding",)
    role = Role.LOOKS_UP

    num_embeddings: int = key(Integer(1), "How many vectors there are.")
    embedding_dim: int = key(Integer(1), "Size of each vector.")

    def output(self, context: Context) -> Shape:
        """Return the input's shape with embedding_dim as one axis more."""
        return (*context.inputs[0], self.embedding_dim)

    def flow(self, context: Context, output: Shape) -> Flow:
        """Keep every axis, and put a new one behind them."""
        return (*map(kept, range(len(output) - 1)), new())

    def parameters(self, context: Context) -> Size:
        """Return num_embeddings · embedding_dim."""
        return self.num_embeddings * self.embedding_dim

    def parameter_axis(self, context: Context, output: Shape) -> int:
        """Return the axis of the vectors."""
        return len(output) - 1


class Attention(Layer):
    """Multi-head self-attention over [N, L, E]."""

    ops = ("attention",)

    num_heads: int = key(Integer(1), "Into how many heads the features are split.")
    bias: bool = key(Boolean(), "Whether the four projections have a bias.", True)

    def output(self, context: Context) -> Shape:
        """Return the input's shape."""
        shape = context.inputs[0]
        if len(shape) != 3:
            raise Problem(
                "wrong-rank",
                f"attention reads [N, L, E], a shape of rank 3, but its input {show(shape)} has rank {len(shape)}",
                "reshape or permute the input to [N, L, E]",
            )
        if not context.divides(self.num_heads, shape[-1]):
            raise Problem(
                "groups-do-not-divide",
                f"num_heads {self.num_heads} does not divide the {shape[-1]} features: "
                f"{shape[-1]} = {self.num_heads}·{shape[-1] // self.num_heads} + {shape[-1] % self.num_heads}",
                nearest_divisors(self.num_heads, shape[-1]) or "take a number of heads that divides the features",
                key="num_heads",
                axis=2,
            )
        return shape

    def flow(self, context: Context, output: Shape) -> Flow:
        """Mix the features, and keep the positions, each of which looks at all."""
        return kept(0), kept(1, spreads=True), mixed(2)

    def parameters(self, context: Context) -> Size:
        """Return 4E² for the projections of query, key, value and output, and 4E for their biases."""
        features = context.inputs[0][-1]
        return features * features * 4 + (features * 4 if self.bias else 0)

    def parameter_axis(self, context: Context, output: Shape) -> int:
        """Return the axis of the features."""
        return len(output) - 1

    def multiply_adds(self, context: Context, output: Shape) -> Size:
        """Return 4NLE² for the projections and 2NL²E for scores and their use."""
        batch, length, features = output
        return batch * length * features * (features * 4 + length * 2)
