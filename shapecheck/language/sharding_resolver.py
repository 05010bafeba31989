"""What is said of several devices, resolved: which axis of which array is split over which mesh axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shapecheck.findings.finding import Finding, Span
from shapecheck.graph.network import WHOLE, Dimension, Node, Sharding, Split
from shapecheck.language import vocabulary
from shapecheck.language.scope import LeftOut, Scope, Unresolved, find, known_names, resolve
from shapecheck.language.source import FILE_START
from shapecheck.language.templates import Axes, FileTemplate, Name, ShardingTemplate
from shapecheck.text import suggest


def resolved_sharding(
    file: FileTemplate, nodes: Sequence[Node], dims: Mapping[str, Dimension], top: Scope
) -> tuple[Sharding | None, list[Finding]]:
    """Return what a file's ``sharding`` means for its expanded layers, and what is wrong with it.

    None where there is no sharding, or where it is wrong: what is half understood would be judged wrongly.
    """
    if file.sharding is None:
        return None, []
    resolver = _Resolver(file.sharding, nodes, dims, top)
    sharding = resolver.run()
    return (None if resolver.findings else sharding), resolver.findings


def unused_axes(file: FileTemplate, sharding: Sharding | None) -> list[Finding]:
    """Return a finding for each axis of the file's mesh over which nothing is split."""
    if sharding is None or file.sharding is None:
        return []
    splits = [split for splits in (*sharding.inputs.values(), *sharding.outputs.values()) for split in splits]
    used = {axis for split in (*splits, *sharding.channels.values()) for axis in split.axes}
    return [
        Finding.of(
            "unused-mesh-axis",
            f"nothing is split over the mesh axis {axis}: its {size} devices do the same work",
            span,
            None,
            "split a dimension or channels over it, or remove it",
        )
        for axis, (size, span) in file.sharding.mesh.items()
        if axis not in used and size > 1 and span is not None
    ]


class _Resolver:
    def __init__(
        self, told: ShardingTemplate, nodes: Sequence[Node], dims: Mapping[str, Dimension], top: Scope
    ) -> None:
        self.told = told
        self.nodes = nodes
        self.dims = dims
        self.top = top
        self.findings: list[Finding] = []

    def run(self) -> Sharding:
        inputs = self._inputs()
        channels, outputs = self._layers()
        mesh = {axis: size for axis, (size, _) in self.told.mesh.items()}
        return Sharding(mesh, inputs, channels, outputs, self.told.span)

    def report(self, rule: str, message: str, name: Name, help: str, layer: str | None = None) -> None:
        """Note one mistake."""
        self.findings.append(Finding.of(rule, message, name.span, layer, help))

    def _split(self, axes: Axes) -> Split:
        """Return a split, having looked its mesh axes up."""
        seen = []
        for name in axes:
            if name.text not in self.told.mesh:
                known = list(self.told.mesh)
                given = "" if any(span is not None for _, span in self.told.mesh.values()) else " that --mesh gives"
                self.report(
                    "unknown-mesh-axis",
                    f"the mesh{given} has no axis {name.text}",
                    name,
                    suggest(name.text, known, "mesh axes"),
                )
            seen.append(name.text)
        span = axes[0].span if axes and axes[0].span is not FILE_START else None
        return Split(tuple(seen), span)

    def _once(self, what: str, place: Span, splits: Iterable[tuple[Split, Axes]]) -> None:
        """Report a mesh axis over which two axes of one array are split."""
        seen: set[str] = set()
        for split, names in splits:
            for at, axis in enumerate(split.axes):
                if axis in seen:
                    self.report(
                        "mesh-axis-twice",
                        f"{what} is split twice over the mesh axis {axis}: each device would hold one part of many",
                        Name(axis, place if names[at].span is FILE_START else names[at].span),
                        "split one of its axes over another mesh axis, or leave it whole with _",
                        what,
                    )
                    return
                seen.add(axis)

    def _inputs(self) -> dict[int, tuple[Split, ...]]:
        by_name: dict[str, tuple[Split, Axes]] = {}
        for name, axes in self.told.dims:
            if name.text not in self.dims:
                help = suggest(name.text, self.dims, "dimensions")
                self.report("unknown-dimension", f"no input has a dimension called {name.text}", name, help)
            by_name[name.text] = (self._split(axes), axes)
        own = {name.text: (name, [(self._split(axes), axes) for axes in splits]) for name, splits in self.told.inputs}
        found = {}
        inputs = {node.name: node for node in self.nodes if node.layer is None}
        for text, (name, _) in own.items():
            if text not in inputs:
                help = suggest(text, inputs, "inputs")
                self.report("unknown-reference", f"no input is called {text}", name, help)
        for node in inputs.values():
            rank = len(node.dims)
            splits = [by_name.get(dim or "", (WHOLE, ())) for dim in node.dims]
            if node.name in own:
                name, splits = own[node.name]
                if len(splits) != rank and splits:
                    message = f"{node.name} has {rank} axes, but sharding lists {len(splits)}"
                    help = f"write a mesh axis or {vocabulary.ANY_SIZE} for each"
                    self.report("wrong-number-of-axes", message, name, help, node.name)
                    continue
            self._once(node.name, node.source.span, splits)
            found[node.index] = tuple(split for split, _ in splits)
        return found

    def _layers(self) -> tuple[dict[int, Split], dict[int, tuple[Split, ...]]]:
        default = self._split(self.told.channels)
        layers = [node for node in self.nodes if node.layer is not None]
        channels = dict.fromkeys((node.index for node in layers), default)
        outputs: dict[int, tuple[Split, ...]] = {}
        # Those of a block come before those of what is in it.
        for template in sorted(self.told.layers, key=lambda template: template.name.text.count(".")):
            own = None if template.channels is None else self._split(template.channels)
            splits = [(self._split(axes), axes) for axes in template.output or ()]
            self._once(template.name.text, template.name.span, splits)
            try:
                place = find(self.top, template.name)
                if isinstance(place, LeftOut):
                    continue
                output = resolve(place)
            except Unresolved as error:
                if not error.reported:
                    help = suggest(template.name.text, known_names(self.top), "layers")
                    message = f"nothing here is called {template.name.text}"
                    self.report("unknown-reference", message, template.name, help)
                continue
            if own is not None:
                channels |= dict.fromkeys(_inside(template.name.text, layers, output, place), own)
            if splits:
                outputs[output] = tuple(split for split, _ in splits)
        return {index: split for index, split in channels.items() if split.axes}, outputs


def _inside(name: str, layers: Sequence[Node], output: int, place: object) -> Iterable[int]:
    """Return the layers that a name means: one layer, or all that are in a block."""
    if not isinstance(place, Scope):
        return (output,)
    return (node.index for node in layers if node.name.startswith(f"{name}."))
