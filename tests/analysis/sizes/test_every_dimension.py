"""Several dimensions, every op, sizes tried one by one: what is called working works, and no cause is false.

What works is found by reading the file again with the size as a number, and computing its shapes in numbers.
"""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest
import random_dimensions
from amounts import sampled, thorough
from every_assignment import works

from shapecheck import api
from shapecheck.analysis.propagation import propagate
from shapecheck.analysis.sizes.dimension_sizes import UndecidedSize
from shapecheck.analysis.sizes.every_size import Sizes, SizesAnalysis, analyse
from shapecheck.findings.finding import NetworkError

BATCH = 20
HEAD = "shapecheck: 1\n"


def works_at(text: str, **sizes: int) -> bool:
    """Read a network with numbers for its dimensions and say whether it works: nothing here is symbolic."""
    try:
        network = api.loads(text, **sizes)
    except NetworkError:
        return False
    return works(propagate(network))


def require_true(text: str, name: str, found: Sizes, asked: range) -> str:
    """Compare what is said of one dimension with trying every size; return what kind of answer it is."""
    right = {n for n in asked if works_at(text, **{name: n})}
    assert all(found.accepts(n) in (None, n in right) for n in asked), (name, found.condition, text)
    listed = [n for n in (*found.examples(6), *found.nearest(found.given or 1)) if n is not None]
    assert all(works_at(text, **{name: n}) for n in listed), (name, listed, text)
    if found.elsewhere:
        assert not right and not listed, (name, sorted(right)[:5], text)
        return "elsewhere"
    if found.unresolved:
        assert found.status == "partial"
        # Nothing that was found contradicts the network.
        assert not any("works, though" in reason or "does not work" in reason for reason in found.unresolved), text
        return "partial"
    assert {n for n in asked if n in found} == right, (name, found.condition, text)
    causes = {n for n in asked if all(n in cause.allows for cause in found.causes)}
    assert causes == right, (name, [(c.layer, c.allows.condition) for c in found.causes], text)
    kinds = {"every": found.set.every, "empty": found.set.empty, "bounded": found.set.bounded_above}
    return next((kind for kind, it_is in kinds.items() if it_is), "periodic")


@pytest.mark.parametrize("first", sampled(range(0, 240, BATCH), 3))
def test_random_networks_of_several_dimensions(first: int) -> None:
    kinds: Counter[str] = Counter()
    for seed in range(first, first + BATCH):
        text, dims = random_dimensions.network(random.Random(seed))
        analysis = analyse(api.loads(text))
        for name in dims:
            kinds[require_true(text, name, analysis.dims[name], range(1, 601 if thorough() else 50))] += 1
    assert kinds["periodic"] and kinds["bounded"], kinds
    assert kinds["partial"] <= kinds.total() // 5, kinds


@pytest.mark.parametrize("first", sampled(range(5_000, 7_000, 200), 5))
def test_where_check_passes_the_given_sizes_are_in_their_sets(first: int) -> None:
    passed = 0
    for seed in range(first, first + 200):
        text, dims = random_dimensions.network(random.Random(seed))
        network = api.loads(text)
        report = api.check(network)
        if any(finding.code == "SC503" for finding in report.diagnostics):
            assert not works_at(text), text
        if report.errors:
            continue
        passed += 1
        for name, found in api.sizes(network).items():
            assert found.accepts(dims[name]) is True and dims[name] in found, (name, found.condition, text)
    assert passed > 100


def sizes(text: str) -> SizesAnalysis:
    return analyse(api.loads(text))


TILED = HEAD + (
    "inputs: {x: [1, 8, S, S]}\ndims: {S: 14}\nlayers:\n"
    '  - {name: r, op: reshape, shape: [1, 8, "=S // 7", 7, "=S // 7", 7]}\n'
)
OTHER = HEAD + (
    "inputs: {x: [N, 4, H, W]}\ndims: {N: 3, H: 4, W: 4}\nlayers:\n  - {op: slice, axis: 2, stop: 7}\n"
    "  - {op: flatten}\n  - {name: fc, op: linear, in_features: 64, out_features: 3}\n"
)
GATE = HEAD + (
    "inputs: {map: [1, 8, H], gate: [1, 8, G]}\ndims: {H: 40, G: 1}\nlayers:\n"
    "  - {name: m, op: multiply, from: [map, gate], broadcast: true}\n"
)
TIED = HEAD + (
    "inputs: {x: [1, 8, S, S]}\ndims: {S: 16}\nlayers:\n"
    "  - {op: conv, out_channels: 4, kernel_size: 3, stride: 2, padding: 1}\n"
    "  - {op: flatten}\n  - {name: fc, op: linear, in_features: 256, out_features: 3}\n"
)
HEADS = HEAD + (
    "inputs: {x: [N, 8, H, W]}\ndims: {N: 2, H: 6, W: 8}\nlayers:\n  - {op: flatten}\n"
    "  - {name: r, op: reshape, shape: [N, 32, 4, -1]}\n"
)
WINDOWS = HEAD + (
    "inputs: {x: [1, 3, S, S]}\ndims: {S: 192}\nlayers:\n"
    "  - {name: patches, op: conv, out_channels: 8, kernel_size: 16, stride: 16}\n"
    '  - {name: windows, op: reshape, shape: [1, 8, "=S // 192", 12, "=S // 192", 12]}\n'
)
SHORT = HEAD + 'inputs: {x: [1, 4, "=H - 32"]}\ndims: {H: 64}\nlayers:\n  - {name: s, op: slice, axis: 2, stop: 9}\n'


def cut(expect: str) -> str:
    return HEAD + (
        "inputs: {x: [1, 4, H]}\ndims: {H: 64}\nlayers:\n"
        f'  - {{name: s, op: slice, axis: 2, stop: 32, expect: [1, 4, "={expect}"]}}\n'
    )


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        (TILED, {"S": "S % 7 == 0"}),
        (OTHER, {"N": "every N >= 1", "H": "H == 4", "W": "W == 4"}),
        (GATE, {"H": "every H >= 1", "G": "G in {1, 40}"}),
        (TIED, {"S": "15 <= S <= 16"}),
        (HEADS, {"N": "every N >= 1", "H": "H % 2 == 0", "W": "W % 8 == 0"}),
        (WINDOWS, {"S": "S >= 192 and S % 192 in {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}"}),
        (SHORT, {"H": "H >= 33"}),
        (cut("min(H, 32)"), {"H": "every H >= 1"}),
        (cut("max(H, 32)"), {"H": "H == 32"}),
        (cut("H if H < 32 else 32"), {"H": "every H >= 1"}),
        (cut("H if H < 30 else 32"), {"H": "every H >= 1 except 30, 31"}),
    ],
)
def test_what_was_said_wrongly_or_not_at_all(text: str, conditions: dict[str, str]) -> None:
    analysis = sizes(text)
    assert {name: found.condition for name, found in analysis.dims.items()} == conditions
    for name, found in analysis.dims.items():
        assert found.status == "exact"
        require_true(text, name, found, range(1, 260))


def test_a_formula_that_holds_from_some_size_on_says_so() -> None:
    analysis = sizes(OTHER)
    (cause,) = analysis.dims["H"].causes
    assert (cause.layer, cause.allows.condition) == ("fc", "H == 4")
    assert cause.sentence.endswith(", from H = 7 on")
    (coupling,) = sizes(GATE).couplings
    assert coupling.sentence() == "m: H == G, where H >= 2 and G >= 2"


def test_what_fails_whatever_the_size_is_is_said_apart() -> None:
    text = HEAD + (
        "inputs: {x: [1, 4, H, W]}\ndims: {H: 64, W: 33}\nlayers:\n  - {op: max_pool, kernel_size: 2}\n"
        "  - {name: u, op: upsample, scale_factor: 2}\n  - {name: l3, op: concat, from: [x, u]}\n"
    )
    found = sizes(text).dims["H"]
    (fault,) = found.elsewhere
    assert (fault.layer, fault.because) == ("l3", {"W": 33})
    assert fault.sentence("H") == "fails at every H: l3, because W = 33: inputs differ on W (axis 3): 33 and 32"
    assert found.condition == "H % 2 == 0"
    assert found.nearest(64) == (None, None) and found.examples(3) == []
    assert not any(found.accepts(n) for n in range(1, 99))
    assert not sizes(text).dims["W"].elsewhere


def test_a_size_that_is_not_known_is_neither_in_the_set_nor_outside() -> None:
    text = HEAD + (
        "inputs: {x: [1, 4, H], y: [1, 4, T]}\ndims: {H: 8}\nlayers:\n  - {name: j, op: add, from: [x, y]}\n"
    )
    found = sizes(text).dims["H"]
    assert found.status == "partial"
    assert found.accepts(8) is None and found.accepts(0) is False
    with pytest.raises(UndecidedSize, match=re.escape("whether H = 8 works was not decided")):
        assert 8 in found


def test_a_set_that_is_known_in_part_answers_by_trying() -> None:
    text = HEAD + (
        'inputs: {x: [1, 8, H]}\ndims: {H: 14}\nlayers:\n  - {name: r, op: reshape, shape: [1, "=H // 2 - 6", -1]}\n'
    )
    found = sizes(text).dims["H"]
    require_true(text, "H", found, range(1, 200))


@pytest.mark.parametrize("entry", ["=H // 2 - 8", "=r - 1 + 1"])
def test_arithmetic_is_not_the_word_for_what_remains(entry: str) -> None:
    head = HEAD + "params: {r: -1}\ninputs: {x: [1, 8, H]}\ndims: {H: 14}\nlayers:\n"
    with pytest.raises(NetworkError, match="expected a whole number of at least 1, found -1"):
        api.loads(f'{head}  - {{op: reshape, shape: [1, 8, "{entry}"]}}\n')
    assert api.check(api.loads(f"{head}  - {{op: reshape, shape: [1, 8, =r]}}\n")).ok


@pytest.mark.parametrize("declared", [True, False])
def test_a_dimension_that_stands_in_arithmetic_alone_is_one(declared: bool) -> None:
    dims = "dims: {N: 2, H: {size: 64, accepts: {min: 8}}}\n" if declared else ""
    text = HEAD + f'inputs: {{x: [N, 4, "=H // 8"]}}\n{dims}layers:\n  - {{name: p, op: max_pool, kernel_size: 2}}\n'
    network = api.loads(text)
    assert list(network.dims) == ["N", "H"]
    assert api.sizes(network)["H"].condition == "H >= 16"
    codes = [finding.code for finding in api.check(network).diagnostics if finding.code.startswith("SC50")]
    assert codes == (["SC501"] if declared else ["SC507"])
    assert propagate(api.loads(text, N=1, H=64))["p"].output == (1, 4, 4)


def test_what_the_file_splits_over_devices_has_to_divide() -> None:
    text = HEAD + (
        "inputs: {x: [N, 4]}\ndims: {N: 8}\nsharding: {mesh: {data: 4}, dims: {N: data}}\n"
        "layers:\n  - {op: linear, out_features: 3}\n"
    )
    assert api.check(api.loads(text)).ok and not api.check(api.loads(text, N=6)).ok
    assert sizes(text).dims["N"].condition == "N % 4 == 0"


def test_a_pair_of_other_ranks_works_at_no_size() -> None:
    text = HEAD + (
        "inputs: {x: [1, 4, H, 6]}\ndims: {H: 8}\nlayers:\n  - {name: e, op: relu}\n"
        "  - {name: r, op: reshape, shape: [1, 4, -1]}\n  - {name: d, op: relu}\nsymmetry: {d: e}\n"
    )
    assert not api.check(api.loads(text)).ok
    assert not any(sizes(text).dims["H"].accepts(n) for n in range(1, 50))
