"""Rules on decoder layers and what they undo: a pair that does not fit, an unpooling without its pooling."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.transposed.symmetry import pairs
from shapecheck.arithmetic.shape import show_sizes
from shapecheck.findings.catalogue import Severity
from shapecheck.findings.finding import Finding, Related
from shapecheck.layers.pooling import MaxUnpool


def pair_broken(shapes: Shapes) -> Iterable[Finding]:
    """A decoder layer does not give back the size that the encoder layer it mirrors was given."""
    if not shapes.network.symmetry:
        return
    for pair in pairs(shapes):
        if (
            pair.decoder.index not in shapes.network.symmetry
            or pair.encoder_input is None
            or pair.decoder_output is None
        ):
            continue
        if pair.status != "broken":
            continue
        sizes_differ = pair.encoder_input != pair.decoder_output
        yield Finding.of(
            "pair-broken",
            f"{pair.decoder.name} is declared to mirror {pair.encoder.name}, but {pair.message}",
            pair.decoder.source.span,
            pair.decoder.name,
            f"write transpose_of: {pair.encoder.name} on {pair.decoder.name}, which takes all of it from there",
            (Related(f"{pair.encoder.name} takes {show_sizes(pair.encoder_input)}", pair.encoder.source.span),),
            severity=None if sizes_differ else Severity.WARNING,
        )


def unpool_without_pool(shapes: Shapes) -> Iterable[Finding]:
    """max_unpool does not name the pooling that it undoes, so there are no indices to put the maxima back at."""
    for node in shapes.network.layers:
        if isinstance(node.layer, MaxUnpool) and node.layer.pool is None:
            yield Finding.at(
                "unpool-without-pool",
                node.name,
                "max_unpool names no pool, so the places of the maxima and the size are not known",
                node.source.span,
                "write pool: LAYER, the max_pool that it undoes, in place of kernel_size, stride and padding",
            )
