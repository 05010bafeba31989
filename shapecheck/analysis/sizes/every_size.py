"""Every input size at once: the exact set of sizes of each named dimension at which a network works.

The network is expanded and propagated with its dimensions as symbols, by the same shape rules; each question that a
rule puts and that depends on a size is a condition. Conditions are solved for all sizes and intersected.
"""

from __future__ import annotations

from typing import NamedTuple

from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.analysis.sizes.conditions import MOST_STEPS, solve
from shapecheck.analysis.sizes.coupling import Coupling, couple
from shapecheck.analysis.sizes.periodic import Budget, TooLarge
from shapecheck.analysis.sizes.size_set import SizeSet
from shapecheck.arithmetic.quasi_affine import NotQuasiAffine
from shapecheck.arithmetic.shape import split
from shapecheck.arithmetic.symbolic import Size, Symbolic, same
from shapecheck.graph.network import Network
from shapecheck.layers.base import Question

# Sizes that are tried one by one below the point from which the formulas hold.
LONGEST_HEAD = 256
# Intervals of remainders that are handled in finding what all conditions allow, and again in finding the causes.
MOST_HANDLED = 200_000


class SizeCondition(NamedTuple):
    """A condition on a dimension and the layer that makes it: ``allows`` is the set of sizes at which it holds."""

    layer: str
    node: int
    question: Question
    allows: SizeSet
    message: str

    @property
    def constant(self) -> bool:
        """Whether it depends on no size at all: then it holds nowhere."""
        return not _names(self.question)


class Sizes:
    """The sizes of one dimension at which the network works, the others at their given size.

    ``status`` is ``exact``, or ``partial`` where ``unresolved`` lists what could not be decided; ``set`` is then what
    the rest allows. ``causes`` are in layer order.
    """

    def __init__(
        self, name: str, given: int | None, allowed: SizeSet, causes: list[SizeCondition], unresolved: list[str]
    ) -> None:
        self.name = name
        self.given = given
        self.set = allowed
        self.causes = causes
        self.unresolved = unresolved

    def __contains__(self, n: object) -> bool:
        return n in self.set

    @property
    def status(self) -> str:
        """``exact`` or ``partial``."""
        return "partial" if self.unresolved else "exact"

    @property
    def condition(self) -> str:
        """The set in words, such as ``H >= 188 and H % 16 == 12``."""
        return self.set.condition

    def nearest(self, n: int) -> tuple[int | None, int | None]:
        """Return the nearest sizes that work below and above ``n``; ``n`` itself where it works."""
        return self.set.nearest(n)


class SizeQuestion(NamedTuple):
    """What a node asks of the sizes, and that in words; ``question`` is None where its very shape has no form."""

    node: int
    question: Question | None
    text: str


class SizesAnalysis(NamedTuple):
    """The sizes of each dimension, and the shapes with the dimensions as symbols."""

    dims: dict[str, Sizes]
    shapes: Shapes
    couplings: list[Coupling]


def analyse(network: Network, strict: bool = False) -> SizesAnalysis:
    """Return the valid sizes of every named dimension that an input has.

    ``strict`` asks besides that no layer leaves rows of its input unread.
    """
    names = list(dict.fromkeys(name for node in network.inputs for name in node.dims if name is not None))
    shapes = _symbolic(network, names)
    questions = _questions(shapes, strict)
    given = network.sizes
    dims = {}
    for name in names:
        own = questions
        if any(question is None for _, question, _ in questions) or shapes.troubles:
            # Some shape has no form with every dimension open: hold the others at their sizes.
            own = _questions(_symbolic(network, [name]), strict)
        dims[name] = _sizes_of(network, name, given, own, strict)
    return SizesAnalysis(dims, shapes, _couplings(network, names, questions))


def _couplings(network: Network, names: list[str], questions: list[SizeQuestion]) -> list[Coupling]:
    """Return the conditions that join dimensions, each with what every dimension may be by its own conditions."""
    names_in = [set() if asked.question is None else _names(asked.question) for asked in questions]
    joint = {
        (asked.question, network.nodes[asked.node].name)
        for asked, found in zip(questions, names_in, strict=True)
        if asked.question is not None and len(found) > 1
    }
    if not joint:
        return []
    allowed = {}
    for name in names:
        single = [asked for asked, found in zip(questions, names_in, strict=True) if found == {name}]
        allowed[name] = _sizes_of(network, name, {}, single).set
    return [couple(layer, question, allowed) for question, layer in sorted(joint, key=str)]


def _symbolic(network: Network, names: list[str]) -> Shapes:
    if network.resized is None:
        return propagate(network)
    return propagate(network.resized({name: Symbolic.of(name) for name in names}))


def _questions(shapes: Shapes, strict: bool) -> list[SizeQuestion]:
    found = [SizeQuestion(o.node, o.asked, o.question) for o in shapes.undecided]
    # A rule that is broken whatever the sizes are is a question that is always answered with no.
    found += [SizeQuestion(t.node, Question("at_least", 0, 1), t.message) for t in shapes.troubles]
    nodes = shapes.network.nodes
    for decoder, source in shapes.network.mirrored:
        found += _mirror_questions(shapes, decoder, source)
    if strict:
        for index, place in _strided(shapes):
            w = shapes.windows(nodes[index])[place]
            rest = w.i + (w.before + w.after - w.reach)
            found.append(SizeQuestion(index, Question("divides", rest, w.s), "every row of the input is read"))
    return sorted(found, key=lambda asked: asked.node)


def _strided(shapes: Shapes) -> list[tuple[int, int]]:
    """Return the layers and spatial axes on which rows may be left unread, depending on a dimension."""
    return [
        (node.index, place)
        for node in shapes.network.layers
        for place, w in enumerate(shapes.windows(node))
        if w.s > 1 and w.rounds_down and not isinstance(w.i, int)
    ]


def _mirror_questions(shapes: Shapes, decoder: int, source: int) -> list[SizeQuestion]:
    ends = [shapes.outputs[index] for index in (decoder, source)]
    if any(shape is None or len(shape) < 3 for shape in ends):
        return []
    left, right = (split(shape, shapes.network.channels_last).spatial for shape in ends if shape is not None)
    if len(left) != len(right):
        return []
    return [
        SizeQuestion(decoder, Question("equal", one, other), "the pair has one size")
        for one, other in zip(left, right, strict=True)
        if same(one, other) is not True
    ]


def _names(question: Question) -> set[str]:
    return {name for size in (question.left, question.right) if isinstance(size, Symbolic) for name in size.names()}


def _substitute(size: Size, values: dict[str, int]) -> Size:
    return size.substitute(values) if isinstance(size, Symbolic) and values.keys() & size.names() else size


def _sizes_of(
    network: Network, name: str, given: dict[str, int], questions: list[SizeQuestion], strict: bool = False
) -> Sizes:
    """Return the sizes of one dimension that answer every question with yes, the others at the sizes given."""
    others = {other: size for other, size in given.items() if other != name}
    unresolved: list[str] = []
    pieces: list[SizeCondition] = []
    assumed = 1
    budget = Budget(MOST_STEPS)
    for node, question, text in questions:
        layer = network.nodes[node].name
        if question is None:
            unresolved.append(f"{layer}: {text}")
            continue
        asked = Question(question.kind, _substitute(question.left, others), _substitute(question.right, others))
        names = _names(asked)
        constant = not _names(question)
        if name not in names and not constant:
            continue
        if names - {name}:
            unresolved.append(f"{layer}: {asked} depends on {', '.join(sorted(names - {name}))}, which has no size")
            continue
        try:
            allows = solve(asked, name, budget)
        except (TooLarge, NotQuasiAffine):
            unresolved.append(f"{layer}: {asked}")
            continue
        if asked.kind == "assume":
            beyond = _from_where_on(allows)
            if beyond is None:
                unresolved.append(f"{layer}: another formula holds where {asked} does not")
            else:
                assumed = max(assumed, beyond)
        elif not allows.every:
            pieces.append(SizeCondition(layer, node, asked, allows, text if constant else str(asked)))
    allowed, left_out = _intersection(name, pieces)
    unresolved += left_out
    if assumed > 1:
        allowed = _with_head(network, name, allowed, assumed, unresolved, strict)
    return Sizes(name, given.get(name), allowed, _binding(name, pieces), unresolved)


def _intersection(name: str, pieces: list[SizeCondition]) -> tuple[SizeSet, list[str]]:
    """Return what all pieces allow, taken by rising period, and what was too large to take in."""
    allowed = SizeSet(name)
    budget = Budget(MOST_HANDLED)
    left_out = []
    for piece in sorted(pieces, key=lambda p: p.allows.periodic.period):
        try:
            allowed = allowed.intersection(piece.allows, budget)
        except TooLarge:
            left_out.append(f"{piece.layer}: {piece.message}")
    return allowed, left_out


def _from_where_on(s: SizeSet) -> int | None:
    """Return the size from which on every size is in a set, or None where there is none."""
    if s.start is None or s.bounded_above or not s.periodic.full:
        return None
    return max([s.start, *(n + 1 for n in s.without)])


def _works(network: Network, read: list[tuple[int, int]]) -> bool:
    """Say whether a network works at the sizes that it has, and the layers and axes of ``read`` leave no row unread."""
    shapes = propagate(network)
    nodes = network.nodes
    mirrors = [asked for decoder, source in network.mirrored for asked in _mirror_questions(shapes, decoder, source)]
    if shapes.troubles or any(not _names(question) for _, question, _ in mirrors if question is not None):
        return False
    return all(shapes.windows(nodes[index])[place].unread == 0 for index, place in read)


def _with_head(
    network: Network, name: str, allowed: SizeSet, assumed: int, unresolved: list[str], strict: bool
) -> SizeSet:
    """Replace the part of a set below ``assumed``, where the formulas do not hold, by what is found one by one."""
    if network.resized is None or assumed > LONGEST_HEAD or unresolved:
        unresolved.append(f"sizes below {assumed} follow other formulas and were not tried")
        return allowed
    read = _strided(_symbolic(network, [name])) if strict else []
    working = {n for n in range(1, assumed) if _works(network.resized({name: n}), read)}
    if working == {n for n in range(1, assumed) if n in allowed}:
        return allowed
    return allowed.with_head(assumed, working)


def _binding(name: str, pieces: list[SizeCondition]) -> list[SizeCondition]:
    """Return the pieces that take something away from what those before them leave; of thresholds the last."""
    allowed = SizeSet(name)
    causes: list[SizeCondition] = []
    budget = Budget(MOST_HANDLED)
    for piece in pieces:
        try:
            narrowed = allowed.intersection(piece.allows, budget)
        except TooLarge:
            causes.append(piece)
            continue
        if narrowed == allowed:
            continue
        if _threshold(piece):
            causes = [cause for cause in causes if not _threshold(cause)]
        causes.append(piece)
        allowed = narrowed
    return sorted(causes, key=lambda cause: cause.node)


def _threshold(piece: SizeCondition) -> bool:
    return piece.allows.periodic.full and piece.allows.high is None and not piece.allows.without
