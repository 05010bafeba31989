"""Valid sizes near the chosen one, and pairs of encoder and decoder, as data for a page."""

from __future__ import annotations

from typing import Any

from shapecheck.analysis.sizes.every_size import Sizes
from shapecheck.analysis.transposed.symmetry import Pair, Reconstruction, listed, sentence
from shapecheck.arithmetic.shape import Shape, show_sizes
from shapecheck.graph.network import Network

FEWEST = 16
MOST = 40
STATES = {"exact": "ok", "ambiguous": "open", "broken": "fail"}


def strip(found: Sizes, network: Network) -> dict[str, Any]:
    """Return the sizes near the given one and whether each works; from the smallest on where none is given."""
    given = found.given
    around = min(max(FEWEST, found.set.periodic.period), MOST)
    middle = given if given is not None else (found.set.smallest or 1) + around // 2
    low = max(1, middle - around)
    # Of a size that was not tried nothing is drawn.
    shown = () if found.set.every else range(low, middle + around + 1)
    works = {n: found.works_at(n) for n in shown if not found.unresolved or found.decided(n)}
    below, above = (found.below(given - 1), found.above(given + 1)) if given is not None else (None, None)
    return {
        "name": found.name,
        "given": given,
        "works": given is not None and found.accepts(given) is True,
        "status": found.status,
        "condition": found.condition,
        "cells": [{"size": n, "works": good, "given": n == given} for n, good in works.items()],
        "examples": found.examples(6),
        "below": below,
        "above": above,
        "causes": [
            {
                "layer": c.layer,
                "line": network.nodes[c.node].source.span.start.line,
                "condition": c.allows.condition,
                "message": c.sentence,
            }
            for c in found.causes
        ],
        "elsewhere": [fault.sentence(found.name) for fault in found.elsewhere],
        "unresolved": found.unresolved,
    }


def _sizes(shape: Shape | None) -> str:
    return "unknown" if shape is None else show_sizes(shape).replace(" x ", " × ")


def ladder(found: list[Pair]) -> list[dict[str, Any]]:
    """Return pairs from the outermost inwards; ``depth`` counts those that enclose a pair."""
    ordered = sorted(found, key=lambda one: (one.encoder.index, -one.decoder.index))
    return [
        pair(one) | {"depth": sum(_encloses(other, one) for other in ordered[:at])} for at, one in enumerate(ordered)
    ]


def _encloses(outer: Pair, inner: Pair) -> bool:
    return outer.encoder.index < inner.encoder.index and inner.decoder.index < outer.decoder.index


def pair(one: Pair) -> dict[str, Any]:
    """Return a pair: what goes down and what comes up."""
    state = STATES[one.status]
    return {
        "encoder": one.encoder.name,
        "decoder": one.decoder.name,
        "declared": one.declared,
        "given": _sizes(one.encoder_input),
        "between": _sizes(one.encoder_output),
        "back": _sizes(one.decoder_output),
        "a": ", ".join(map(str, one.a)),
        "candidates": [listed(sizes, ", ") for sizes in one.candidates],
        "status": one.status,
        "state": "open" if state == "fail" and not one.declared else state,
        "message": one.message,
    }


def ends(summary: Reconstruction) -> dict[str, Any]:
    """Return an input beside an output of its rank."""
    return {"state": "ok" if summary.before == summary.after else "open", "text": sentence(summary)}
