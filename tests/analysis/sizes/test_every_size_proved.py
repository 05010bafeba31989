"""The sets of valid sizes proved for all sizes up to infinity, by the integer set library, on a sample of networks."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import random_encoders
import random_networks
from every_size import load
from size_table import TABLE

from shapecheck.analysis.sizes.every_size import analyse

islpy = pytest.importorskip("islpy", reason="islpy, which proves sets equal for all sizes, is not installed")
isl_sets = pytest.importorskip("isl_sets")

BATCH = 60


def require_equal(text: str) -> str:
    network = load(text)
    analysis = analyse(network)
    found = analysis.dims["H"]
    assert found.status == "exact"
    proved = isl_sets.of_network(network, analysis.shapes)
    ours = isl_sets.of_set(found.set)
    difference = proved.subtract(ours).union(ours.subtract(proved))
    assert difference.is_empty(), f"{found.condition}, wrong at {difference.lexmin()}\n{text}"
    return found.condition


@pytest.mark.parametrize("first", range(0, 600, BATCH))
def test_random_encoders(first: int) -> None:
    conditions = {
        require_equal(random_encoders.any_network(random.Random(seed))) for seed in range(first, first + BATCH)
    }
    assert len(conditions) > BATCH // 4


def plain(make: Callable[[random.Random], str], seed: int) -> str | None:
    """Return a random network without the layers of which a set of one formula cannot speak."""
    text = make(random.Random(seed))
    return None if "op: slice" in text else text


@pytest.mark.parametrize("first", range(0, 600, BATCH))
def test_random_networks(first: int) -> None:
    texts = [text for seed in range(first, first + BATCH) if (text := plain(random_networks.network, seed)) is not None]
    assert len(texts) > BATCH // 2
    for text in texts:
        require_equal(text)


@pytest.mark.parametrize("name", [name for name in TABLE if not any(word in name for word in ("thousand", "sixty"))])
def test_the_table_of_the_design_page(name: str) -> None:
    text, condition, _ = TABLE[name]
    if "blocks:" not in text:
        assert require_equal(text) == condition


def test_the_library_would_see_a_wrong_set() -> None:
    text, _, _ = TABLE["conv s3, conv s5 and back"]
    network = load(text)
    proved = isl_sets.of_network(network, analyse(network).shapes)
    assert proved.is_equal(islpy.Set("{ [n] : n >= 1 and (n mod 15 = 0 or n mod 15 >= 13) }"))
    assert not proved.is_equal(islpy.Set("{ [n] : n >= 1 and n mod 15 = 0 }"))
