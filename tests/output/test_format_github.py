"""github: read back as GitHub's runner reads it."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_reports import ODD, ODD_PATHS, diagnostic, odd, real, rendered, report, span, verification, wide

from shapecheck.findings.catalogue import Severity


class Command(NamedTuple):
    name: str
    properties: dict[str, str]
    data: str


def commands(text: str) -> list[Command]:
    """Read the log as the runner does: a line that starts with ``::``, properties up to the next, then data.

    Where a line is no such command, the older form ``##[command]`` is looked for anywhere in it.
    """
    result = []
    *lines, last = re.split("\r\n|\n|\r", text)
    assert last == ""
    for line in lines:
        head = line.lstrip()
        if not head.startswith("::"):
            assert "##[" not in line
            continue
        end = head.index("::", 2)
        name, _, listed = head[2:end].partition(" ")
        properties = {}
        for pair in filter(None, listed.strip().split(",")):
            key, _, value = pair.partition("=")
            properties[key] = unescaped(value, {":": "%3A", ",": "%2C"})
        result.append(Command(name, properties, unescaped(head[end + 2 :], {})))
    return result


def unescaped(text: str, more: dict[str, str]) -> str:
    for character, escape in {"\r": "%0D", "\n": "%0A", **more, "%": "%25"}.items():
        text = text.replace(escape, character)
    return text


def plain(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text.replace("\r\n", "\n"))


def accepted(command: Command) -> None:
    """Check what the runner checks: columns on one line only, and no end before its start."""
    properties = command.properties
    line, last = int(properties["line"]), int(properties["endLine"])
    assert line <= last
    if line != last:
        assert not {"col", "endColumn"} & set(properties)
    elif "col" in properties:
        assert int(properties["col"]) <= int(properties["endColumn"])


def test_real_findings_become_annotations() -> None:
    reports = real()
    read = commands(rendered("github", reports))
    *found, proof = [c for c in read if "line" in c.properties] + [c for c in read if "line" not in c.properties]
    wanted = [(r, d) for r in reports for d in r.diagnostics]
    assert len(found) == len(wanted)
    names = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
    for command, (one, d) in zip(found, wanted, strict=True):
        accepted(command)
        assert command.name == names[d.severity]
        assert command.properties["file"] == one.path
        assert command.properties["line"] == str(d.span.start.line)
        assert command.properties["col"] == str(d.span.start.column)
        assert command.properties["endColumn"] == str(d.span.end.column)
        assert command.properties["title"] == f"{d.code} {d.rule.name}"
        assert command.data == d.message + (f"\nhelp: {d.help}" if d.help else "")
    assert {c.name for c in found} == {"error", "warning", "notice"}
    assert proof.name == "notice"
    assert proof.data.startswith("nets/clean.net.yaml: proved: ")


@pytest.mark.parametrize("text", ODD)
def test_an_odd_text_stays_in_its_command(text: str) -> None:
    (command,) = commands(rendered("github", [report("a.net.yaml", [diagnostic(text)])]))
    assert command.data == f"{plain(text)}\nhelp: {plain(text)}"
    assert set(command.properties) == {"file", "line", "endLine", "col", "endColumn", "title"}


@pytest.mark.parametrize("path", ODD_PATHS)
def test_an_odd_path_stays_in_its_property(path: str) -> None:
    (command,) = commands(rendered("github", [report(path, [diagnostic("x")])]))
    assert command.properties["file"] == plain(path)
    assert command.properties["line"] == "2"


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="/\x00"), min_size=1))
def test_any_text_stays_in_its_command(text: str, name: str) -> None:
    reports = [report(f"x{name}.yaml", [diagnostic(text)], verification("refuted", text))]
    found, proof = commands(rendered("github", reports))
    assert found.data == plain(text) + (f"\nhelp: {plain(text)}" if text else "")
    assert found.properties["file"] == plain(f"x{name}.yaml")
    assert proof.name == "error"


def test_outcomes_of_proofs() -> None:
    results = ("proved", "refuted", "not_checked")
    reports = [report("a.net.yaml", verification=verification(result)) for result in results]
    assert [c.name for c in commands(rendered("github", reports))] == ["notice", "error", "warning"]


def test_columns_are_given_on_a_single_line_only() -> None:
    read = commands(rendered("github", [wide()]))
    for command in read:
        accepted(command)
    assert [(c.properties["line"], c.properties["endLine"], "col" in c.properties) for c in read] == [
        ("2", "4", False),
        ("2", "2", True),
        ("2", "2", True),
        ("1", "1", True),
    ]


def test_the_last_line_sums_up() -> None:
    assert rendered("github", real()).splitlines()[-1].startswith("Found 3 errors, 1 warning")
    for command in commands(rendered("github", odd())):
        if "line" in command.properties:
            accepted(command)


def test_a_whole_line_ends_on_it() -> None:
    (command,) = commands(rendered("github", [report("a", [diagnostic("x", where=span(3, 1, 4, 1))])]))
    assert (command.properties["line"], command.properties["endLine"]) == ("3", "3")
