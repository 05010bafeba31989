"""The witness as a whole: levels, segments, bytes, progress, and what was not checked."""

from __future__ import annotations

from typing import Any

import jax
import pytest
from amounts import sampled
from handmade import chain, network
from tangled import tangled

import shapecheck.verification.reference.compile as compiling
import shapecheck.verification.reference.segments as segments
from shapecheck.arithmetic.symbolic import Symbolic
from shapecheck.layers.base import Broken
from shapecheck.verification.reference import ReferenceResult, run_levels

BLOCK = (
    {"op": "conv", "out_channels": 4, "kernel_size": 3, "padding": 1},
    {"op": "batch_norm"},
    {"op": "relu"},
)


def test_levels_agree() -> None:
    made = tangled()
    traced, lowered, compiled = (run_levels(made, level) for level in ("trace", "lower", "compile"))
    assert traced.shapes == lowered.shapes == compiled.shapes
    assert set(traced.shapes) == set(range(len(made.nodes)))
    assert traced.shapes[11] == (2, 5, 21, 18)
    assert traced.shapes[12] == (2, 5, 10, 8)
    assert (traced.flops, traced.bytes_agree, lowered.bytes_agree) == (None, None, None)
    assert lowered.flops == compiled.flops
    assert compiled.flops is not None
    assert compiled.flops > 0
    assert compiled.bytes_agree
    assert (compiled.level, compiled.backend, compiled.compiled) == ("compile", jax.default_backend(), 1)
    assert compiled.seconds > 0


@pytest.mark.parametrize("length", sampled([2, 1, 5, 8], 4))
def test_segments_find_what_the_whole_finds(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tangled()
    whole = run_levels(made)
    monkeypatch.setattr(segments, "LONGEST", length)
    parts = run_levels(made)
    assert parts.compiled > 1
    assert parts.shapes == whole.shapes
    assert parts.flops == pytest.approx(whole.flops)
    assert parts.bytes_agree


def test_unknown_words() -> None:
    words: Any = {"level": "execute"}, {"device": "abacus"}
    for word in words:
        with pytest.raises(ValueError, match="is none of"):
            run_levels(tangled(), **word)


def test_bytes_are_counted_by_hand() -> None:
    found = run_levels(chain((1, 2, 6), {"op": "relu"}, {"op": "conv", "out_channels": 3, "kernel_size": 3}))
    assert found.bytes_expected == found.bytes_found == 4 * (12 + 12) + 2 * 8
    found = run_levels(chain((1, 2, 6), {"op": "relu"}, dtype="bfloat16"))
    assert found.bytes_expected == found.bytes_found == 2 * 12


def test_bytes_that_differ_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = compiling._expected
    monkeypatch.setattr(compiling, "_expected", lambda outputs: expected(outputs) + 4)
    found = run_levels(tangled())
    assert found.bytes_agree is False
    assert found.bytes_expected == found.bytes_found + 4


@pytest.mark.slow
def test_bytes_that_differ_in_two_segments_do_not_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    expected, signs = compiling._expected, iter([4, -4] * 100)
    monkeypatch.setattr(segments, "LONGEST", 8)
    monkeypatch.setattr(compiling, "_expected", lambda outputs: expected(outputs) + next(signs))
    assert run_levels(tangled()).bytes_agree is False


@pytest.mark.parametrize("length", sampled([3, 300], 2))
def test_each_level_is_told_of_as_soon_as_it_is_gone_through(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "LONGEST", length)
    made = tangled()
    for last, levels in (("trace", []), ("lower", ["trace"]), ("compile", ["trace", "lower"])):
        told: list[ReferenceResult] = []
        found = run_levels(made, last, "cpu", None, told.append)
        assert [each.level for each in told] == levels
        assert all(each.shapes == found.shapes and each.parameters == found.parameters for each in told)
        assert [list(each.levels) for each in told] == [["trace", "lower"][: n + 1] for n in range(len(levels))]
    ran: list[ReferenceResult] = []
    run_levels(made, "run", "cpu", None, ran.append)
    assert [each.level for each in ran] == ["trace", "lower", "compile"]
    assert all(each.run is None for each in ran)


@pytest.mark.slow
def test_a_long_chain_is_compiled_in_equal_segments() -> None:
    made = chain((1, 4, 8, 8), *BLOCK * 234)
    found = run_levels(made)
    assert len(made.layers) == 702
    assert set(found.shapes.values()) == {(1, 4, 8, 8)}
    assert len(found.shapes) == 703
    assert found.compiled == 2
    assert found.bytes_agree
    assert found.flops == pytest.approx(234 * run_levels(chain((1, 4, 8, 8), *BLOCK)).flops, rel=0.02)


@pytest.mark.slow
def test_a_chain_that_shrinks_is_cut_into_even_pieces() -> None:
    made = chain((1, 1, 400), *[{"op": "conv", "out_channels": 1, "kernel_size": 2}] * 320)
    found = run_levels(made, "lower")
    assert found.shapes[320] == (1, 1, 80)
    calls: list[tuple[int, int, str]] = []
    run_levels(made, "lower", progress=lambda *call: calls.append(call))
    assert [what for *_, what in calls] == ["trace", "lower 160 layers", "lower 160 layers", "done"]


def test_layers_of_one_kind_are_told_apart_by_what_they_read() -> None:
    pool = {"op": "max_pool", "kernel_size": 2}
    assert [*run_levels(chain((1, 1, 40), pool, pool, pool), "trace").shapes.values()] == [
        (1, 1, 40),
        (1, 1, 20),
        (1, 1, 10),
        (1, 1, 5),
    ]
    crop = {"op": "crop", "like": "a"}
    made = network(
        ("x", (1, 1, 9), None), ("a", (1, 1, 4), None), ("b", (1, 1, 6), None), ("c", crop, "x"), ("d", crop, "x")
    )
    made.nodes[4].references = {"like": 2}  # one word may mean another layer elsewhere, as `input` does in every block
    found = run_levels(made, "trace").shapes
    assert (found[3], found[4]) == ((1, 1, 4), (1, 1, 6))


def test_progress_counts_up_to_the_total() -> None:
    for level in ("trace", "lower", "compile"):
        calls: list[tuple[int, int, str]] = []
        run_levels(tangled(), level, progress=lambda *call, calls=calls: calls.append(call))
        done = [call[0] for call in calls]
        assert done == sorted(done)
        assert calls[-1][0] == calls[-1][1]
        assert calls[0] == (0, calls[-1][1], "trace")


def test_a_dimension_without_a_size_stops_only_what_depends_on_it() -> None:
    made = network(
        ("x", (1, 2, 6), None),
        ("y", (1, 2, 6), None),
        ("a", {"op": "relu"}, "x"),
        ("b", {"op": "relu"}, "y"),
        ("c", {"op": "upsample", "size": 3}, "y"),
        ("d", {"op": "crop", "like": "a"}, "y"),
    )
    made.nodes[0].shape = (1, 2, Symbolic.of("H") * Symbolic.of("W") + 1)
    made.nodes[4].layer.__dict__["size"] = (Symbolic.of("W") // 2,)
    found = run_levels(made)
    assert found.not_checked == {
        0: "H and W have no size",
        2: "H and W have no size",
        4: "W has no size",
        5: "H and W have no size",
    }
    assert set(found.shapes) == {1, 3}
    assert found.bytes_agree


def test_layers_that_were_not_read_are_not_checked() -> None:
    made = chain((1, 2, 6), {"op": "relu"}, {"op": "relu"}, {"op": "relu"})
    made.nodes[2].layer = Broken("conv", {})
    assert run_levels(made).not_checked == {2: "it could not be read", 3: "it could not be read"}


def test_a_circle_is_not_checked() -> None:
    made = chain((1, 2, 6), {"op": "relu"}, {"op": "relu"}, {"op": "relu"})
    made.nodes[1].inputs = (2,)
    assert run_levels(made).not_checked == dict.fromkeys((1, 2, 3), "l2 comes after it")
    made.order.remove(3)
    assert run_levels(made).not_checked[3] == "it reads itself, by way of other layers"


def test_a_layer_that_xla_refuses_is_found_among_many(monkeypatch: pytest.MonkeyPatch) -> None:
    real = compiling.Compiler._compile

    def refuse(self: compiling.Compiler, lowered: Any) -> Any:
        if "tanh" in lowered.as_text():
            raise RuntimeError("INTERNAL: no tanh today\nat /tmp/xla.cc:12")
        return real(self, lowered)

    monkeypatch.setattr(compiling.Compiler, "_compile", refuse)
    layers = [{"op": "relu"}] * 5 + [{"op": "tanh"}] + [{"op": "relu"}] * 3
    found = run_levels(chain((1, 2, 6), *layers))
    assert found.refused == {6: "RuntimeError: INTERNAL: no tanh today at /tmp/xla.cc:12"}
    assert set(found.shapes) == set(range(10)) - {6}
    assert found.bytes_agree


def test_an_option_that_xla_does_not_know_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "QUICK", {**compiling.QUICK, "xla_no_such_option": True})
    assert run_levels(tangled()).bytes_agree


def test_dtypes() -> None:
    made = network(("x", (2, 5), None), ("e", {"op": "embedding", "num_embeddings": 9, "embedding_dim": 4}, "x"))
    assert run_levels(made).shapes[1] == (2, 5, 4)
    before = jax.config.jax_enable_x64
    found = run_levels(chain((1, 2, 6), {"op": "batch_norm"}, dtype="float64"))
    assert found.bytes_expected == found.bytes_found == 8 * 12
    assert jax.config.jax_enable_x64 is before
    assert "knows no dtype" in run_levels(chain((1, 2, 6), {"op": "relu"}, dtype="float31"), "trace").refused[0]


def test_nothing_is_allocated() -> None:
    """Neither the weights (400 TB) nor the map (4 TB) would fit into any memory."""
    made = chain((1000, 1000000, 1000), {"op": "conv", "out_channels": 100000000, "kernel_size": 1}, {"op": "relu"})
    assert run_levels(made, "trace").shapes[2] == (1000, 100000000, 1000)
    assert run_levels(made, "lower").shapes[2] == (1000, 100000000, 1000)
