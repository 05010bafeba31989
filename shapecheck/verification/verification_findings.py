"""What a cross-check found, as findings at the lines of the layers."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from shapecheck.arithmetic.shape import show
from shapecheck.findings.finding import Finding, Span
from shapecheck.graph.network import Network, Node
from shapecheck.verification import Verification
from shapecheck.verification.records.number_comparison import LayerComparison, NumberComparison
from shapecheck.verification.records.training_run import LostGradient, NotFinite, TrainingRun
from shapecheck.verification.wording import layer_comparison_text, lost_gradient_text, not_finite_text

# Rules that have said already why no gradient comes through a layer.
_EXPLAINED = ("unused-layer", "layers-without-effect", "norm-of-one-value", "softmax-of-one")


def findings(network: Network, known: Collection[Finding], verification: Verification) -> list[Finding]:
    """Return the findings of a cross-check; ``known`` are those of the check before it."""
    nodes = {node.name: node for node in network.nodes}
    found = list(_disagreements(network, nodes, verification))
    if verification.run is not None:
        found += _of_run(nodes, known, verification.run)
    if verification.numbers is not None:
        found += _of_numbers(nodes, verification.numbers)
    return found


def _disagreements(network: Network, nodes: dict[str, Node], verification: Verification) -> Iterator[Finding]:
    for d in verification.disagreements:
        node = nodes.get(d.layer) or network.nodes[0]
        ours = "refused" if d.propagated is None else show(d.propagated)
        theirs = "refused" if d.built is None else show(d.built)
        yield Finding.at(
            "witness-disagrees",
            d.layer,
            d.reason if d.propagated == d.built else f"the arithmetic says {ours}, JAX says {theirs}: {d.reason}",
            node.source.span,
            "one of the two is wrong; please report this network",
        )


def _of_run(nodes: dict[str, Node], known: Collection[Finding], run: TrainingRun) -> Iterator[Finding]:
    if run.not_finite is not None:
        yield _not_finite(nodes[run.not_finite.layer], run.not_finite)
    # Copies of a layer in a block stand at one place, and one diagnostic speaks for all.
    explained = {d.span for d in known if d.rule.name in _EXPLAINED}
    for lost in run.lost:
        if not any(nodes[name].source.span in explained for name in lost.layers):
            yield _no_gradient(nodes[lost.layers[0]], lost)


def _not_finite(node: Node, wrong: NotFinite) -> Finding:
    return Finding.of(
        "not-finite",
        not_finite_text(wrong),
        node.source.span,
        node.name,
        "normalise before it, or compute it in a wider dtype"
        if wrong.what == "value"
        else "its derivative has a pole where random numbers lie, or leaves the range of the dtype",
    )


def _no_gradient(node: Node, lost: LostGradient) -> Finding:
    return Finding.of(
        "no-gradient",
        lost_gradient_text(lost),
        node.source.span,
        node.name,
        "read the layer where it was meant to be read, name it under outputs, or remove it"
        if not lost.connected
        else "the layer before it gives nothing that it lets through"
        if lost.silent
        else "what it gives hardly depends on what it reads",
    )


def _of_numbers(nodes: dict[str, Node], compared: NumberComparison) -> Iterator[Finding]:
    """Yield a finding for each place; of the copies of a layer that stand there, for the one that differs most."""
    places: dict[Span, list[LayerComparison]] = {}
    for one in compared.differing:
        places.setdefault(nodes[one.layer].source.span, []).append(one)
    for span, differing in places.items():
        worst = max(differing, key=lambda one: one.ratio)
        copies = len(differing) - 1
        yield Finding.of(
            "numbers-differ",
            layer_comparison_text(compared, worst)
            + (f"; so it is with {copies} more {'copy' if copies == 1 else 'copies'}" if copies else ""),
            span,
            worst.layer,
            f"try another driver, version of JAX or {compared.second}, and report what remains to JAX",
        )
