"""Reports to print: of real networks, and of findings whose every text is odd."""

from __future__ import annotations

import io
from collections.abc import Iterable

from texts import check_file, check_text

from shapecheck.findings.catalogue import RULES, Severity
from shapecheck.findings.checked import Report, Settings
from shapecheck.findings.finding import Applicability, Edit, Finding, Fix, Position, Related, Span
from shapecheck.output import FORMATS, renderer
from shapecheck.verification import Disagreement, NotChecked, Verification

EXCHANGE = [name for name in FORMATS if name not in ("text", "concise", "json")]

CLEAN = """\
shapecheck: 1
inputs: {image: [N, 3, 32, 32]}
layers:
  - {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
"""
# An error with related places and a fix, behind a letter outside the BMP on its own line.
WRONG = """\
shapecheck: 1
inputs: {image: [8, 16, 32, 32]}
layers:
  - {name: a𝔘, op: conv, out_channels: 32, kernel_size: 3, padding: 1, in_channels: 3}
  - {name: down, op: max_pool, kernel_size: 2, from: image}
  - {name: join, op: add, from: [image, down]}
"""
# A warning and notes.
WARNED = """\
shapecheck: 1
inputs: {image: [N, 8, H, W]}
dims: {H: 32, W: 32}
layers:
  - {name: down, op: conv, out_channels: 16, kernel_size: 3, stride: 2, padding: 1}
  - {name: up, op: conv_transpose, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
"""
ODD = [
    "plain",
    "<script>alert(1)</script>",
    "<!-- --><b title='x'>&amp;&#65;",
    "a|b",
    "a\\|b\\",
    "]]>",
    "one\ntwo\r\nthree\rfour",
    "::error file=x::y",
    "##[error]z",
    "100%25, a=b: c;d",
    "`code` **bold** _i_ ~~s~~ $x$",
    "[text](http://example.invalid) ![i](j) [k][l]",
    "{0} {1, 2} {} {{3}}",
    "\"double\" 'single'",
    "\x1b[31mred\x00\x07\x85\ufffe\uffff",
    "half \ud83d of a letter",
    "😀 𝔘 é",
    "\u202ebidi \u2028 \u00a0",
    "@user #1 :smile:",
    "  spaces  ",
]
ODD_PATHS = [
    "nets/a,b:c=d%41.net.yaml",
    "<script>.net.yaml",
    "a|b `c` [d](e).net.yaml",
    "é 😀 #?&.net.yaml",
    "bad\udcff.net.yaml",
    "..dots.net.yaml",
    "line\nbreak.net.yaml",
    "<stdin>",
]


def span(line: int, column: int, end_line: int, end_column: int) -> Span:
    return Span(Position(line, column), Position(end_line, end_column))


PLACE = span(2, 3, 2, 7)


def diagnostic(text: str, severity: Severity = Severity.ERROR, where: Span = PLACE) -> Finding:
    """Return a finding that says ``text`` wherever it says something."""
    info = RULES["unreadable-file"]
    related = (Related(text, where), Related(text, span(1, 1, 1, 1)))
    fix = Fix(text, Applicability.UNSAFE, (Edit(where, text), Edit(span(1, 1, 1, 1), text)))
    return Finding(info, severity, text, where, text, text, related, fix)


def report(path: str, diagnostics: Iterable[Finding] = (), verification: Verification | None = None) -> Report:
    result = Report(Settings(path), "", tuple(diagnostics))
    result.verification = verification
    return result


def verification(result: str, text: str = "down") -> Verification:
    refuted = (Disagreement(text, (1, 2), None, text),) if result == "refuted" else ()
    unchecked = (NotChecked(None, text),) if result == "not_checked" else ()
    return Verification("compile", "cpu", result, 3, refuted, unchecked, {text: 3}, 0.1)


def real() -> list[Report]:
    """Return reports as check makes them: errors, warnings, notes, a clean file, one that cannot be read."""
    reports = [
        check_text(WRONG, "nets/wrong.net.yaml"),
        check_text(WARNED, "nets/warned.net.yaml"),
        check_text(CLEAN, "nets/clean.net.yaml"),
        check_file("nets/there-is-none.net.yaml"),
    ]
    reports[2].verification = verification("proved")
    return reports


def odd() -> list[Report]:
    """Return reports in which every text and every path is odd."""
    severities = list(Severity)
    reports = [report(path, [diagnostic(text) for text in ODD]) for path in ODD_PATHS]
    reports += [report(f"{n}.net.yaml", [diagnostic(t, severities[n % 3])]) for n, t in enumerate(ODD)]
    reports.append(report("empty.net.yaml"))
    for n, text in enumerate(ODD):
        for result in ("proved", "refuted", "not_checked"):
            reports.append(report(f"{n}-{result}.net.yaml", verification=verification(result, text)))
    return reports


def wide() -> Report:
    """Return a report whose findings span lines."""
    places = [span(2, 3, 4, 5), span(2, 3, 3, 1), span(2, 3, 2, 3), span(1, 1, 1, 1)]
    return report("wide.net.yaml", [diagnostic("x", Severity.WARNING, where) for where in places])


def rendered(name: str, reports: list[Report]) -> str:
    stream = io.StringIO()
    renderer(name).render(reports, stream, False)
    return stream.getvalue()
