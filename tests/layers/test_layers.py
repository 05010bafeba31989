"""What layers say of single cases that no table of random ones is sure to hold."""

from __future__ import annotations

import pytest
from one_layer import RESULT, Answer, ask, layer, text
from random_layers import made

from shapecheck.arithmetic.symbolic import Symbolic
from shapecheck.layers import Context, Problem


def one(op: str, shape: list[int] | list[list[int]], **keys: object) -> Answer:
    """Ask about one layer; several shapes are several inputs."""
    shapes = shape if isinstance(shape[0], list) else [shape]
    inputs = {f"x{index}": s for index, s in enumerate(shapes)}
    return ask(text(inputs, [layer(op, keys, RESULT, list(inputs))]))


def message(answer: Answer) -> str:
    (error,) = answer.report.errors
    return error.message


def test_squeezing_the_only_axis_is_refused() -> None:
    answer = one("squeeze", [1], axis=0)
    assert answer.errors == ("SC201",)
    assert "leaves no shape" in message(answer)
    assert one("squeeze", [1, 1], axis=0).shape == [1]


@pytest.mark.parametrize("keep_dims", [True, False])
def test_reducing_an_axis_twice_is_refused(keep_dims: bool) -> None:
    answer = one("reduce", [2, 3, 4], kind="sum", axes=[1, -2], keep_dims=keep_dims)
    assert answer.errors == ("SC215",)
    assert "[1, -2] names an axis of [2, 3, 4] twice" in message(answer)


@pytest.mark.parametrize(
    ("padding", "refused"), [("same", True), ("same_lower", True), ("half", True), ("valid", False)]
)
def test_reflecting_needs_more_input_than_padding_whatever_its_word(padding: str, refused: bool) -> None:
    answer = one(
        "conv", [1, 1, 3], out_channels=1, kernel_size=7 if refused else 3, padding=padding, padding_mode="reflect"
    )
    assert answer.errors == (("SC216",) if refused else ())
    assert not refused or "padding of 3 on L needs an input of at least 4, but it has 3" in message(answer)
    wider = one(
        "conv", [1, 1, 4], out_channels=1, kernel_size=7 if refused else 3, padding=padding, padding_mode="reflect"
    )
    assert wider.errors == ()


def test_same_padding_that_is_reflected_follows_the_stride() -> None:
    """With a stride the padding shrinks: 6 elements at stride 3, kernel 4 are padded by 1 in all."""
    keys = {"out_channels": 1, "kernel_size": 4, "stride": 3, "padding": "same", "padding_mode": "reflect"}
    assert one("conv", [1, 1, 2], **keys).errors == ()
    assert one("conv", [1, 1, 1], **keys).errors == ("SC216",)


@pytest.mark.parametrize("mode", ["reflect", "circular"])
@pytest.mark.parametrize(("k", "s"), [(4, 1), (4, 2), (7, 3), (5, 4), (9, 2), (2, 3), (3, 5)])
def test_same_padding_of_an_unknown_size_asks_what_it_takes(mode: str, k: int, s: int) -> None:
    """What is asked of W holds for the very sizes that are not refused when they are known."""
    conv = made("conv", out_channels=1, kernel_size=k, stride=s, padding="same", padding_mode=mode)
    context = Context(((1, 1, Symbolic.of("W")),))
    conv.output(context)
    for size in range(1, 30):
        asked = all(isinstance(q.left, Symbolic) and q.left.at({"W": size}) >= q.right for q in context.undecided)
        try:
            conv.output(Context(((1, 1, size),)))
            assert asked, size
        except Problem:
            assert not asked, size


def test_a_broadcast_mismatch_names_the_two_sizes_that_differ() -> None:
    answer = one("add", [[1, 1], [1, 3], [1, 5]], broadcast=True)
    assert answer.errors == ("SC208",)
    assert "3 and 5" in message(answer)


def test_an_axis_of_size_one_is_not_stretched_unasked() -> None:
    answer = one("add", [[2, 1], [2, 3]])
    assert answer.errors == ("SC208",)
    assert answer.report.diagnostics[0].help == "an axis of size 1 is not stretched unless you say so"
    assert one("add", [[2, 1], [2, 3]], broadcast=True).shape == [2, 3]


@pytest.mark.parametrize(
    ("op", "keys"),
    [
        ("adaptive_avg_pool", "output_size: =H - 5"),
        ("adaptive_max_pool", "output_size: [=H - 5]"),
        ("upsample", "size: =H - 5"),
        ("conv_transpose", "out_channels: 1, kernel_size: 3, padding: 1, stride: 1, output_size: =H - 0"),
    ],
)
def test_a_size_that_is_asked_for_is_at_least_one_for_every_input(op: str, keys: str) -> None:
    """While H has no size the question stays open, and is no silent yes."""
    source = f"shapecheck: 1\ninputs: {{x: [1, 3, H]}}\nlayers:\n  - {{name: {RESULT}, op: {op}, {keys}}}\n"
    report = ask(source).report
    assert report.shapes is not None
    open_questions = [str(question) for question in report.shapes.undecided]
    assert any("H - 5 >= 1" in question for question in open_questions) == ("H - 5" in keys)
    refused = ask(source.replace("=H - 5", "=-H"))
    assert refused.errors == (("SC203",) if "H - 5" in keys else ())


@pytest.mark.parametrize(
    ("op", "shape", "keys", "parameters", "multiply_adds"),
    [
        ("linear", [2, 7, 3], {"out_features": 5}, 3 * 5 + 5, 2 * 7 * 5 * 3),
        ("linear", [2, 7, 3], {"out_features": 5, "bias": False}, 3 * 5, 2 * 7 * 5 * 3),
        ("conv", [2, 4, 6], {"out_channels": 6, "kernel_size": 3}, 6 * 4 * 3 + 6, 2 * 6 * 4 * 4 * 3),
        ("conv", [2, 4, 6], {"out_channels": 6, "kernel_size": 3, "groups": 2}, 6 * 2 * 3 + 6, 2 * 6 * 4 * 2 * 3),
        (
            "conv",
            [1, 4, 6, 6],
            {"out_channels": 8, "kernel_size": [3, 1], "groups": "depthwise"},
            8 * 3 + 8,
            8 * 24 * 3,
        ),
        ("conv", [1, 1, 9], {"out_channels": 1, "kernel_size": 3, "dilation": 4, "bias": False}, 3, 3),
        ("conv_transpose", [2, 4, 5], {"out_channels": 6, "kernel_size": 3}, 4 * 6 * 3 + 6, 2 * 4 * 5 * 6 * 3),
        (
            "conv_transpose",
            [2, 4, 5],
            {"out_channels": 6, "kernel_size": 3, "groups": 2, "bias": False},
            4 * 3 * 3,
            2 * 4 * 5 * 3 * 3,
        ),
        (
            "conv_transpose",
            [1, 4, 5],
            {"out_channels": 8, "kernel_size": 3, "groups": "depthwise"},
            4 * 2 * 3 + 8,
            4 * 5 * 2 * 3,
        ),
        ("attention", [2, 5, 8], {"num_heads": 2}, 4 * 64 + 4 * 8, 2 * 5 * 4 * 64 + 2 * 2 * 25 * 8),
        ("attention", [2, 5, 8], {"num_heads": 2, "bias": False}, 4 * 64, 2 * 5 * 4 * 64 + 2 * 2 * 25 * 8),
        ("embedding", [2, 5], {"num_embeddings": 10, "embedding_dim": 4}, 40, 0),
        ("prelu", [2, 5, 3], {}, 1, 0),
        ("prelu", [2, 5, 3], {"num_parameters": 5}, 5, 0),
        ("batch_norm", [2, 5, 3], {}, 10, 0),
        ("batch_norm", [2, 5, 3], {"affine": False}, 0, 0),
        ("instance_norm", [2, 5, 3], {}, 0, 0),
        ("instance_norm", [2, 5, 3], {"affine": True}, 10, 0),
        ("layer_norm", [2, 5, 3], {}, 6, 0),
        ("layer_norm", [2, 5, 3], {"axis": 1}, 10, 0),
        ("group_norm", [2, 6, 3], {"num_groups": 3}, 12, 0),
        ("local_response_norm", [2, 6, 3], {}, 0, 0),
        ("max_pool", [2, 6, 8], {"kernel_size": 2}, 0, 0),
        ("relu", [2, 6], {}, 0, 0),
    ],
)
def test_cost(op: str, shape: list[int], keys: dict[str, object], parameters: int, multiply_adds: int) -> None:
    answer = one(op, shape, **keys)
    assert (answer.parameters, answer.multiply_adds) == (parameters, multiply_adds)


def test_cost_of_a_transposed_layer_that_takes_its_keys_from_another() -> None:
    lines = [
        layer("conv", {"out_channels": 6, "kernel_size": 3, "stride": 2, "bias": False}, "there", "x"),
        layer("conv_transpose", {"transpose_of": "there"}, RESULT),
    ]
    answer = ask(text({"x": [1, 4, 10]}, lines))
    assert answer.shape == [1, 4, 10]
    # The kernel is the conv's, the channels are swapped: 6·4·3 and a bias for each of 4.
    assert answer.parameters == 2 * (6 * 4 * 3) + 4
    assert answer.multiply_adds == 2 * (6 * 4 * 4 * 3)


@pytest.mark.parametrize("op", ["conv_transpose", "max_unpool"])
def test_an_output_size_is_one_of_s_in_a_row(op: str) -> None:
    """i′ = 4, k = 3, s = 3: 3·3 + 3 = 12 to 14."""
    keys = {"out_channels": 1} if op == "conv_transpose" else {}
    for size in range(9, 18):
        answer = one(op, [1, 1, 4], kernel_size=3, stride=3, output_size=size, **keys)
        assert (answer.shape, answer.errors) == (([1, 1, size], ()) if 12 <= size <= 14 else (None, ("SC304",))), size


@pytest.mark.parametrize(("op", "legal"), [("conv_transpose", 3), ("max_unpool", 2)])
def test_output_padding_is_smaller_than_stride_or_dilation(op: str, legal: int) -> None:
    keys = {"out_channels": 1, "dilation": 3} if op == "conv_transpose" else {}
    for a in range(6):
        answer = one(op, [1, 1, 4], kernel_size=2, stride=2, output_padding=a, **keys)
        assert bool(answer.errors) == (a >= legal), a


@pytest.mark.parametrize("op", ["conv_transpose", "max_unpool"])
@pytest.mark.parametrize(
    ("keys", "axes"),
    [
        ({"stride": [1, 2]}, (1,)),
        ({"stride": [2, 3]}, (0, 1)),
        ({"stride": 1}, ()),
        ({"stride": 2, "output_padding": 0}, ()),
        ({"stride": 2, "output_size": 9}, ()),
    ],
)
def test_axes_whose_size_nothing_says(op: str, keys: dict[str, object], axes: tuple[int, ...]) -> None:
    given = {"out_channels": 1} if op == "conv_transpose" else {}
    answer = one(op, [1, 1, 4, 4], kernel_size=3, **keys, **given)
    assert answer.shape is not None
    network, shapes = answer.report.network, answer.report.shapes
    assert network is not None
    assert shapes is not None
    (node,) = network.layers
    context = shapes.context(node)
    assert node.layer is not None
    assert context is not None
    assert node.layer.ambiguous_axes(context) == axes


@pytest.mark.parametrize(("key", "value"), [("output_padding", 2), ("output_size", 20)])
def test_a_size_out_of_reach_is_told_at_the_key_that_asks_for_it(key: str, value: int) -> None:
    source = text({"x": [1, 1, 4]}, [layer("max_unpool", {"kernel_size": 2, key: value}, RESULT)])
    (found,) = [d for d in ask(source).report.diagnostics if d.code == "SC304"]
    line = source.splitlines()[found.span.start.line - 1]
    assert line[: found.span.start.column - 1].endswith(f"{key}: ")


def test_unpooling_has_the_window_of_the_pooling_that_it_undoes() -> None:
    by_keys = ask(text({"x": [1, 1, 4]}, [layer("max_unpool", {"kernel_size": 3, "stride": 2, "padding": 1}, RESULT)]))
    pool = layer("max_pool", {"kernel_size": 3, "stride": 2, "padding": 1}, "there")
    by_name = ask(text({"x": [1, 1, 8]}, [pool, layer("max_unpool", {"pool": "there"}, RESULT)]))
    windows = []
    for answer in (by_keys, by_name):
        assert answer.report.network is not None
        assert answer.report.shapes is not None
        windows += answer.report.shapes.windows(answer.report.network.layers[-1])
    fields = ("form", "i", "k", "s", "before", "after", "d")
    assert [getattr(windows[0], name) for name in fields] == [getattr(windows[1], name) for name in fields]
    assert (windows[0].o, windows[0].a, windows[1].o, windows[1].a) == (7, 0, 8, 1)
