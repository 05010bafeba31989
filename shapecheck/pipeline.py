"""The way from a text to findings, and the only one: read, assembled, propagated, judged, told.

Each phase adds to what was found. A rule is asked where the phases before it got as far, and stayed as clean, as the
catalogue says that it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.analysis.transposed.ambiguity import resolve
from shapecheck.findings import fixes, suppressions
from shapecheck.findings.catalogue import RULES, Phase, Rule, Severity
from shapecheck.findings.checked import Origin, Report, Settings
from shapecheck.findings.copies import merged
from shapecheck.findings.finding import Advice, Finding, NetworkError
from shapecheck.findings.limits import DEFAULT_LIMITS, Limits
from shapecheck.graph.network import Network
from shapecheck.language.assembly import assemble
from shapecheck.language.document import collector_off, parse
from shapecheck.language.reader import read
from shapecheck.language.templates import FileTemplate
from shapecheck.layers.context import Problem
from shapecheck.rules import CHECKS, EXPLANATIONS
from shapecheck.rules.error_causes import with_causes
from shapecheck.rules.input_sizes import size_findings
from shapecheck.rules.transposed_size import ambiguous_findings, mended_by_padding
from shapecheck.text import suggest

Prepare = Callable[[FileTemplate], None]
_SIZE_RULES = [rule for rule in RULES.values() if rule.clean is Phase.ASSEMBLED and rule.phase is Phase.JUDGED]


class UnusableValue(ValueError):
    """A dimension cannot have the size that it is given; the message says why."""


class Reading(NamedTuple):
    """A text as read: its templates, None where it is no mapping, and what is wrong with it."""

    file: FileTemplate | None
    findings: list[Finding]


class _Course:
    """What was found on the way, and how far it led. ``whole`` says whether every layer could be looked at."""

    def __init__(self, settings: Settings, text: str) -> None:
        self.settings = settings
        self.text = text
        self.findings: list[Finding] = []
        self.reached: Phase | None = None
        # The rules whose findings are errors, each with the phase in which that counts.
        self.errors: set[tuple[Phase, Rule]] = set()
        self.names: frozenset[str] | None = None
        self.whole = False

    def add(self, findings: Iterable[Finding], phase: Phase) -> None:
        """Note what was found in a phase. What belongs to a later one, such as a mesh, leaves this one clean."""
        for finding in findings:
            self.findings.append(finding)
            if finding.severity is Severity.ERROR:
                self.errors.add((max(phase, finding.rule.phase), finding.rule))

    @property
    def unclean(self) -> Phase | None:
        return min((phase for phase, _ in self.errors), default=None)

    def asks(self, rule: Rule) -> bool:
        """Say whether a rule is wanted, and can be asked of what there is by now."""
        if not self.settings.selection.allows(rule):
            return False
        unclean = self.unclean
        started = rule.phase is Phase.READ or (self.reached is not None and self.reached >= rule.phase - 1)
        return started and (rule.clean is None or unclean is None or unclean > rule.clean)

    def knows(self, rule: Rule) -> bool:
        """Say whether there is nothing that a rule could have found and did not.

        An error in the same phase or before may hide what stands at the same place or behind it.
        """
        if not self.asks(rule) or rule.phase is Phase.VERIFIED:
            return False
        hidden = any(phase <= rule.phase and other is not rule for phase, other in self.errors)
        return not hidden and (self.whole or rule.phase < Phase.PROPAGATED)

    def report(self, network: Network | None = None, shapes: Shapes | None = None) -> Report:
        """Return what was found as it is told."""
        report = Report(self.settings, self.text, self._told(), network, shapes)
        report.reached, report.unclean, report.names = self.reached, self.unclean, self.names
        if self.reached is not Phase.JUDGED or self.errors:
            selection = self.settings.selection
            report.not_run = tuple(
                rule.name
                for rule in RULES.values()
                if rule.phase is not Phase.VERIFIED and selection.allows(rule) and not self.asks(rule)
            )
        return report

    def _asked_for(self, causes: Iterable[Finding]) -> list[Finding]:
        return [cause for cause in causes if self.settings.selection.allows(cause.rule)]

    def _told(self) -> tuple[Finding, ...]:
        """Return the findings less those that the choice of rules or a comment in the file keeps quiet."""
        selection = self.settings.selection
        suppressed, wrong = suppressions.read(self.text)
        every = [*self.findings, *wrong]
        if self.unclean is not None and self.unclean <= Phase.ASSEMBLED:
            # What a shape is cannot be known there, and so not how to mend one.
            every = [d if d.rule.phase < Phase.PROPAGATED else d._replace(fix=None) for d in every]
        told = merged(every)
        wanted = [d for d in told if selection.allows(d.rule)]
        # Of an error that is not wanted, what explains it may be.
        wanted += dict.fromkeys(c for d in told if not selection.allows(d.rule) for c in self._asked_for(d.causes))
        wanted.sort(key=lambda d: (d.span.start, d.code))
        if suppressed:
            wanted, idle = suppressions.apply(wanted, suppressed)
            unused = suppressions.unused(idle, suppressed, selection, self.knows)
            wanted += [d for d in merged(unused) if selection.allows(d.rule)]
            wanted.sort(key=lambda d: (d.span.start, d.code))
        if not selection.severity:
            return tuple(wanted)
        return tuple(d._replace(severity=selection.severity_of(d.rule, d.severity)) for d in wanted)


@collector_off()
def read_text(text: str | Finding, path: str, limits: Limits = DEFAULT_LIMITS) -> Reading:
    """Return the templates of a text and what is wrong with it; a finding stands for a text that is not to be had."""
    root = text if isinstance(text, Finding) else parse(text, limits)
    if isinstance(root, Finding):
        return Reading(None, [root])
    return Reading(*read(root, path, limits))


@collector_off()
def check(text: str | Finding, settings: Settings, prepare: Prepare | None = None) -> Report:
    """Check a text; a finding stands for one that is not to be had. Raises UnusableValue.

    ``prepare`` changes what was read of the text before it is checked.
    """
    reading = read_text(text, settings.path, settings.limits)
    return judge(reading, "" if isinstance(text, Finding) else text, settings, prepare)


@collector_off()
def judge(reading: Reading, text: str, settings: Settings, prepare: Prepare | None = None) -> Report:
    """Check a text that was read. Raises UnusableValue."""
    _require_sizes(reading.file, settings)
    course = _Course(settings, text)
    network = _assembled(course, reading, prepare)
    report = course.report() if network is None else _judged(course, network)
    report.again = partial(check, settings=settings, prepare=prepare)
    return report


def _require_sizes(file: FileTemplate | None, settings: Settings) -> None:
    names = set() if file is None else file.dimension_names() - file.params.keys()
    for name, value in settings.values.items():
        if name in names and (type(value) is not int or value < 1):
            raise UnusableValue(f"the size of dimension {name} is a whole number of at least 1, found {value}")


def offered(report: Report) -> Report:
    """Return a report with those of its fixes that were proved on a copy: a check more, where there are any."""
    return report if report.again is None else fixes.proved(report, report.again)


@collector_off()
def load(text: str | Finding, settings: Settings, baseline: Path | None = None) -> Network:
    """Return the network of a text. Raises NetworkError where it cannot be read; warnings pass.

    Raises TypeError for a name in ``settings.values`` that the text does not have.
    """
    course = _Course(settings, "" if isinstance(text, Finding) else text)
    network = _assembled(course, read_text(text, settings.path, settings.limits), None)
    if network is None or course.errors:
        raise NetworkError(merged(course.findings), settings.path)
    assert course.names is not None
    for name in settings.values:
        if name not in course.names:
            known = suggest(name, sorted(course.names), "names")
            raise TypeError(f"{settings.path} has no param or dimension {name!r}; {known}")
    network.origin = Origin(course.text, settings, tuple(course.findings), course.names, baseline)
    return network


def check_network(network: Network, origin: Origin | None = None) -> Report:
    """Check a network that has been loaded: with its ``origin`` as its text is checked, without by its shapes alone."""
    if origin is None:
        origin = Origin("", Settings(network.path))
    course = _Course(origin.settings, origin.text)
    course.add(origin.findings, Phase.ASSEMBLED)
    course.reached = Phase.ASSEMBLED
    course.names = origin.names
    report = _judged(course, network)
    if origin.names is not None:
        report.again = partial(check, settings=origin.settings)
    return report


def add_verified(report: Report, findings: list[Finding]) -> None:
    """Add to a report what verification found, less what is ignored.

    What was asked for by another command is reported whatever is selected.
    """
    selection = report.settings.selection
    suppressed, _ = suppressions.read(report.text)
    chosen = selection._replace(select=None)
    wanted, _ = suppressions.apply([d for d in merged(findings) if chosen.allows(d.rule)], suppressed)
    told = [d._replace(severity=selection.severity_of(d.rule, d.severity)) for d in wanted]
    report.diagnostics = tuple(sorted((*report.diagnostics, *told), key=lambda d: (d.span.start, d.code)))


def _assembled(course: _Course, reading: Reading, prepare: Prepare | None) -> Network | None:
    """Return the network of a text that was read, or None where there is none."""
    file = reading.file
    course.add(reading.findings, Phase.READ)
    if file is None:
        return None
    if prepare is not None:
        prepare(file)
    course.reached = Phase.READ
    course.names = frozenset((*file.params, *file.dimension_names()))
    settings = course.settings
    values = {name: value for name, value in settings.values.items() if name in course.names}
    assembly = assemble(file, values, settings.limits)
    course.add(assembly.findings, Phase.ASSEMBLED)
    if not assembly.whole:
        # What was cut off while its blocks were placed is not the network that is meant.
        return None
    course.reached = Phase.ASSEMBLED
    if course.unclean is not None and course.unclean <= Phase.ASSEMBLED:
        return assembly.network
    # A misspelt name leaves what it meant unused, and one mistake makes one finding.
    course.add(assembly.unused(), Phase.ASSEMBLED)
    return assembly.network


def _judged(course: _Course, network: Network) -> Report:
    """Propagate the shapes of a network and let the rules look at them.

    Where a transposed layer leaves its size open, what follows from that is told once, at that layer, and the rest
    of the network is judged with the sizes that it demands.
    """
    shapes = propagate(network)
    troubled = {problem.node for problem in shapes.troubles}
    course.whole = all(shape is not None or index in troubled for index, shape in enumerate(shapes.outputs))
    ambiguity = resolve(shapes)
    resolved = shapes
    findings: list[Finding] = []
    told: set[int] = set()
    if ambiguity is not None:
        findings += ambiguous_findings(ambiguity, shapes)
        told = {blocked.demand.at for layer in ambiguity.layers for blocked in layer.blocked}
        told -= {blocked.demand.at for blocked in ambiguity.out_of_reach}
        resolved = ambiguity.shapes
    findings += [_finding(resolved, problem) for problem in resolved.troubles if problem.node not in told]
    course.add(mended_by_padding(resolved, findings), Phase.PROPAGATED)
    course.reached = Phase.PROPAGATED
    if any(map(course.asks, _SIZE_RULES)):
        course.add(size_findings(shapes), Phase.JUDGED)
    for name, judgement in CHECKS.items():
        if course.asks(RULES[name]):
            course.add(judgement(resolved), Phase.JUDGED)
    course.reached = Phase.JUDGED
    report = course.report(network, shapes)
    report.advise = partial(_advised, resolved, course.text)
    return report


def _advised(shapes: Shapes, text: str, finding: Finding) -> Iterator[Advice]:
    """Yield what may mend a finding."""
    from shapecheck.rules.advice import advise  # a network in which nothing is found needs none

    return advise(shapes, text, finding)


def _finding(shapes: Shapes, problem: Problem) -> Finding:
    """Return what is told of a shape rule that is broken: where, in which layer, and what the network adds to it."""
    node = shapes.network.nodes[problem.node]
    stated = shapes.expectation(problem)
    span = node.source.place(problem.key) if problem.key else node.source.span
    finding = Finding.at(
        problem.rule,
        node.name,
        problem.message,
        span if stated is None else stated.span,
        problem.help,
        subject=(problem.key, problem.axis, problem.operand, problem.against),
    )
    explain = EXPLANATIONS.get(problem.rule)
    return with_causes(finding if explain is None else explain(finding, shapes, problem), shapes, problem)
