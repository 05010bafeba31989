"""Every input size at once: the exact set of sizes of each named dimension at which a network works.

The network is expanded and propagated with one dimension as a symbol and the others at their sizes, by the same shape
rules; each question that a rule puts and that depends on the size is a condition. Conditions are solved for all sizes
and intersected. Where a rule is another below some size, the sizes below are tried one by one.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import NamedTuple

from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.analysis.sizes.causes import SizeCondition, binding, intersection, kept_out, tried_below, untried_below
from shapecheck.analysis.sizes.conditions import MOST_STEPS, solve
from shapecheck.analysis.sizes.coupling import Coupling, couple
from shapecheck.analysis.sizes.dimension_sizes import Elsewhere, Sizes
from shapecheck.analysis.sizes.periodic import Budget, TooLarge
from shapecheck.analysis.sizes.size_set import SizeSet
from shapecheck.analysis.sizes.trials import Trial, Trials, judged, mirrored_sizes, split_sizes
from shapecheck.arithmetic.quasi_affine import NotQuasiAffine
from shapecheck.arithmetic.symbolic import Size, Symbolic, at_least, divides, same
from shapecheck.graph.network import Network
from shapecheck.layers.context import Question

__all__ = ["SizeCondition", "Sizes", "SizesAnalysis", "analyse"]

# Intervals of remainders that are handled in finding what all conditions allow, and again in finding the causes.
MOST_HANDLED = 200_000
# Sizes left by the conditions that are tried one by one where something is unresolved.
MOST_MEMBERS = 1_000


class SizeQuestion(NamedTuple):
    """What a node asks of the sizes, and that in words.

    ``question`` is None where a shape has no form, and ``node`` where it is no layer's. ``broken`` says that it is a
    rule that holds at no size.
    """

    node: int | None
    question: Question | None
    text: str
    broken: bool = False


class SizesAnalysis(NamedTuple):
    """The sizes of each dimension, and the shapes with the dimensions as symbols."""

    dims: dict[str, Sizes]
    shapes: Shapes
    couplings: list[Coupling]


def analyse(network: Network, strict: bool = False, given: Shapes | None = None) -> SizesAnalysis:
    """Return the valid sizes of every named dimension that a size of the network depends on.

    ``strict`` asks besides that no layer leaves rows of its input unread. ``given`` are the shapes of the network as
    it is, where they are known already.
    """
    shapes = _symbolic(network, list(network.dims))
    names = _depended_on(network, shapes)
    together = _questions(shapes, strict)
    trial = judged(propagate(network) if given is None else given, _strided(shapes) if strict else [])
    # Where the network works as it is, and every question has one form whatever the sizes are, what is asked of one
    # dimension is what is asked of all with the others at their sizes.
    shared = not strict and trial.works is not False and all(map(_has_one_form, together))
    dims = {name: _Dimension(network, name, together, strict, shared).sizes() for name in names}
    _compare(trial, dims)
    return SizesAnalysis(dims, shapes, _couplings(network, names, together))


def _has_one_form(asked: SizeQuestion) -> bool:
    return asked.question is not None and asked.question.kind != "assume" and not asked.broken


def _compare(trial: Trial, dims: Mapping[str, Sizes]) -> None:
    """Compare what was found with the network as it is: nothing is called exact that contradicts it."""
    for found in dims.values():
        if found.given is not None and trial.works is not None and not found.unresolved and not found.elsewhere:
            if trial.works and found.given not in found.set:
                found.contradicted(f"{found.name} = {found.given} works, though the conditions do not allow it")
            elif not trial.works and found.given in found.set:
                found.contradicted(f"{found.name} = {found.given} does not work: {trial.message}")


def _depended_on(network: Network, shapes: Shapes) -> list[str]:
    """Return the dimensions that stand in an input, and then those that stand in expressions alone."""
    plain = dict.fromkeys(name for node in network.inputs for name in node.dims if name is not None)
    if plain.keys() >= network.dims.keys():
        return list(plain)
    sizes: list[Size | None] = [size for shape in shapes.outputs if shape is not None for size in shape]
    sizes += [size for node in shapes.network.nodes for stated in node.expect for size in stated.sizes or ()]
    sizes += [size for asked in shapes.undecided if asked.asked for size in (asked.asked.left, asked.asked.right)]
    sizes += [size for _, _, *pair in mirrored_sizes(shapes) for size in pair]
    found = {name for size in set(sizes) if isinstance(size, Symbolic) for name in size.names()}
    return list(dict.fromkeys([*plain, *(name for name in network.dims if name in found)]))


def _couplings(network: Network, names: list[str], questions: list[SizeQuestion]) -> list[Coupling]:
    """Return the conditions that join dimensions, each with what every dimension may be by its own conditions."""
    names_in = [set() if asked.question is None else _names(asked.question) for asked in questions]
    joint = {
        (asked.question, network.nodes[asked.node].name)
        for asked, found in zip(questions, names_in, strict=True)
        if asked.question is not None and asked.node is not None and len(found) > 1 and asked.question.kind != "assume"
    }
    if not joint:
        return []
    assumed = [asked.question for asked in questions if asked.question and asked.question.kind == "assume"]
    allowed = {}
    for name in names:
        single = [asked for asked, found in zip(questions, names_in, strict=True) if found == {name}]
        pieces = _gathered(network, name, {}, single).pieces
        allowed[name] = intersection(name, pieces, Budget(MOST_HANDLED))[0]
    return [couple(layer, question, allowed, assumed) for question, layer in sorted(joint, key=str)]


def _symbolic(network: Network, names: list[str]) -> Shapes:
    if network.resized is None:
        return propagate(network)
    return propagate(network.resized({name: Symbolic.of(name) for name in names}))


def _questions(shapes: Shapes, strict: bool) -> list[SizeQuestion]:
    network = shapes.network
    found = [SizeQuestion(o.node, o.asked, o.question) for o in shapes.undecided]
    # A rule that is broken whatever the sizes are is a question that is always answered with no.
    found += [SizeQuestion(t.node, _NEVER, t.message, broken=True) for t in shapes.troubles]
    found += [SizeQuestion(None, None, flaw.message) for flaw in network.flaws]
    found += [SizeQuestion(None, question, str(question)) for question in network.assumed]
    for node in network.inputs:
        for size in node.shape or ():
            if isinstance(size, Symbolic) and at_least(size, 1) is not True:
                question = Question("at_least", size, 1)
                found.append(SizeQuestion(node.index, question, str(question)))
    for decoder, _, one, other in mirrored_sizes(shapes):
        if same(one, other) is not True:
            broken = same(one, other) is False
            text = f"the pair has sizes {one} and {other}" if broken else "the pair has one size"
            found.append(SizeQuestion(decoder, Question("equal", one, other), text, broken))
    for index, size, parts in split_sizes(shapes):
        if divides(parts, size) is not True:
            question = Question("divides", size, parts)
            found.append(SizeQuestion(index, question, str(question), divides(parts, size) is False))
    if strict:
        for index, place in _strided(shapes):
            w = shapes.windows(network.nodes[index])[place]
            rest = w.i + (w.before + w.after - w.reach)
            found.append(SizeQuestion(index, Question("divides", rest, w.s), "every row of the input is read"))
    return sorted(found, key=lambda asked: -1 if asked.node is None else asked.node)


_NEVER = Question("at_least", 0, 1)


def _strided(shapes: Shapes) -> list[tuple[int, int]]:
    """Return the layers and spatial axes on which rows may be left unread, depending on a dimension."""
    return [
        (node.index, place)
        for node in shapes.network.layers
        for place, w in enumerate(shapes.windows(node))
        if w.s > 1 and w.rounds_down and not isinstance(w.i, int)
    ]


def _names(question: Question) -> set[str]:
    return {name for size in (question.left, question.right) if isinstance(size, Symbolic) for name in size.names()}


def _substitute(size: Size, values: Mapping[str, int]) -> Size:
    return size.substitute(values) if isinstance(size, Symbolic) and values.keys() & size.names() else size


def _at(question: Question, values: Mapping[str, int]) -> Question:
    return Question(question.kind, _substitute(question.left, values), _substitute(question.right, values))


class _Gathered(NamedTuple):
    """The conditions on one dimension: what each allows, and from which size on the formulas hold."""

    pieces: list[SizeCondition]
    broken: list[SizeQuestion]
    unresolved: list[str]
    assumed: int
    # Whether a formula was taken that holds nowhere, or where it is not known.
    adrift: bool


def _gathered(network: Network, name: str, others: Mapping[str, int], questions: list[SizeQuestion]) -> _Gathered:
    pieces: list[SizeCondition] = []
    broken: list[SizeQuestion] = []
    unresolved: list[str] = []
    assumed, adrift = 1, False
    elsewhere: list[tuple[int, str]] = []
    budget = Budget(MOST_STEPS)
    for node, question, text, breaks in questions:
        prefix = "" if node is None else f"{network.nodes[node].name}: "
        if breaks:
            broken.append(SizeQuestion(node, question, text, breaks))
            continue
        if question is None:
            unresolved.append(prefix + text)
            continue
        asked = _at(question, others)
        names = _names(asked)
        if name not in names:
            if asked.kind == "assume" and names:
                elsewhere.append((-1 if node is None else node, prefix + str(asked)))
            elif asked.kind == "assume" and at_least(asked.left - asked.right, 0) is False:
                adrift = True
            continue
        if names - {name}:
            unresolved.append(f"{prefix}{asked} depends on {', '.join(sorted(names - {name}))}, which has no size")
            continue
        try:
            allows = solve(asked, name, budget)
        except (TooLarge, NotQuasiAffine):
            unresolved.append(f"{prefix}{asked}")
            adrift = adrift or asked.kind == "assume"
            continue
        if asked.kind == "assume":
            beyond = _from_where_on(allows)
            if beyond is None:
                unresolved.append(f"{prefix}another formula holds where {asked} does not")
                adrift = True
            else:
                assumed = max(assumed, beyond)
        elif not allows.every:
            assert node is not None
            pieces.append(SizeCondition(network.nodes[node].name, node, asked, allows, _told(question, asked, text)))
    for at, text in elsewhere:
        if any(piece.node > at for piece in pieces):
            unresolved.append(f"{text} is assumed of a dimension that has no size")
    return _Gathered(pieces, broken, unresolved, assumed, adrift)


def _told(question: Question, asked: Question, text: str) -> str:
    return str(asked) if _names(question) else text


def _from_where_on(s: SizeSet) -> int | None:
    """Return the size from which on every size is in a set, or None where there is none."""
    if s.start is None or s.bounded_above or not s.periodic.full:
        return None
    return max([s.start, *(n + 1 for n in s.without)])


class _Dimension:
    """The search for the sizes of one dimension, the others at their sizes."""

    def __init__(self, network: Network, name: str, together: list[SizeQuestion], strict: bool, shared: bool) -> None:
        self.network = network
        self.name = name
        self.together = together
        given = network.sizes
        self.given = given.get(name)
        self.others = {other: size for other, size in given.items() if other != name}
        shapes = None if shared else _symbolic(network, [name])
        questions = together if shapes is None else _questions(shapes, strict)
        self.found = _gathered(network, name, self.others, questions)
        self.trials = Trials(network, name, None if shapes is None or not strict else _strided(shapes))

    def sizes(self) -> Sizes:
        found = self.found
        if found.broken and found.assumed == 1 and not found.adrift:
            return self._broken(found.broken)
        below = self._tried_below()
        if below is not None and found.broken and all(trial.works is False for trial in below):
            nodes = {asked.node for asked in found.broken}
            if all(trial.node in nodes for trial in below):
                return self._broken([asked for asked in found.broken if asked.node == below[-1].node] or found.broken)
        pieces = [*found.pieces, *map(self._never, found.broken)]
        pieces.sort(key=lambda piece: piece.node)
        unresolved = list(found.unresolved)
        if found.adrift:
            # What the formulas say is true of no size that is known.
            pieces = []
            unresolved = unresolved or ["another formula holds at some sizes"]
        elif found.assumed > 1:
            if below is None:
                pieces = untried_below(found.assumed, pieces)
                unresolved.append(f"sizes below {found.assumed} follow other formulas and were not tried")
            else:
                pieces = tried_below(self.network, self.name, found.assumed, below, pieces)
        allowed, left_out = intersection(self.name, pieces, Budget(MOST_HANDLED))
        unresolved += left_out
        if unresolved:
            pieces, allowed, unresolved = self._decided(pieces, allowed, unresolved)
        causes = binding(self.name, pieces, Budget(MOST_HANDLED))
        return Sizes(self.name, self.given, allowed, causes, unresolved, self.trials)

    def _tried_below(self) -> list[Trial] | None:
        count = self.found.assumed - 1
        if self.found.adrift or not count or not self.trials.affords(count):
            return None
        return [self.trials.at(n) for n in range(1, count + 1)]

    def _decided(
        self, pieces: list[SizeCondition], allowed: SizeSet, unresolved: list[str]
    ) -> tuple[list[SizeCondition], SizeSet, list[str]]:
        """Try the sizes that are left one by one, where they are few: then nothing is unresolved."""
        if not allowed.bounded_above:
            return pieces, allowed, unresolved
        members = list(itertools.islice(allowed, MOST_MEMBERS))
        if len(members) == MOST_MEMBERS or not self.trials.affords(len(members)):
            return pieces, allowed, unresolved
        trials = {n: self.trials.at(n) for n in members}
        if any(trial.works is None for trial in trials.values()):
            return pieces, allowed, unresolved
        failed = {n: trial for n, trial in trials.items() if not trial.works}
        pieces = sorted([*pieces, *kept_out(self.network, self.name, failed)], key=lambda piece: piece.node)
        allowed, left_out = intersection(self.name, pieces, Budget(MOST_HANDLED))
        return pieces, allowed, left_out

    def _broken(self, broken: list[SizeQuestion]) -> Sizes:
        """Return what the conditions on this dimension allow, where the network fails whatever its size is."""
        # With every dimension open the layers behind the one that fails are looked at as well.
        more = _gathered(self.network, self.name, self.others, self.together)
        usable = not (more.unresolved or more.broken or more.adrift) and more.assumed == 1
        pieces = list(more.pieces if usable else self.found.pieces)
        # Nothing works where no other dimension is to blame.
        pieces += [self._never(asked) for asked in broken if not self._because(asked.node)]
        pieces.sort(key=lambda piece: piece.node)
        own, _ = intersection(self.name, pieces, Budget(MOST_HANDLED))
        causes = binding(self.name, pieces, Budget(MOST_HANDLED))
        found = []
        for asked in broken:
            assert asked.node is not None
            layer = self.network.nodes[asked.node].name
            found.append(Elsewhere(layer, asked.node, self._because(asked.node), asked.text))
        return Sizes(self.name, self.given, own, causes, [], self.trials, elsewhere=tuple(found))

    def _never(self, asked: SizeQuestion) -> SizeCondition:
        assert asked.node is not None
        layer = self.network.nodes[asked.node].name
        return SizeCondition(layer, asked.node, _NEVER, SizeSet(self.name, 1, 0), asked.text)

    def _because(self, node: int | None) -> dict[str, int]:
        """Return the sizes of other dimensions for whose sake a layer fails whatever the size of this one is."""
        sure: set[str] = set()
        some: set[str] = set()
        for asked in self.together:
            if asked.node != node or asked.question is None or asked.question.kind == "assume":
                continue
            names = _names(asked.question) & self.others.keys()
            some |= names
            if not _names(fixed := _at(asked.question, self.others)) and not _holds(fixed):
                sure |= names
        return {name: self.others[name] for name in self.others if name in (sure or some)}


def _holds(question: Question) -> bool:
    left, right = question.left, question.right
    assert isinstance(left, int) and isinstance(right, int)
    if question.kind == "divides":
        return left % right == 0
    return left == right if question.kind == "equal" else left >= right
