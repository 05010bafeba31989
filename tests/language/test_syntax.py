"""What is said of a text that is not YAML, whichever of PyYAML's two parsers reads it and whatever words it uses."""

from __future__ import annotations

import pytest
import yaml
from marked import HEAD, errors, unmark
from texts import check_text

from shapecheck.language import document
from shapecheck.language.syntax import syntax_finding

RELU = "layers: [{op: relu}]\n"
# A text with the place at which it is told of, and words of the message.
MISTAKES = {
    "tab": (HEAD + "layers:\n⟦\t⟧- {op: relu}\n", "a tab cannot stand here"),
    "tab in front of a key": ("a: 1\n⟦\t⟧b: 2\n", "a tab cannot stand here"),
    "mapping left open": ("a: {b: c\n⟦", "expected a comma or }: the mapping is not closed"),
    "list left open": (HEAD + "layers: [{op: relu}\n⟦", "expected a comma or ]: the list is not closed"),
    "no comma": ("a: {b: c d⟦:⟧ e}\n", "the mapping is not closed"),
    "closes nothing": ("a: [1]⟦]⟧\n", "this ] closes nothing"),
    "closes nothing below": ("a: b\n⟦}⟧\n", "this } closes nothing"),
    "quote": (HEAD + 'layers: [{op: "relu}]\n⟦', "the file ends inside quotes"),
    "single quote": ("a: 'b\n⟦", "the file ends inside quotes"),
    "marker in quotes": ('a: "b\n⟦--- c"⟧\n', "a mark between documents stands inside quotes"),
    "hexadecimal": ('a: "\\x⟦z⟧z"\n', "begins an escape inside double quotes"),
    "two documents": (HEAD + RELU + "⟦---⟧\na: 1\n", "more than one document"),
    "a document behind the end": ("a: 1\n...\n⟦b⟧: 2\n", "this is not YAML"),
    "alias without anchor": ("shapecheck: 1\ninputs: {x: ⟦*⟧nowhere}\n" + RELU, "an alias has no anchor"),
    "anchor twice": ("a: &b 1\nc: ⟦&b⟧ 2\n", "the anchor stands twice"),
    "percent": (HEAD + "layers: [{op: ⟦%⟧}]\n", "% cannot stand here"),
    "at": (HEAD + "layers: [{op: ⟦@⟧relu}]\n", "@ cannot stand here"),
    "backtick": ("a: ⟦`⟧b`\n", "` cannot stand here"),
    "key in a value": ("a: b⟦:⟧ c\n", "a key cannot stand here"),
    "key indented too far": ("a: 1\n b⟦:⟧ 2\n", "a key cannot stand here"),
    "list behind its key": ("a: ⟦-⟧ b\n", "an entry of a list cannot stand here"),
    "key without a colon": ("a: 1\n⟦bcd⟧\ne: 2\n", "a colon is missing behind this key"),
    "quoted key without a colon": ('a: 1\n⟦"bcd"⟧\ne: 2\n', "a colon is missing behind this key"),
    "anchored key without a colon": ("a: 1\n⟦&b⟧ cd\ne: 2\n", "a colon is missing behind this key"),
    "key among entries": ("a:\n  - 1\n  ⟦b⟧: 2\n", "expected an entry of the list"),
    "indented too little": ("a:\n    b: 1\n  ⟦c⟧: 2\n", "expected a key of the mapping"),
    "behind a quoted value": ('a: "b" ⟦c⟧\nd: 1\n', None),
    "tag without end": ("a: !<b⟦ ⟧c\n", "this is not YAML"),
    "anchor without a name": ("a: &⟦ ⟧b\n", "this is not YAML"),
    "comma": ("a: ⟦,⟧b\n", "this is not YAML"),
    "two commas": ("a: [1,⟦,⟧ 2]\n", "this is not YAML"),
    "no handle of a tag": ("a: ⟦!b!c⟧ d\n", "this is not YAML"),
    "a letter of no text": ("a: 1\nb: ⟦\x7f⟧\n", "the character U+007F cannot stand in YAML"),
    "half a letter": ("a: 1\nb: ⟦\ud800⟧\n", "the character U+D800 cannot stand in YAML"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("composer", [document.composer, document.PythonComposer], ids=["fastest", "in Python"])
def test_what_is_not_yaml(mistake: str, composer: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "composer", composer)
    text, message = MISTAKES[mistake]
    for mark in ("", "\ufeff"):
        clean, (place,) = unmark(text)
        (found,) = errors(check_text(mark + clean, "test.net.yaml"))
        assert (found.code, found.span.start) == ("SC002", place)
        assert message is None or message in found.message
        assert found.help is not None or message == "this is not YAML"


@pytest.mark.parametrize("mistake", [name for name, (_, message) in MISTAKES.items() if message != "this is not YAML"])
def test_no_word_of_the_parser_decides(mistake: str) -> None:
    """Another version may use others: the message is the same, with every word of the parser replaced."""
    text, _ = unmark(MISTAKES[mistake][0])
    with pytest.raises((yaml.YAMLError, UnicodeEncodeError)) as raised:
        document.compose(text, 64)
    error = raised.value
    if isinstance(error, yaml.MarkedYAMLError):
        told = syntax_finding(error, text)
        error.problem, error.context, error.note = "zut", "alors", None
        assert syntax_finding(error, text) == told


@pytest.mark.parametrize("error", [yaml.YAMLError("a\nb"), yaml.MarkedYAMLError(problem="a"), yaml.MarkedYAMLError()])
def test_an_error_of_a_kind_that_no_parser_has_yet(error: yaml.YAMLError) -> None:
    found = syntax_finding(error, "a: 1\n")
    assert found.message.startswith("this is not YAML")
    assert found.span.start == (1, 1)
