"""Speed of the analysis of every size, beside a check of the same network."""

import random
from pathlib import Path

import hard_networks
import measure
import pytest
from amounts import sampled

from shapecheck import api, pipeline
from shapecheck.analysis.sizes.every_size import analyse
from shapecheck.findings.checked import Settings
from shapecheck.findings.limits import DEFAULT_LIMITS

EXAMPLES = sorted((measure.ROOT / "examples").glob("*.net.yaml"))
HEAD = "shapecheck: 1\ninputs: {x: [1, 4, H]}\ndims: {H: 4096}\n"


def chain(layers: int) -> str:
    """Return layers that go down by 2 and up by 2, by turns, and are joined with the input in the end."""
    return HEAD + (
        "blocks:\n  wave: {layers: [{op: conv, out_channels: 4, kernel_size: 2, stride: 2},"
        " {op: upsample, scale_factor: 2}]}\n"
        f"layers:\n  - {{name: waves, block: wave, repeat: {layers // 2}}}\n  - {{op: add, from: [x, waves]}}\n"
    )


@pytest.mark.parametrize("path", sampled(EXAMPLES, 8), ids=lambda path: path.name.partition(".")[0])
def test_the_sizes_of_an_example_take_no_longer_than_its_check(path: Path) -> None:
    """A check asks for the sizes too; the rest of it is to be the larger part, or nearly."""
    text = path.read_text(encoding="utf-8")
    network = api.load(path)
    assert (
        measure.least_ratio(
            lambda: measure.calls(lambda: analyse(network), lambda: pipeline.check(text, Settings(str(path))), runs=3)
        )
        < 1.2
    )


def test_a_chain_of_a_thousand_layers_takes_at_most_fifty_times_as_long_as_one_of_twenty() -> None:
    short, long = api.loads(chain(20)), api.loads(chain(1_000))
    for network in (short, long):
        assert analyse(network).dims["H"].condition == "H % 2 == 0"
    assert measure.least_ratio(lambda: measure.calls(lambda: analyse(long), lambda: analyse(short))) < 50


def test_a_tower_of_sixty_four_levels_is_a_matter_of_milliseconds() -> None:
    text = HEAD + (
        "blocks:\n  level:\n    params: {depth: null}\n    layers:\n"
        "      - {name: p, op: max_pool, kernel_size: 2}\n"
        "      - {name: b, block: level, when: =depth > 1, with: {depth: =depth - 1}}\n"
        "      - {name: u, op: upsample, scale_factor: 2}\n"
        "      - {op: concat, from: [input, u]}\n"
        "layers:\n  - {name: u, block: level, with: {depth: 64}}\n"
    )
    network = api.loads(text)
    assert analyse(network).dims["H"].set.periodic.period == 2**64
    # Against reading the file, of which nothing is remembered from one time to the next, as windows of propagation are.
    assert measure.least_ratio(lambda: measure.calls(lambda: analyse(network), lambda: api.loads(text), runs=5)) < 15


@pytest.mark.slow
def test_hard_formulas_end_within_the_budget() -> None:
    """What is too hard costs no more than what is just not: the work is bounded, whatever the network asks for."""
    times = []
    for variables in (8, 12, 20):
        clauses = hard_networks.random_clauses(random.Random(variables), variables, 4 * variables)
        network = api.loads(hard_networks.network(variables, clauses))
        times += measure.calls(lambda network=network: analyse(network), runs=1)
    solved, hard, harder = times
    assert hard < 40 * solved
    assert harder < 4 * hard


@pytest.mark.slow
def test_what_is_no_normal_form_ends_within_the_budget() -> None:
    def out_of_form(blocks: int) -> str:
        return HEAD + (
            "blocks:\n  wave:\n    layers:\n"
            "      - {op: conv, out_channels: 4, kernel_size: 2, stride: 2}\n"
            "      - {op: upsample, scale_factor: 3}\n"
            "      - {op: conv, out_channels: 4, kernel_size: 5, stride: 5, padding: 2}\n"
            "      - {op: upsample, scale_factor: 4}\n"
            f"layers:\n  - {{name: w, block: wave, repeat: {blocks}}}\n"
        )

    assert DEFAULT_LIMITS.layers > 4 * 2_000
    deep, deeper = api.loads(out_of_form(160)), api.loads(out_of_form(1_600))
    ours, theirs = measure.calls(lambda: analyse(deeper), lambda: analyse(deep), runs=1)
    assert ours < 10 * theirs
