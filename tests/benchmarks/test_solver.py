"""Speed of the solver of open transposed layers, beside one propagation of the same network."""

import measure
import pytest
from amounts import sampled

from shapecheck import api, pipeline
from shapecheck.analysis.propagation import propagate
from shapecheck.analysis.transposed.ambiguity import resolve
from shapecheck.findings.checked import Settings

DEPTHS = [4, 16, 64]


def decoder(depth: int, stride: int, skips: bool) -> str:
    """Return an encoder and its mirror, every transposed layer of which leaves its size open, on two axes."""
    size = 3 * stride**depth + 1
    lines = [f"shapecheck: 1\ninputs: {{x: [1, 1, {size}, {size + 7}]}}\nlayers:"]
    keys = f"out_channels: 1, kernel_size: {stride}, stride: {stride}, padding: {stride // 2}"
    lines += [f"  - {{name: e{n}, op: conv, {keys}}}" for n in range(depth)]
    for n in reversed(range(depth)):
        lines.append(f"  - {{name: d{n}, op: conv_transpose, {keys}}}")
        if skips:
            lines.append(f"  - {{name: j{n}, op: add, from: [{f'e{n - 1}' if n else 'x'}, d{n}]}}")
    lines.append(f"outputs: {{y: {{from: {'j0' if skips else 'd0'}, same_shape_as: x}}}}")
    return "\n".join(lines) + "\n"


def ratio(text: str) -> float:
    network = api.loads(text)
    shapes = propagate(network)
    ambiguity = resolve(shapes)
    assert ambiguity is not None and len(ambiguity.layers) == text.count("conv_transpose")
    assert not ambiguity.shapes.troubles
    assert all(axis.status == "unique" for verdict in ambiguity.layers for axis in verdict.axes)
    ours, theirs = measure.calls(lambda: resolve(shapes), lambda: propagate(network), runs=5)
    return ours / theirs


@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("depth", sampled(DEPTHS, 3))
def test_a_decoder_is_solved_in_the_time_of_some_propagations(depth: int, skips: bool) -> None:
    """Sixty-four layers of four sizes each, on two axes: milliseconds."""
    assert ratio(decoder(depth, 4, skips)) < 100


def test_time_grows_with_the_depth_and_hardly_faster() -> None:
    seconds = []
    for depth in DEPTHS:
        shapes = propagate(api.loads(decoder(depth, 4, True)))
        seconds += measure.calls(lambda shapes=shapes: resolve(shapes), runs=5)
    assert measure.exponent(DEPTHS, seconds) < 2.2


def test_a_check_of_an_open_decoder_is_no_matter_of_seconds() -> None:
    """All that check says of the layers, beside the same network with nothing open."""
    open_text = decoder(32, 4, True)
    closed = open_text.replace("name: d", "output_size: 1, name: d")
    ours, theirs = measure.calls(
        lambda: pipeline.check(open_text, Settings("open.net.yaml")),
        lambda: pipeline.check(closed, Settings("closed.net.yaml")),
    )
    assert ours < 30 * theirs
