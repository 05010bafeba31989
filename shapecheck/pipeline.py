"""The whole pipeline: text, document, templates, network, shapes, findings, diagnostics."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from shapecheck.analysis.propagation import Shapes, Trouble, propagate
from shapecheck.analysis.transposed.ambiguity import resolve
from shapecheck.findings import suppressions
from shapecheck.findings.catalogue import RULES, Severity
from shapecheck.findings.finding import Edit, Finding, Fix, NetworkError
from shapecheck.findings.outcome import Outcome
from shapecheck.findings.selection import DEFAULT as EVERY_DEFAULT
from shapecheck.findings.selection import Selection
from shapecheck.graph.network import Network
from shapecheck.language.assembly import assemble
from shapecheck.language.document import collector_off, parse
from shapecheck.language.limits import DEFAULT_LIMITS, Limits
from shapecheck.language.reader import read
from shapecheck.language.source import read_file
from shapecheck.language.spelling import suggest
from shapecheck.language.templates import FileTemplate
from shapecheck.rules import CHECKS, EXPLANATIONS
from shapecheck.rules.input_sizes import size_findings
from shapecheck.rules.transposed_size import ambiguous_findings, mended_by_padding

Prepare = Callable[[FileTemplate], None]
_NUMBERS = re.compile(r"-?[0-9]+( x -?[0-9]+)*")


class Report(Outcome):
    """The outcome of a check with all that led to it.

    ``network`` and ``shapes`` are None where the file could not be read.
    """

    def __init__(
        self, path: str, text: str, network: Network | None, shapes: Shapes | None, diagnostics: tuple[Finding, ...]
    ) -> None:
        super().__init__(path, text, diagnostics, 0 if network is None else len(network.layers))
        self.network = network
        self.shapes = shapes

    @property
    def readable(self) -> bool:
        """Whether there is a network to look at: nothing was wrong in reading it."""
        reading = (d for d in self.diagnostics if d.code.startswith(("SC0", "SC1")))
        return self.network is not None and all(d.severity is not Severity.ERROR for d in reading)

    @property
    def ok_shapes(self) -> bool:
        """Whether no shape rule is broken."""
        return self.shapes is not None and not self.shapes.troubles

    def add(self, findings: list[Finding], selection: Selection = EVERY_DEFAULT) -> None:
        """Add what was found later, by the second witness, less what is ignored.

        What was asked for by another command is reported whatever ``selection`` selects.
        """
        suppressed, _ = suppressions.read(self.text)
        chosen = selection._replace(select=None)
        wanted = [d for d in diagnostics(findings) if chosen.allows(d.rule)]
        wanted, _ = suppressions.apply(wanted, suppressed, chosen)
        told = [d._replace(severity=selection.severity_of(d.rule, d.severity)) for d in wanted]
        self.diagnostics = tuple(sorted((*self.diagnostics, *told), key=lambda d: (d.span.start, d.code)))


@collector_off()
def read_text(text: str, path: str, limits: Limits = DEFAULT_LIMITS) -> tuple[FileTemplate | None, list[Finding]]:
    """Return the templates of a text, or None where it is no mapping, and what is wrong with it."""
    root = parse(text, limits)
    if isinstance(root, Finding):
        return None, [root]
    return read(root, path, limits)


@collector_off()
def check_text(
    text: str,
    path: str,
    overrides: Mapping[str, Any] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    selection: Selection = EVERY_DEFAULT,
    prepare: Prepare | None = None,
) -> Report:
    """Check the text of one file. ``overrides`` gives params and dimensions other values by name.

    ``prepare`` changes what was read of the text before it is checked.
    """
    file, findings = read_text(text, path, limits)
    if file is None:
        return Report(path, text, None, None, controlled(findings, text, selection))
    if prepare is not None:
        prepare(file)
    return check_template(file, findings, text, path, overrides or {}, limits, selection)


@collector_off()
def check_template(
    file: FileTemplate,
    found: list[Finding],
    text: str,
    path: str,
    overrides: Mapping[str, Any],
    limits: Limits,
    selection: Selection = EVERY_DEFAULT,
    earlier: Shapes | None = None,
) -> Report:
    """Check a file that has been read, with what was ``found`` in reading it.

    ``earlier`` are the shapes before an edit; what does not lie behind the edit is then not computed again.
    """
    network, more = assemble(file, overrides, limits, found)
    if any(finding.rule.name in ("endless-block", "too-many-layers") for finding in more):
        # What was cut off while its blocks were placed is not the network that is meant.
        return Report(path, text, None, None, controlled([*found, *more], text, selection))
    shapes = propagate(network, earlier=earlier)
    readable = not any(map(_is_error, (*found, *more)))
    wrong = list(size_findings(shapes)) if readable else []
    shapes.sound = readable and not any(map(_is_error, wrong))
    wrong += shape_findings(shapes, selection)
    return Report(path, text, network, shapes, controlled([*found, *more, *wrong], text, selection))


def check_file(path: str, overrides: Mapping[str, Any] | None = None, limits: Limits = DEFAULT_LIMITS) -> Report:
    """Check one file."""
    text = read_file(path, limits)
    if isinstance(text, Finding):
        return Report(path, "", None, None, diagnostics([text]))
    return check_text(text, path, overrides, limits)


def check_network(network: Network, text: str = "") -> Report:
    """Check a network that has been loaded."""
    shapes = propagate(network)
    return Report(network.path, text, network, shapes, diagnostics([*shape_findings(shapes), *size_findings(shapes)]))


@collector_off()
def load_text(text: str, path: str, overrides: Mapping[str, Any], limits: Limits = DEFAULT_LIMITS) -> Network:
    """Return the network of a text. Raises NetworkError where it cannot be read; warnings pass."""
    file, findings = read_text(text, path, limits)
    network = None
    if file is not None:
        network, more = assemble(file, overrides, limits, findings)
        findings += more
    found = diagnostics(findings)
    if network is None or any(d.severity is Severity.ERROR for d in found):
        raise NetworkError(found, path)
    known = {*file.params, *file.dimension_names()} if file is not None else set()
    for name in overrides:
        if name not in known:
            raise TypeError(f"{path} has no param or dimension {name!r}; {suggest(name, sorted(known), 'names')}")
    return network


def controlled(findings: list[Finding], text: str, selection: Selection) -> tuple[Finding, ...]:
    """Return findings as diagnostics, less those that the selection or a comment in the file keeps quiet."""
    suppressed, wrong = suppressions.read(text)
    wanted = [d for d in diagnostics(findings + wrong) if selection.allows(d.rule)]
    if suppressed:
        wanted, unused = suppressions.apply(wanted, suppressed, selection)
        wanted += [d for d in diagnostics(unused) if selection.allows(d.rule)]
        wanted.sort(key=lambda d: (d.span.start, d.code))
    if not selection.severity:
        return tuple(wanted)
    return tuple(d._replace(severity=selection.severity_of(d.rule, d.severity)) for d in wanted)


def shape_findings(shapes: Shapes, selection: Selection = EVERY_DEFAULT) -> list[Finding]:
    """Return a finding for every broken shape rule and whatever the rules find by themselves.

    Where a transposed layer leaves its size open, what follows from that is told once, at that layer, and the rest
    of the network is judged with the sizes that it demands.
    """
    ambiguity = resolve(shapes)
    sound = shapes.sound
    findings: list[Finding] = []
    if ambiguity is not None:
        findings += ambiguous_findings(ambiguity, shapes)
        told = {blocked.demand.at for verdict in ambiguity.layers for blocked in verdict.blocked}
        told -= {blocked.demand.at for blocked in ambiguity.out_of_reach}
        shapes = ambiguity.shapes
    else:
        told = set()
    findings += [_trouble_finding(shapes, trouble) for trouble in shapes.troubles if trouble.node not in told]
    findings = mended_by_padding(shapes, findings)
    shapes.sound = sound and not any(map(_is_error, findings))
    for name, check in CHECKS.items():
        if selection.allows(RULES[name]):
            more = list(check(shapes))
            findings += more
            # Rules run in the order of their codes, and those that give advice come last.
            shapes.sound = shapes.sound and not any(map(_is_error, more))
    return findings


def _is_error(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR


def _trouble_finding(shapes: Shapes, trouble: Trouble) -> Finding:
    node = shapes.network.nodes[trouble.node]
    problem = trouble.problem
    span = node.source.keys.get(problem.key, node.source.span) if problem.key else node.source.span
    if trouble.expectation is not None:
        span = trouble.expectation.span
    finding = Finding.of(problem.rule, f"{node.name}: {problem.message}", span, node.name, problem.help)
    if problem.replacement is not None and problem.key in node.source.keys:
        edit = Edit(span, problem.replacement)
        finding = finding._replace(fix=Fix(f"write {problem.key}: {problem.replacement}", "safe", (edit,)))
    explain = EXPLANATIONS.get(problem.rule)
    return finding if explain is None else explain(finding, shapes, trouble)


def diagnostics(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return findings as diagnostics in file order, copies of one mistake in one block told once.

    Copies say the same of the same place, but for the sizes and the names of their own copy of the block; the
    first speaks for all.
    """
    groups: dict[tuple[Any, ...], list[Finding]] = {}
    for finding in findings:
        path = finding.layer.rpartition(".")[0] if finding.layer else ""
        said = finding.message.replace(f"{path}.", "") if path else finding.message
        groups.setdefault((finding.rule.name, finding.span, _NUMBERS.sub("#", said)), []).append(finding)
    result = [_diagnostic(group) for group in groups.values()]
    return tuple(sorted(result, key=lambda d: (d.span.start, d.code)))


def _diagnostic(group: list[Finding]) -> Finding:
    first = group[0]
    message = first.message
    others = [name for name in dict.fromkeys(f.layer for f in group) if name not in (None, first.layer)]
    if others:
        listed = ", ".join(str(name) for name in others[:3])
        here = "" if first.layer in (None, message.partition(":")[0]) else f"at {first.layer}, "
        message += f" ({here}and likewise at {listed}{f' and {len(others) - 3} more' if len(others) > 3 else ''})"
    # A layer in a block stands for all its copies: a fix is for all of them or for none.
    fix = first.fix if all(finding.fix == first.fix for finding in group) else None
    return first._replace(message=message, fix=fix)
