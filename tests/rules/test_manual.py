"""Each rule's manual page: it has one form, and its examples are run."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml
from manual_pages import NAMES, example, examples, page, run

from shapecheck import pipeline
from shapecheck.findings.catalogue import RULES, Phase
from shapecheck.findings.checked import Report
from shapecheck.findings.manual import folder
from shapecheck.findings.manual import page as manual
from shapecheck.rules import CHECKS, EXPLANATIONS

PACKAGE = Path(pipeline.__file__).parent
SECTIONS = ["What it does", "Why it matters", "An example that fails", "An example that passes", "Instead", "Source"]
# Rules of which no file can be an example, and why.
NO_FAILING_EXAMPLE = {"witness-disagrees": "a network on which both witnesses differ is a defect of ours"}
# Rules that only a run of the network can break: tests/verification/reference/test_run.py runs their failing example,
# marked verified.
BY_A_RUN = ("not-finite", "no-gradient")
NO_FAILING_EXAMPLE |= dict.fromkeys(BY_A_RUN, "check does not find it")
NO_FAILING_EXAMPLE["numbers-differ"] = "on a GPU that works, every layer agrees"
# Rules that speak only beside another one.
BESIDE = {"neighbour-works": "merge-mismatch"}


def told(report: Report) -> str:
    return "\n".join(f"{d.span.start.line}: {d.code} {d.message}" for d in report.diagnostics)


@pytest.mark.parametrize("name", NAMES)
def test_page_has_the_form_of_all_pages(name: str) -> None:
    text = page(name)
    first, blank, *rest = text.split("\n")
    assert first.endswith(".") and not blank
    assert re.findall(r"^## (.*)$", text, flags=re.MULTILINE) == SECTIONS
    prose = re.sub(r"^```.*?^```$", "(example)", "\n".join(rest), flags=re.DOTALL | re.MULTILINE)
    for section in re.split(r"^## .*$", prose, flags=re.MULTILINE)[1:]:
        assert section.strip(), f"a section of {name} is empty"


@pytest.mark.parametrize("name", NAMES)
def test_page_is_printed_with_its_code(name: str) -> None:
    info = RULES[name]
    assert manual(info).startswith(f"# {info.code} {name} ({info.severity})\n\n{page(name)[:40]}")


@pytest.mark.parametrize("name", NAMES)
def test_page_has_one_example_of_each_kind(name: str) -> None:
    outcomes = [e.outcome for e in examples(name)]
    first = ["verified"] if name in BY_A_RUN else [] if name in NO_FAILING_EXAMPLE else ["fails"]
    assert outcomes == [*first, "passes"]
    assert {e.kind for e in examples(name)} <= {"yaml", "bytes"}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NO_FAILING_EXAMPLE])
def test_failing_example_has_this_one_finding_where_it_says(name: str) -> None:
    e = example(name, "fails")
    marked = [number for number, line in enumerate(e.text.split("\n"), 1) if line.endswith("# here")]
    (line,) = [int(e.options["line"])] if "line" in e.options else marked
    report = run(e)
    (found,) = [d for d in report.diagnostics if d.rule.name != BESIDE.get(name)]
    assert found.rule.name == name, told(report)
    assert found.span.start.line == line, told(report)
    assert found.severity is RULES[name].severity
    assert len(report.diagnostics) == 1 + (name in BESIDE)


@pytest.mark.parametrize("name", NAMES)
def test_passing_example_has_no_finding(name: str) -> None:
    e = example(name, "passes")
    report = run(e)
    assert not report.diagnostics, told(report)
    assert report.network is not None and report.shapes is not None
    # A page on comments that keep findings quiet has a finding to keep quiet.
    assert "shapecheck: ignore" in e.text or all(shape is not None for shape in report.shapes.outputs)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NO_FAILING_EXAMPLE])
def test_passing_example_mends_the_failing_one(name: str) -> None:
    """Both are the same network but for what was mended."""
    failing, passing = (
        [line.removesuffix("# here").rstrip() for line in re.split(r"\\n|\n", example(name, outcome).text)]
        for outcome in ("fails", "passes")
    )
    assert failing != passing
    assert set(failing) & set(passing) - {""}


def test_codes_are_unique_and_in_order() -> None:
    codes = [rule.code for rule in RULES.values()]
    assert codes == sorted(set(codes)) and all(re.fullmatch(r"SC\d{3}", code) for code in codes)


@pytest.mark.parametrize("name", NAMES)
def test_front_matter_is_the_catalogue(name: str) -> None:
    rule = RULES[name]
    text = (folder() / f"{rule.code}.md").read_text(encoding="utf-8")
    said = yaml.safe_load(text.split("---\n")[1])
    since = said.pop("since")
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?", str(since))
    assert said.pop("default", True) is rule.default
    assert said == {"code": rule.code, "name": name, "severity": str(rule.severity), "phase": str(rule.phase)}


def test_every_page_is_of_a_rule() -> None:
    assert {path.stem for path in folder().iterdir()} == {rule.code for rule in RULES.values()}


def test_what_is_judged_has_a_check_and_nothing_else_has() -> None:
    assert list(CHECKS) == sorted(CHECKS, key=lambda name: RULES[name].code)
    assert set(CHECKS) <= {name for name, rule in RULES.items() if rule.phase is Phase.JUDGED}
    assert {RULES[name].phase for name in EXPLANATIONS} == {Phase.PROPAGATED}


def rule_names() -> dict[str, set[str]]:
    """Return every rule name by which the package makes a finding, with the places."""
    names: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or not call.args:
                continue
            if ast.unparse(call.func).removeprefix("self.").removeprefix("reader.") not in (
                "Finding.of",
                "Problem",
                "report",
            ):
                continue
            for part in ast.walk(call.args[0]):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value != "rule":
                    names.setdefault(part.value, set()).add(f"{path.relative_to(PACKAGE)}:{call.lineno}")
    return names


def test_every_finding_names_a_rule() -> None:
    made = rule_names()
    assert len(made) > 50
    assert not {name: places for name, places in made.items() if name not in RULES}


def words() -> set[str]:
    """Return every text in the package, but for those that something is compared with."""
    found: set[str] = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        compared = {id(part) for node in ast.walk(tree) if isinstance(node, ast.Compare) for part in ast.walk(node)}
        texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in compared)
        found |= {node.value for node in texts if isinstance(node.value, str)}
    return found


def test_every_rule_is_used() -> None:
    assert not set(RULES) - words()


def test_no_rule_is_without_an_example_for_no_reason() -> None:
    assert set(NO_FAILING_EXAMPLE) <= set(RULES)
