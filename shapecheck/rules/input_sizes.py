"""What is found on the sizes of named dimensions: promises that are broken, neighbours that work, sets worth noting."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.analysis.sizes.every_size import SizeCondition, Sizes, SizesAnalysis, analyse
from shapecheck.analysis.sizes.periodic import EVERYTHING, TooLarge, cyclic
from shapecheck.analysis.sizes.size_set import SizeSet
from shapecheck.analysis.sizes.trials import MOST_LAYERS, Trials
from shapecheck.analysis.transposed.ambiguity import resolve
from shapecheck.analysis.transposed.remainders import VaryingPadding, varying
from shapecheck.arithmetic.quasi_affine import value_at
from shapecheck.arithmetic.shape import channel_axis
from shapecheck.findings.finding import Finding, Related
from shapecheck.graph.network import Network
from shapecheck.layers.role import Role
from shapecheck.rules.offered_fixes import follow_the_encoder
from shapecheck.rules.transposed_size import undoing_key
from shapecheck.rules.unknown_sizes import unsized

# Above this many layers the sizes are looked at only where the file promises some.
LARGEST_NETWORK = 5_000
# Promised sizes that are tried one by one where not all could be decided.
MOST_PROMISED = 256
# In how many ways the sizes of other dimensions are changed along with one.
MOST_TOGETHER = 16


def size_findings(shapes: Shapes) -> Iterator[Finding]:
    """Return what is worth knowing of the valid sizes of each named dimension of a network that could be read."""
    network = shapes.network
    named = list(network.dims.values())
    if not named or (len(network.nodes) > LARGEST_NETWORK and all(dim.accepts is None for dim in named)):
        return
    if shapes.troubles:
        ambiguity = resolve(shapes)
        # Where an output_padding mends everything, another input size would be the wrong advice.
        if ambiguity is None or ambiguity.shapes.troubles:
            yield from _neighbours(network, analyse(network, given=shapes))
        return
    analysis = analyse(network, given=shapes)
    told = unsized(shapes)  # dimension-without-size says it of these
    named = [dim for dim in named if dim.name in analysis.dims]
    for dim in named:
        found = analysis.dims[dim.name]
        if found.unresolved:
            wrong = None if dim.accepts is None else _first_refused(found, accepted(dim.name, dim.accepts))
            if wrong is not None:
                yield _refused(network, found, accepted(dim.name, dim.accepts), *wrong)
            elif dim.name not in told and not network.flaws:
                yield _undecided(network, found)
        elif found.elsewhere:
            # What fails at every size of a dimension is a mistake of its own, told where it is.
            continue
        elif found.set.empty:
            yield _at(network, found, "no-size-works", f"no size of {dim.name} works", _why(network, found.causes[:3]))
        elif dim.accepts is not None:
            yield from _promise(network, found, dim.accepts)
    yield from _notes(network, [analysis.dims[dim.name] for dim in named if dim.accepts is None])


def _at(
    network: Network, found: Sizes, rule: str, message: str, related: tuple[Related, ...] = (), help: str | None = None
) -> Finding:
    return Finding.of(rule, message, network.dims[found.name].span, None, help, related)


def _why(network: Network, causes: list[SizeCondition]) -> tuple[Related, ...]:
    return tuple(
        Related(f"{c.layer} needs {c.allows.condition}: {c.sentence}", network.nodes[c.node].source.span)
        for c in causes
    )


class NearestSizes(NamedTuple):
    """A dimension whose given size does not work: sizes that do, with those of ``others`` that change along with it."""

    dimension: Sizes
    sizes: list[int]
    others: dict[str, int]


def nearest_working(network: Network, analysis: SizesAnalysis) -> Iterator[NearestSizes]:
    """Yield the nearest sizes that work of each dimension that has one that does not, channels aside."""
    for found in analysis.dims.values():
        if not _misses(found):
            continue
        if any(
            channel_axis(len(n.dims), network.channels_last) == n.dims.index(found.name)
            for n in network.inputs
            if found.name in n.dims
        ):
            # Channels are no size that a writer would change to make a network fit.
            continue
        near, others = _nearest(network, analysis, found)
        if near:
            yield NearestSizes(found, near, others)


def _neighbours(network: Network, analysis: SizesAnalysis) -> Iterator[Finding]:
    for found, near, others in nearest_working(network, analysis):
        are = "do are" if len(near) > 1 else "does is"
        beside = f", with {' and '.join(f'{name} = {size}' for name, size in others.items())}" if others else ""
        yield _at(
            network,
            found,
            "neighbour-works",
            f"{found.name} = {found.given} does not work; the nearest that {are}"
            f" {' and '.join(map(str, near))}{beside}: {found.set.condition}",
        )


def _misses(found: Sizes) -> bool:
    """Say whether the given size is one that the conditions on this dimension do not allow."""
    return found.given is not None and not found.unresolved and not found.set.empty and found.given not in found.set


def _nearest(network: Network, analysis: SizesAnalysis, found: Sizes) -> tuple[list[int], dict[str, int]]:
    """Return the nearest sizes that work, and the sizes of others that have to change with them; each was tried."""
    assert found.given is not None
    if not found.elsewhere:
        return [n for n in found.nearest(found.given) if n is not None], {}
    near = _beside(found)
    if network.resized is None or len(network.nodes) * len(near) * MOST_TOGETHER > MOST_LAYERS:
        return [], {}
    wrong = [other for other in analysis.dims.values() if other is not found and _misses(other)]
    for sizes in itertools.islice(itertools.product(*map(_beside, wrong)), MOST_TOGETHER):
        others = {other.name: size for other, size in zip(wrong, sizes, strict=True)}
        trials = Trials(network, found.name, others=others)
        working = sorted(n for n in near if trials.at(n).works)
        if working:
            return working, others
    return [], {}


def _beside(found: Sizes) -> list[int]:
    """Return the sizes below and above the given one that the conditions on this dimension allow, the nearest first."""
    given = found.given
    assert given is not None
    return sorted((n for n in found.set.nearest(given) if n is not None), key=lambda n: abs(n - given))


def _first_refused(found: Sizes, promised: SizeSet) -> tuple[int, str] | None:
    """Return the first of a few promised sizes that does not work, and why, where not all could be decided."""
    for n in itertools.islice(promised, MOST_PROMISED):
        why = found.refusal(n)
        if why is not None:
            return n, why
    return None


def _refused(network: Network, found: Sizes, promised: SizeSet, wrong: int, why: str) -> Finding:
    message = f"accepts promises {promised.condition}, but {found.name} = {wrong} does not work: {why}"
    return _at(network, found, "promise-broken", message, help=f"promise sizes at which {found.name} works")


def _undecided(network: Network, found: Sizes) -> Finding:
    more = f", and {len(found.unresolved) - 1} more" if len(found.unresolved) > 1 else ""
    return _at(
        network,
        found,
        "sizes-not-decided",
        f"which sizes of {found.name} work was not decided in full: {found.unresolved[0]}{more}; as far as it was:"
        f" {found.condition}",
    )


def accepted(name: str, accepts: Any) -> SizeSet:
    """Return the sizes that ``accepts`` promises."""
    listed = accepts.get("sizes")
    if listed is not None:
        return SizeSet(name, 1, 0, extra=listed)
    multiple = accepts.get("multiple_of", 1)
    periodic = cyclic(0, 1, multiple) if multiple > 1 else EVERYTHING
    return SizeSet(name, accepts.get("min", 1), accepts.get("max"), periodic)


def _promise(network: Network, found: Sizes, accepts: Any) -> Iterator[Finding]:
    promised = accepted(found.name, accepts)
    wrong = promised.first_outside(found.set)
    if wrong is not None:
        varies = varying(network, found.name, _period_of(found, promised, wrong))
        if varies:
            shapes = propagate(network)
            yield from (_no_constant(promised, v, shapes) for v in varies)
        else:
            yield _broken(network, found, promised, wrong)
        return
    if accepts.get("sizes") is not None:
        return
    within = found.set.intersection(SizeSet(found.name, accepts.get("min", 1), accepts.get("max")))
    more = within.first_outside(promised)
    if more is not None:
        yield _at(
            network,
            found,
            "promise-too-narrow",
            f"{found.name} works at more sizes than accepts promises, {more} among them: {found.condition}",
        )


def _period_of(found: Sizes, promised: SizeSet, wrong: int) -> Iterator[int]:
    """Yield the promised sizes of one period around the first that does not work."""
    period = math.lcm(found.set.periodic.period, promised.periodic.period)
    first = promised.above(1)
    while first is not None and first < wrong and wrong - first > period:
        first = promised.above(first + period)
    n = first
    while n is not None and first is not None and n < max(first + period, wrong + 1):
        yield n
        n = promised.above(n + 1)


def _no_constant(promised: SizeSet, v: VaryingPadding, shapes: Shapes) -> Finding:
    span = v.node.source.place("output_padding")
    learned = v.node.layer is not None and Role.LEARNED_MAP in v.node.layer.role
    undone = "convolution" if learned else "pooling"
    return Finding.at(
        "no-constant-output-padding",
        v.node.name,
        f"no output_padding serves all of {promised.condition} on {v.axis}: a = {v.table}",
        span,
        f"write {undoing_key(v.node)}, the {undone} whose input this layer gives back: it follows the input at every"
        " size",
        fix=follow_the_encoder(shapes, v.node),
    )


def _broken(network: Network, found: Sizes, promised: SizeSet, wrong: int) -> Finding:
    name = found.name
    cause = next((c for c in found.causes if wrong not in c.allows), None)
    try:
        true = promised.intersection(found.set)
        widest = (
            "no size of those promised works"
            if true.empty
            else f"the widest promise that is true here: {true.condition}"
        )
    except TooLarge:
        widest = f"the sizes that work: {found.condition}"
    message = f"accepts promises {promised.condition}, but {name} = {wrong} does not work"
    related: tuple[Related, ...] = ()
    if cause is not None:
        message += f": {cause.layer} needs {cause.allows.condition}"
        numbers = _numbers(found, cause, wrong)
        related = (Related(f"at {name} = {wrong}: {numbers}", network.nodes[cause.node].source.span),)
    return _at(network, found, "promise-broken", message, related, f"{widest}; all sizes that work: {found.condition}")


def _numbers(found: Sizes, cause: SizeCondition, wrong: int) -> str:
    """Return a condition with the numbers that it has at a size which it does not allow."""
    if cause.since is None or wrong < cause.since or cause.message != str(cause.question):
        return found.refusal(wrong) or cause.sentence
    left, right = (value_at(size, found.name, wrong) for size in (cause.question.left, cause.question.right))
    return f"{cause.message}, which is {left} against {right}"


def _notes(network: Network, dims: list[Sizes]) -> Iterator[Finding]:
    """Note the valid sizes where they are not every size, dimensions with one condition together.

    What an input's own axis asks for, as one that is split over devices does, stands in the file where it is written.
    """
    groups: dict[str, list[Sizes]] = {}
    for found in dims:
        own = bool(found.causes) and all(network.nodes[cause.node].layer is None for cause in found.causes)
        if not found.set.every and not found.set.empty and not found.unresolved and not own:
            groups.setdefault(found.condition.replace(found.name, "?"), []).append(found)
    for members in groups.values():
        first = members[0]
        alike = f"; {' and '.join(m.name for m in members[1:])} likewise" if len(members) > 1 else ""
        rule = "bounded-above" if first.set.bounded_above else "valid-sizes"
        only = "only " if first.set.bounded_above else ""
        yield _at(network, first, rule, f"{first.name} works {only}where {first.condition}{alike}")
