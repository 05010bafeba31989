"""markdown: read by a CommonMark parser with tables, and nothing in a cell but text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from sample_reports import ODD, ODD_PATHS, diagnostic, odd, real, rendered, report, verification

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.checked import Report
from shapecheck.output import markdown

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def tables(text: str) -> list[list[list[str]]]:
    """Return the cells of every table, as text; a line break is a newline. Any other markup fails."""
    result: list[list[list[str]]] = []
    inside = False
    for token in PARSER.parse(text):
        if token.type == "table_open":
            result.append([])
            inside = True
        elif token.type == "table_close":
            inside = False
        elif token.type == "tr_open":
            result[-1].append([])
        elif token.type == "inline" and inside:
            result[-1][-1].append("".join(shown(child) for child in token.children or []))
    return result


def shown(token: Token) -> str:
    if token.type == "html_inline":
        assert token.content == "<br>"
        return "\n"
    assert token.type in ("text", "text_special"), token.type
    return token.content


def plain(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text.replace("\r\n", "\n"))


def test_real_findings_are_rows() -> None:
    reports = real()
    text = rendered("markdown", reports)
    findings, proofs = tables(text)
    head, *rows = findings
    assert head == ["Place", "Code", "Severity", "Message"]
    wanted = [(r, d) for r in reports for d in r.diagnostics]
    for row, (one, d) in zip(rows, wanted, strict=True):
        place = f"{one.path}:{d.span.start.line}:{d.span.start.column}"
        message = d.message + (f"\nhelp: {d.help}" if d.help else "")
        assert row == [place, d.code, str(d.severity), message]
    assert {row[2] for row in rows} == {"error", "warning", "info"}
    assert proofs[1][:2] == ["nets/clean.net.yaml", "proved"]
    assert "\n**Found 3 errors, 1 warning" in text


def test_a_clean_file_is_a_verdict_without_tables() -> None:
    text = rendered("markdown", [report("a.net.yaml")])
    assert tables(text) == []
    assert "**All shapes fit: 1 file" in text


@pytest.mark.parametrize("text", ODD)
def test_an_odd_text_is_text(text: str) -> None:
    ((_, row), (_, proof)) = tables(
        rendered("markdown", [report("a.net.yaml", [diagnostic(text)], verification("not_checked", text))])
    )
    assert row == ["a.net.yaml:2:3", "SC001", "error", plain(f"{text}\nhelp: {text}").strip()]
    assert proof == ["a.net.yaml", "not checked", plain(f"not checked: {text}").strip()]


@pytest.mark.parametrize("path", ODD_PATHS)
def test_an_odd_path_is_text(path: str) -> None:
    ((_, row),) = tables(rendered("markdown", [report(path, [diagnostic("x", Severity.INFO)])]))
    assert row == [plain(f"{path}:2:3"), "SC001", "info", "x\nhelp: x"]


@given(st.text())
def test_any_text_is_text(text: str) -> None:
    ((_, row),) = tables(rendered("markdown", [report("a.net.yaml", [diagnostic(f"<{text}>")])]))
    assert row[3] == plain(f"<{text}>\nhelp: <{text}>")


def test_all_odd_reports() -> None:
    reports: list[Report] = odd()
    findings, proofs = tables(rendered("markdown", reports))
    assert len(findings) - 1 == sum(len(r.diagnostics) for r in reports)
    assert len(proofs) - 1 == sum(r.verification is not None for r in reports)


def test_a_summary_stays_below_what_github_takes() -> None:
    many = [
        report(f"{n}.net.yaml", [diagnostic("😀" * 1000)] * 10, verification("proved", "x" * 99)) for n in range(500)
    ]
    text = rendered("markdown", many)
    assert len(text.encode("utf-8")) < 1024 * 1024
    assert "more rows, which this summary has no room for" in text
    assert len(tables(text)) == 2
    assert markdown.MOST_BYTES < 1024 * 1024
