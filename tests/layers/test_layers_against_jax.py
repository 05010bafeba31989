"""Ops, with random keys, inputs and layouts, against the same thing written with lax and jnp.

An op for which nothing is written here is held against the reference alone, in ``test_flow``.

What is written here knows nothing of shapecheck's arithmetic, nor of the reference. JAX does the counting:
``jax.eval_shape`` traces each function. JAX accepts an axis of size 0, which the language does not; and a few rules of
the language, those that have no counterpart in JAX, are written out as ``require``.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from amounts import amount, drawn, examples, thorough
from by_hand.cases import Case, Draw, Refused, Shape
from by_hand.vectors import (
    FUNCTIONS,
)
from hypothesis import assume, given
from hypothesis import strategies as st
from jax import lax
from one_layer import RESULT, ask, layer, text
from ops_by_hand import OPS

from shapecheck.arithmetic import convolution

# Ops that fit every input that is drawn for them here.
NEVER_REFUSED = {*FUNCTIONS, "embedding", "global_avg_pool", "global_max_pool"}


def jax_shape(case: Case) -> Shape | None:
    """Return the shape that JAX gives, or None where it, or a rule of the language, refuses."""
    dtype = jnp.int32 if case.dtype else jnp.float32
    structs = {name: jax.ShapeDtypeStruct(shape, dtype) for name, shape in case.inputs.items()}
    try:
        found = jax.eval_shape(case.function, structs).shape
    except (Refused, TypeError, ValueError, IndexError):
        return None
    return found if min(found, default=0) >= 1 else None


@drawn
@pytest.mark.parametrize("op", OPS)
def test_shape_or_refusal_is_that_of_jax(op: str) -> None:
    seen: Counter[str] = Counter()

    @examples(60)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        case = OPS[op](Draw(data), op)
        source = text(case.inputs, case.layers, case.channels_last, case.dtype)
        ours, theirs = ask(source), jax_shape(case)
        seen["refused" if theirs is None else "accepted"] += 1
        assert (ours.shape is None) == bool(ours.errors), source
        assert ours.shape == (None if theirs is None else list(theirs)), f"{source}\njax: {theirs}, ours: {ours[:4]}"

    run()
    assert seen["accepted"] >= amount(10, 10)
    assert op in NEVER_REFUSED or seen["refused"] >= 1 or not thorough()


@examples(20)
@given(st.data())
def test_a_transposed_convolution_is_the_adjoint(data: st.DataObject) -> None:
    """<C x, y> = <x, C^T y> on integers, with C^T as the direct convolution that the guide says equals it."""
    draw = Draw(data)
    axes = draw.of(1, 2)
    i, k, s, d = (draw.list(axes, low, high) for low, high in ((1, 8), (1, 4), (1, 3), (1, 3)))
    pairs = [tuple(draw.list(2, 0, 3)) for _ in range(axes)]
    o = [convolution.conv(*row[:3], *row[4], row[3]) for row in zip(i, k, s, d, pairs, strict=True)]
    assume(min(o) >= 1)
    c_in, c_out = draw.of(1, 2), draw.of(1, 2)
    rng = np.random.default_rng(draw.int(0, 1000))
    w = jnp.asarray(rng.integers(-3, 4, (c_out, c_in, *k)), jnp.float32)
    x = jnp.asarray(rng.integers(-3, 4, (1, c_in, *i)), jnp.float32)
    y = jnp.asarray(rng.integers(-3, 4, (1, c_out, *o)), jnp.float32)

    def c(one: Any) -> Any:
        return lax.conv_general_dilated(one, w, s, pairs, rhs_dilation=d)

    forward = c(x)
    assert forward.shape == y.shape
    a = [convolution.unread(*row[:3], *row[4], row[3]) for row in zip(i, k, s, d, pairs, strict=True)]
    pads = [convolution.transposed_padding(row[0], *row[2], row[1], row[3]) for row in zip(k, d, pairs, a, strict=True)]
    flipped = jnp.flip(w, tuple(range(2, 2 + axes))).swapaxes(0, 1)
    back = lax.conv_general_dilated(y, flipped, (1,) * axes, pads, lhs_dilation=s, rhs_dilation=d)
    (adjoint,) = jax.linear_transpose(c, x)(y)
    assert back.shape == adjoint.shape == x.shape
    assert (back == adjoint).all()
    assert int((forward * y).sum()) == int((x * back).sum())
    ours = ask(
        text(
            {"x": y.shape},
            [
                layer(
                    "conv_transpose",
                    {
                        "out_channels": c_in,
                        "kernel_size": k,
                        "stride": s,
                        "dilation": d,
                        "padding": [list(pair) for pair in pairs],
                        "output_padding": a,
                    },
                    RESULT,
                )
            ],
        )
    )
    assert ours.shape == list(x.shape)
