"""What may mend a layer that undoes another, and names it, its size or its remainder wrongly."""

from __future__ import annotations

from collections.abc import Iterator

from shapecheck.analysis.transposed.ambiguity import padding_repair
from shapecheck.findings.catalogue import Severity
from shapecheck.findings.finding import Advice, Applicability, Edit
from shapecheck.graph import network
from shapecheck.layers.context import Problem
from shapecheck.layers.role import Role
from shapecheck.rules.advice.input_advice import other_sizes
from shapecheck.rules.advice.inquiry import Inquiry, entry, per_axis, without
from shapecheck.rules.advice.merge_advice import cropped, resized_like

# The keys of a window, which a layer that is undone may give.
_WINDOW = ("kernel_size", "stride", "padding", "output_padding", "output_size")
# How many layers that may be meant are tried.
MOST_PARTNERS = 6


def other_padding(asked: Inquiry) -> Iterator[Advice]:
    """Yield the output_padding of layers above under which what follows fits."""
    mend = padding_repair(asked.shapes)
    if mend is None:
        return
    changes = []
    for index, padding in mend.padding.items():
        node = asked.shapes.network.nodes[index]
        changes += list(asked.write("output_padding", node, "output_padding", per_axis(list(padding))))
    if len(changes) == len(mend.padding):
        yield changes[0].joined(changes[1:])


def undone_layer(asked: Inquiry) -> Iterator[Advice]:
    """Yield the layers that this one may undo, the nearest above first."""
    layer, node = asked.layer, asked.node
    if layer is None or layer.undoes is None or asked.finding.severity is Severity.WARNING:
        return
    instead = next(
        (key for key in ("output_padding", "output_size") if entry(node.source.mapping, key) is not None), None
    )
    if entry(node.source.mapping, layer.undoes) is not None:
        instead = None
    for other in list(_partners(asked, node))[:MOST_PARTNERS]:
        name = asked.local(node, other)
        if name is not None:
            for advice in asked.write("partner", node, layer.undoes, name, instead):
                yield advice._replace(where=f"{advice.where}{_follows(asked)}")
            yield from _with_its_window(asked, layer.undoes, name)


def _follows(asked: Inquiry) -> str:
    """Return what naming a layer is better at than stating a size, where the size is what is asked for."""
    return ", which follows the input at every size" if asked.finding.rule.name == "ambiguous-transposed-size" else ""


def _with_its_window(asked: Inquiry, key: str, name: str) -> Iterator[Advice]:
    """Yield the name of a layer in the place of the window that a layer has from it."""
    mapping = asked.node.source.mapping
    given = [own for own in _WINDOW if entry(mapping, own) is not None]
    dropped = [edit for edit in (without(mapping, own) for own in given[1:]) if edit is not None]
    if not given or len(dropped) < len(given) - 1 or entry(mapping, key) is not None:
        return
    for advice in asked.write("partner", asked.node, key, name, given[0]):
        where = f" in place of {', '.join(given)}{_follows(asked)}"
        yield advice._replace(where=where, edits=(*advice.edits, *dropped))


def _partners(asked: Inquiry, node: network.Node) -> Iterator[network.Node]:
    """Yield the layers above of the kind that a layer undoes, the nearest first, those of the same geometry before."""
    layer = asked.layer
    wanted = Role.SLIDES | Role.LEARNED_MAP if Role.LEARNED_MAP in getattr(layer, "role", Role.NONE) else Role.SLIDES
    alike: list[network.Node] = []
    others: list[network.Node] = []
    for other in reversed(asked.shapes.network.layers[: node.index]):
        role = Role.NONE if other.layer is None else other.layer.role
        if other.index >= node.index or wanted not in role or (wanted is Role.SLIDES and Role.LEARNED_MAP in role):
            continue
        same = getattr(other.layer, "kernel_size", None) == getattr(layer, "kernel_size", None)
        (alike if same else others).append(other)
    yield from alike
    yield from others


def legal_size(asked: Inquiry) -> Iterator[Advice]:
    """Yield the sizes, or the a, that a transposed layer can have on every axis."""
    layer, context = asked.layer, asked.shapes.context(asked.node)
    key = None if asked.problem is None else asked.problem.key
    if layer is None or context is None or key not in ("output_size", "output_padding"):
        return
    try:
        windows = layer.windows(context)
    except Problem:
        return
    chosen: list[int] = []
    for w in windows:
        if not isinstance(w.a, int) or not isinstance(w.o, int):
            return
        a = min(max(w.a, 0), max(w.s, w.d) - 1 if key == "output_padding" else w.s - 1)
        chosen.append(w.o - w.a + a if key == "output_size" else a)
    yield from asked.write(key, asked.node, key, per_axis(chosen))


def size_of_skip(asked: Inquiry) -> Iterator[Advice]:
    """Yield the size of the map that a layer is to give back, where the layer that it names is none that it undoes."""
    layer = asked.layer
    if layer is None or layer.undoes is None or "output_size" not in layer.keys:
        return
    named = asked.node.references.get(layer.undoes)
    inputs = () if named is None else asked.shapes.network.nodes[named].inputs
    for index in inputs[:1]:
        shape = asked.shapes.outputs[index]
        first = 1 if asked.shapes.network.channels_last else 2
        spatial = [size for size in (shape or ())[first : first + len(shape or ()) - 2] if isinstance(size, int)]
        if spatial and len(spatial) == len(shape or ()) - 2:
            there = asked.shapes.network.nodes[named].layer if named is not None else None
            own = [key for key in ("kernel_size", "stride") if entry(asked.node.source.mapping, key) is not None]
            window = {key: getattr(there, key, None) for key in ("kernel_size", "stride") if key not in own}
            for advice in asked.write("size", asked.node, "output_size", per_axis(spatial), layer.undoes):
                yield advice
                if isinstance(window.get("kernel_size"), int) and _flow_style(asked):
                    # What it hoped to take from the layer that it names.
                    window["stride"] = window.get("stride") or window["kernel_size"]
                    said = ", ".join(f"{key}: {value}" for key, value in window.items())
                    (edit,) = advice.edits
                    whole = Edit(edit.span, f"{said}, {edit.text}")
                    yield advice._replace(what=f"{said}, {advice.what}", edits=(whole,))


def _flow_style(asked: Inquiry) -> bool:
    mapping = asked.node.source.mapping
    return mapping is not None and bool(mapping.flow_style)


def said_size(asked: Inquiry) -> Iterator[Advice]:
    """Yield the statement that the size of a transposed layer is meant as it is: a = 0."""
    note = asked.finding.severity is Severity.INFO
    if asked.layer is not None and "output_padding" in asked.layer.keys and note:
        for advice in asked.write("output_padding", asked.node, "output_padding", 0):
            yield advice._replace(where=" to say that it is meant", applicability=Applicability.DISPLAY)


def own_fix(asked: Inquiry) -> Iterator[Advice]:
    """Yield the output_padding that is demanded, where there is one."""
    fix = asked.finding.fix
    if fix is not None:
        yield Advice("output_padding", "", fix.message, "", fix.applicability, fix.edits)


def demanded(asked: Inquiry) -> Iterator[Advice]:
    """Yield what mends the layers that demand a size which an open transposed layer cannot have."""
    for trouble in asked.shapes.troubles if asked.finding.severity is Severity.ERROR else ():
        there = asked._replace(node=asked.shapes.network.nodes[trouble.node], problem=trouble)
        for builder in (other_sizes, resized_like, cropped):
            yield from builder(there)


def mirrored(asked: Inquiry) -> Iterator[Advice]:
    """Yield the layer that the file says a decoder layer mirrors, as the one that it undoes."""
    encoder, layer = asked.shapes.network.symmetry.get(asked.node.index), asked.layer
    if encoder is None or layer is None or layer.undoes is None:
        return
    name = asked.local(asked.node, asked.shapes.network.nodes[encoder])
    if name is not None:
        yield from asked.write("partner", asked.node, layer.undoes, name)
        yield from _with_its_window(asked, layer.undoes, name)
