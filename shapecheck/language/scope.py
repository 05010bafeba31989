"""Names and what they stand for while a file is expanded: layers, blocks in their copies, and layers left out."""

from __future__ import annotations

from typing import TypeAlias, Union

from shapecheck.language.templates import Name


class NameInScope:
    """A name to be looked up in a scope once everything is placed."""

    __slots__ = ("name", "scope")

    def __init__(self, scope: Scope, name: Name) -> None:
        self.scope = scope
        self.name = name


class LeftOut:
    """A layer that is not there: it stands for what it would have read; None where that is not known."""

    __slots__ = ("reads",)

    def __init__(self, reads: Producer | None) -> None:
        self.reads = reads


class Scope:
    """The inside of one placed block, of one set of copies, or of the whole file.

    ``inputs`` are the names of what a block was given. ``output`` is what the block's own name means.
    """

    __slots__ = ("file", "inputs", "names", "output", "path", "refused")

    def __init__(self, path: str, file: Scope | None) -> None:
        self.path = path
        self.file = file
        self.names: dict[str, Entry] = {}
        self.inputs: dict[str, Producer] = {}
        self.output: Producer | None = None
        self.refused = False


Entry: TypeAlias = Union[int, Scope, LeftOut]
Producer: TypeAlias = Union[int, Scope, LeftOut, NameInScope]


# Stands for what could not be read; the reason was reported.
BROKEN_INPUT = LeftOut(None)


class Unresolved(Exception):
    """A name leads nowhere. ``known`` are the names that would; ``reported`` says that the reason was told before."""

    def __init__(self, name: Name | None, known: list[str], reported: bool = False, circle: bool = False) -> None:
        super().__init__()
        self.name = name
        self.known = known
        self.reported = reported
        self.circle = circle


def resolve(source: Producer | None) -> int:
    """Return the index of the node that a source stands for. Raises Unresolved."""
    if isinstance(source, int):
        return source  # most sources are the layer above
    seen: set[int] = set()
    name: Name | None = None
    while not isinstance(source, int):
        if source is None:
            raise Unresolved(name, [], reported=True)
        if id(source) in seen:
            raise Unresolved(name, [], circle=True)
        seen.add(id(source))
        if isinstance(source, NameInScope):
            name = name or source.name
            source = find(source.scope, source.name)
        elif isinstance(source, Scope):
            source = source.output
        else:
            source = source.reads
    return source


def find(scope: Scope, name: Name) -> Producer:
    """Look a dotted name up in a scope, its inputs, and last in the file's own scope. Raises Unresolved."""
    parts = name.text.split(".")
    for place in (scope, scope.file) if scope.file is not None else (scope,):
        if name.text in place.inputs:
            return place.inputs[name.text]
        found: Producer | None = place.names.get(parts[0])
        for part in parts[1:]:
            while isinstance(found, LeftOut) and isinstance(found.reads, Scope):
                found = found.reads
            found = found.names.get(part) if isinstance(found, Scope) else None
        if found is not None:
            return found
    raise Unresolved(name, known_names(scope))


def known_names(scope: Scope) -> list[str]:
    """Return the names that can be read from a scope, those nearby first."""
    known = [*scope.inputs, *scope.names]
    for name, entry in scope.names.items():
        if isinstance(entry, Scope) and len(known) < 1_000:
            known += [f"{name}.{inner}" for inner in known_names(entry) if inner not in entry.inputs]
    return known
