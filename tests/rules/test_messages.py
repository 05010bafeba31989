"""Every message that the package can print stands in a snapshot, in a manual page's example, or in the table below."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from manual_pages import NAMES, examples, run
from paths import NETWORKS, ROOT

from shapecheck import pipeline

PACKAGE = Path(pipeline.__file__).parent
# Where the message stands among the arguments of what makes it.
MAKERS = {"Finding.of": 1, "Finding.at": 2, "Problem": 1, "report": 1, "_at": 3, "ExpressionError": 0, "FieldError": 0}
# Templates with fewer letters of their own say nothing by themselves, such as "{node.name}: {message}".
SHORTEST = 8
# Messages that no network file can bring about, and why.
NOT_IN_A_FILE = {
    "the file cannot be read:": "the file system's own trouble",
    "this is a folder, not a file": "a folder is no file",
    "the file is not text: it holds the control character": "bytes: tests/language/test_documents.py",
    "the character U+": "not in a file of text: tests/language/test_syntax.py",
    "the arithmetic says": "a network on which both witnesses differ is a defect of ours",
    "; so it is with": "takes a GPU that errs: tests/verification/test_numbers_proof.py",
    "no value fits here": "the base of all kinds, never a kind itself",
    "  has no value": "a guard: each operation that could fail so is refused before",
    "was not decided within the budget": "takes a network of thousands of open layers",
}


class Template(NamedTuple):
    place: str
    pattern: str
    letters: str


def templates() -> list[Template]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if not isinstance(function, (ast.FunctionDef, ast.Module)):
                continue
            for call in own_calls(function):
                name = ast.unparse(call.func)
                at = MAKERS.get(name, MAKERS.get(name.rpartition(".")[2]))
                if at is None or len(call.args) <= at:
                    continue
                for parts in spell(call.args[at], function):
                    letters = "".join(part for part in parts if part is not None)
                    pattern = "".join(".*" if part is None else re.escape(part) for part in parts)
                    found.append(Template(f"{path.relative_to(PACKAGE)}:{call.lineno}", pattern, letters))
    return found


def own_calls(function: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls of a function, without those of functions inside it."""
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call):
            yield node
        if not isinstance(node, ast.FunctionDef):
            waiting += ast.iter_child_nodes(node)


def spell(node: ast.expr, function: ast.AST) -> list[list[str | None]]:
    """Return every way in which a message is put together: literal parts, and None for what is filled in."""
    if isinstance(node, ast.Constant):
        return [[str(node.value)]]
    if isinstance(node, ast.JoinedStr):
        return [[str(p.value) if isinstance(p, ast.Constant) else None for p in node.values]]
    if isinstance(node, ast.IfExp):
        return [*spell(node.body, function), *spell(node.orelse, function)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [left + right for left in spell(node.left, function) for right in spell(node.right, function)]
    if isinstance(node, ast.Name):
        given = [
            part.value
            for part in ast.walk(function)
            if isinstance(part, ast.Assign) and any(getattr(t, "id", None) == node.id for t in part.targets)
        ]
        return [way for value in given if not isinstance(value, ast.Name) for way in spell(value, function)]
    return [[None]]


TEMPLATES = list(dict.fromkeys(t for t in templates() if len(t.letters) >= SHORTEST))


@pytest.fixture(scope="module")
def printed() -> str:
    texts = [path.read_text(encoding="utf-8") for path in sorted(NETWORKS.glob("*.out"))]
    texts += [path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples/broken").glob("*.out"))]
    for name in NAMES:
        texts += [diagnostic.message for e in examples(name) for diagnostic in run(e).diagnostics]
    return "\n".join(texts)


def test_the_messages_are_found_in_the_source() -> None:
    assert len(TEMPLATES) > 150
    assert any("no block called" in t.letters for t in TEMPLATES)


@pytest.mark.parametrize("template", TEMPLATES, ids=[f"{t.place}-{t.letters[:30]}" for t in TEMPLATES])
def test_message_stands_in_a_snapshot(template: Template, printed: str) -> None:
    reason = next((why for start, why in NOT_IN_A_FILE.items() if start in template.letters), None)
    shown = re.search(template.pattern, printed) is not None
    assert shown or reason, f"add a network to tests/networks that prints it: {template.pattern}"


def test_the_table_has_no_message_that_is_gone() -> None:
    assert all(any(start in t.letters for t in TEMPLATES) for start in NOT_IN_A_FILE)
