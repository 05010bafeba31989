"""What is said of open layers, against plain propagation with every combination of every open a."""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from typing import Any, NamedTuple

import open_decoders
import pytest
from amounts import sampled
from texts import check_text

from shapecheck import api
from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.analysis.transposed import combinations
from shapecheck.findings.finding import Finding
from shapecheck.graph.network import Network

BATCH = 25
CHOICE = "nothing in the network depends on it, so the choice is yours"
Values = tuple[int, ...]


class Truth(NamedTuple):
    """Every combination of a by layer and axis: which rules are broken with it, and at which nodes."""

    unknowns: list[tuple[int, int]]
    strides: list[int]
    broken: dict[Values, frozenset[int]]
    behind: dict[int, set[int]]

    @property
    def working(self) -> set[Values]:
        return {values for values, found in self.broken.items() if not found}

    def better(self) -> set[Values]:
        """Return the combinations that break only what every combination breaks."""
        always = frozenset.intersection(*self.broken.values())
        return {values for values, found in self.broken.items() if found <= always}


def truth_of(network: Network) -> Truth | None:
    shapes = propagate(network)
    unknowns, strides = [], []
    for node in network.layers:
        if node.op in ("conv_transpose", "max_unpool"):
            if shapes.outputs[node.index] is None:
                return None
            for place, w in enumerate(shapes.windows(node)):
                if w.s > 1:
                    unknowns.append((node.index, place))
                    strides.append(w.s)
    broken = {}
    for values in itertools.product(*map(range, strides)):
        broken[values] = frozenset(t.node for t in tried(network, unknowns, values).troubles)
    behind = {index: readers(network, index) for index, _ in unknowns}
    return Truth(unknowns, strides, broken, behind)


def tried(network: Network, unknowns: list[tuple[int, int]], values: Values) -> Shapes:
    padding: dict[int, dict[int, int]] = {}
    for (index, place), a in zip(unknowns, values, strict=True):
        padding.setdefault(index, {})[place] = a
    layers: dict[int, Any] = {}
    for index, by_place in padding.items():
        layer = network.nodes[index].layer
        assert layer is not None
        layers[index] = layer.with_keys(output_padding=tuple(a for _, a in sorted(by_place.items())))
    return propagate(network, layers)


def readers(network: Network, index: int) -> set[int]:
    found = {index}
    for at in network.order:
        if found.intersection(network.nodes[at].inputs):
            found.add(at)
    return found


def said(findings: list[Finding], layer: str) -> str:
    messages = [finding.message for finding in findings if finding.layer == layer]
    assert len(messages) <= 1
    return "".join(messages)


def require_true(text: str) -> Counter[str]:
    """Compare what is said of each open layer with all combinations."""
    network = api.loads(text)
    truth = truth_of(network)
    if truth is None:
        return Counter({"no size at all": 1})
    every = list(check_text(text, "x").diagnostics)
    findings = [d for d in every if d.rule.name == "ambiguous-transposed-size"]
    zero = (0,) * len(truth.unknowns)
    errors = [d for d in findings if d.severity == "error"]
    seen: Counter[str] = Counter()
    if truth.broken[zero] and truth.working:
        assert errors, "a = 0 breaks the network, another a does not, and nobody says so"
        places = " ".join(r.message for d in errors for r in d.related)
        names = {network.nodes[index].name for index in truth.broken[zero]}
        assert any(name in places for name in names), "nothing says what breaks"
        seen["broken by 0"] += 1
    elif not truth.broken[zero]:
        assert not errors, "a = 0 works"
    else:
        assert any(d.severity == "error" for d in every)
    for index in dict.fromkeys(index for index, _ in truth.unknowns):
        seen += require_true_of(truth, network, index, said(findings, network.nodes[index].name))
    return seen


def require_true_of(truth: Truth, network: Network, index: int, message: str) -> Counter[str]:
    at = [i for i, (node, _) in enumerate(truth.unknowns) if node == index]
    names = ["L"] if len(at) == 1 else ["H", "W"]
    better = truth.better()
    free = [names[j] for j, i in enumerate(at) if closed(truth, better, i) or (not better and idle(truth, i))]
    clear = not any(found & truth.behind[index] for found in truth.broken.values() if found <= min_broken(truth))
    by_name = {name: sorted({values[i] for values in better}) for name, i in zip(names, at, strict=True)}
    if CHOICE in message:
        claimed = re.search(r"sizes open on (\S+(?: and \S+)?),", message)
        assert claimed is not None
        assert set(claimed[1].split(" and ")) <= set(free)
        assert not min_broken(truth) & truth.behind[index], "beside another mistake"
        return Counter({"free": 1})
    if "not decided" in message:
        return Counter({"undecided": 1})
    if "none of them meets" in message:
        assert not truth.working
        return Counter({"none": 1})
    for part in re.finditer(r"a = (\d+(?:(?:, \d+)* or \d+)?) on ((?:[HWL] and )?[HWL]) \(size", message):
        for name in part[2].split(" and "):
            assert [int(n) for n in re.findall(r"\d+", part[1])] == by_name[name], (name, by_name)
    if "but the network demands a = [" in message:
        claimed_vectors = {tuple(map(int, re.findall(r"\d", one))) for one in re.findall(r"\[[\d, ]+\]", message)}
        vectors = {tuple(values[i] for i in at) for values in better}
        assert claimed_vectors == vectors and (0,) * len(at) not in vectors
        return Counter({"together": 1})
    if "together does not fit" in message:
        return Counter({"with others": 1})
    if "all fit" in message:
        return Counter({"several": 1})
    if "the network demands" in message:
        return Counter({"demanded": 1})
    assert message == ""
    if truth.working and clear:
        # Of that which fits alone nothing is said.
        assert all(by_name[name] == [0] for name in names), by_name
    return Counter({"silent": 1})


def min_broken(truth: Truth) -> frozenset[int]:
    return frozenset.intersection(*truth.broken.values())


def idle(truth: Truth, i: int) -> bool:
    """Say whether the same is broken whatever one a is."""
    return all(
        truth.broken[(*values[:i], a, *values[i + 1 :])] == found
        for values, found in truth.broken.items()
        for a in range(truth.strides[i])
    )


def closed(truth: Truth, working: set[Values], i: int) -> bool:
    return bool(working) and all(
        (*values[:i], a, *values[i + 1 :]) in working for values in working for a in range(truth.strides[i])
    )


@pytest.mark.parametrize("few", [combinations.FEW, 10**9])
@pytest.mark.parametrize("first", sampled(range(0, 1_000, BATCH)))
def test_every_sentence_is_what_every_combination_says(first: int, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the questions that depend on them, and tried one by one."""
    monkeypatch.setattr(combinations, "FEW", few)
    seen: Counter[str] = Counter()
    for seed in range(first, first + BATCH):
        text = open_decoders.decoder(random.Random(seed))
        try:
            seen += require_true(text)
        except AssertionError as wrong:
            raise AssertionError(
                f"{wrong}\n{text}\n" + "\n".join(map(str, check_text(text, "x").diagnostics))
            ) from None
    assert seen["free"] and seen["silent"], seen
