"""What an editor asks for while a network is read: hover, definition, references, outline, hints."""

from __future__ import annotations

import lsprotocol.types as lsp
import pytest
from editor import HERE, Editor, place

NET = """shapecheck: 1
params: {width: 8, wide: =width * 2}
inputs:
  image: [N, 3, H, 32]
dims: {N: 2, H: {size: 32, accepts: {min: 4}}}
blocks:
  two:
    params: {channels: null, kernel: 3}
    inputs: [given]
    layers:
      - {name: first, op: conv, from: given, out_channels: =channels, kernel_size: =kernel, padding: half}
      - name: second
        op: conv
        out_channels: =channels
        kernel_size: 3
        padding: half
    output: second
layers:
  - {name: a, block: two, with: {channels: =width}}
  - {name: b, block: two, with: {channels: =wide}, repeat: 2}
  - {name: pool, op: max_pool, kernel_size: 2}
  - {op: relu}
  - {name: up, op: conv_transpose, transpose_of: c1, from: c1}  # shapecheck: ignore[SC401, SC6]
  - {name: c1, op: conv, from: b.1.first, out_channels: 4, kernel_size: 1}
  - {name: crop, op: crop, from: c1, like: relu_1}
outputs:
  seen: {from: crop, expect: [N, 4, =H // 2, _]}
  upped: {from: up}
"""
LINES = NET.split("\n")


def at(snippet: str) -> lsp.Position:
    """Where a piece of the network stands, at the mark in it."""
    text, _ = place(snippet)
    line = next(number for number, line in enumerate(LINES) if text in line)
    return lsp.Position(line, LINES[line].index(text) + snippet.index(HERE))


def under(found: lsp.Range) -> str:
    assert found.start.line == found.end.line
    return LINES[found.start.line][found.start.character : found.end.character]


def told(editor: Editor, snippet: str) -> str:
    found = editor.ask("hover", at(snippet))
    assert found is not None, snippet
    return str(found.contents.value)


@pytest.fixture
def net(editor: Editor) -> Editor:
    editor.open(NET)
    return editor


def test_hover_tells_a_layer_s_shapes_cost_and_arithmetic(net: Editor) -> None:
    for snippet in ("name: po¦ol", "max_¦pool", "kern¦el_size: 2}", "kernel_size: ¦2}"):
        page = told(net, snippet)
        assert "`[2, 16, 32, 32]` → `[2, 16, 16, 16]`" in page
        assert "o = ⌊(32 − 2) / 2⌋ + 1 = 16" in page
        assert "Relationship 7" in page
    page = told(net, "name: ¦c1")
    assert "parameters 68" in page and "receptive field" in page and f"multiply-adds {2 * 4 * 16 * 32 * 32:,}" in page


def test_hover_tells_of_every_copy_of_a_layer_in_a_block(net: Editor) -> None:
    page = told(net, "name: fir¦st")
    assert "**a.first**" in page
    assert "likewise `b.0.first` `[2, 16, 32, 32]`, `b.1.first` `[2, 16, 32, 32]`" in page


def test_hover_tells_what_ops_and_keys_are(net: Editor) -> None:
    page = told(net, "op: max_¦pool")
    assert page.startswith("**max_pool**:") and "- **`kernel_size`**" in page
    assert "By default `true`" not in told(net, "kern¦el_size: 2}")
    page = told(net, "trans¦pose_of")
    assert page.startswith("**transpose_of** of conv_transpose: The convolution") and "Not given by default" in page
    assert told(net, "rep¦eat: 2").startswith("**repeat**: How many copies")
    assert told(net, "¦params: {width").startswith("**params**: Named numbers")
    assert told(net, "acc¦epts").startswith("**accepts**: The sizes that the file promises")
    assert told(net, "exp¦ect").startswith("**expect**:")


def test_hover_tells_what_a_name_stands_for(net: Editor) -> None:
    assert "**pool**" not in told(net, "from: crop¦,")
    assert "**crop** (crop)" in told(net, "from: crop¦,")
    assert "`a` gives `[2, 8, 32, 32]`" in told(net, "name: ¦a,")
    assert "a block of 2 layers" in told(net, "block: ¦two, with: {channels: =width")
    assert "params: channels, kernel = 3" in told(net, "block: ¦two, with: {channels: =width")
    assert "**wide** = 16" in told(net, "=wi¦de}, repeat")
    assert "which the caller must give" in told(net, "out_channels: =chan¦nels, kernel")
    assert "what the block two was given" not in told(net, "¦image:")
    assert "**image**: an input, `[2, 3, 32, 32]`, written [N, 3, H, 32]" in told(net, "im¦age:")
    assert "**first** (" not in told(net, "from: b.1.fi¦rst")


def test_hover_on_a_dimension_tells_which_sizes_work(net: Editor) -> None:
    page = told(net, "¦H, 32]")
    assert "Sizes that work: `H >= 2`" in page
    assert told(net, "=¦H // 2") == page


def test_hover_on_a_rule_in_a_comment_is_its_manual_page(net: Editor) -> None:
    assert told(net, "ignore[SC4¦01").startswith("# SC401 ")
    assert "- SC601 " in told(net, "SC¦6]")


def test_hover_on_nothing_is_nothing(net: Editor) -> None:
    assert net.ask("hover", lsp.Position(0, 500)) is not None, "the last word of a line"
    assert net.ask("hover", lsp.Position(5_000, 0)) is None
    assert net.ask("hover", at("¦  - {name: pool")) is None


@pytest.mark.parametrize(
    ("snippet", "line", "name"),
    [
        ("from: cr¦op,", "name: crop", "crop"),
        ("transpose_of: c¦1", "name: c1", "c1"),
        ("from: c¦1}", "name: c1", "c1"),
        ("like: relu¦_1", "{op: relu}", "relu"),
        ("from: ¦b.1.first", "name: b", "b"),
        ("from: b.1.fir¦st", "name: first", "first"),
        ("output: sec¦ond", "name: second", "second"),
        ("from: gi¦ven", "inputs: [given]", "given"),
        ("block: t¦wo, with: {channels: =width", "  two:", "two"),
        ("with: {chan¦nels: =wide", "params: {channels", "channels"),
        ("=chan¦nels, kernel", "params: {channels", "channels"),
        ("=wi¦de}, repeat", "wide: =width", "wide"),
        ("wide: =wid¦th", "{width: 8", "width"),
        ("[¦N, 4", "dims: {N", "N"),
        ("=¦H // 2", "H: {size", "H"),
        ("{from: u¦p}", "name: up", "up"),
    ],
)
def test_definition(net: Editor, snippet: str, line: str, name: str) -> None:
    (found,) = net.ask("definition", at(snippet))
    assert under(found.range) == name
    assert line in LINES[found.range.start.line]


def test_definition_of_nothing(net: Editor) -> None:
    assert list(net.ask("definition", at("kernel_size: ¦2}"))) == []
    assert list(net.ask("definition", at("b¦.1.first"))) != []
    assert list(net.ask("definition", at("b.1¦.first"))) == []


def test_references_are_every_place_that_names_it(net: Editor) -> None:
    def lines(snippet: str, declaration: bool) -> list[int]:
        found = net.ask("references", position=at(snippet), context=lsp.ReferenceContext(declaration))
        return sorted(location.range.start.line for location in found)

    c1 = [n for n, line in enumerate(LINES) for _ in range(line.count("c1"))]
    assert lines("name: c¦1", True) == c1 and len(c1) == 4
    assert lines("name: c¦1", False) == [n for n in c1 if "name: c1" not in LINES[n]]
    own = [(n, line.count("{channels:") + line.count("=channels")) for n, line in enumerate(LINES)]
    assert lines("params: {chan¦nels", True) == [n for n, count in own for _ in range(count)]
    highlights = net.ask("document_highlight", at("=wid¦th}}"))
    assert [h.kind for h in highlights] == [3, 2, 2]


def test_the_outline_shows_shapes(net: Editor) -> None:
    found = net.ask("document_symbol")
    assert [(s.name, s.detail) for s in found] == [
        ("image", "input"),
        ("two", "block"),
        ("a", "two → [2, 8, 32, 32]"),
        ("b", "two → [2, 16, 32, 32]"),
        ("pool", "max_pool → [2, 16, 16, 16]"),
        ("relu_1", "→ [2, 16, 16, 16]"),
        ("up", "conv_transpose → [2, 16, 32, 32]"),
        ("c1", "conv → [2, 4, 32, 32]"),
        ("crop", "crop → [2, 4, 16, 16]"),
        ("seen", "output"),
        ("upped", "output"),
    ]
    (block,) = (s for s in found if s.name == "two")
    assert [(s.name, s.detail) for s in block.children] == [
        ("first", "conv → [2, 8, 32, 32] … ×3"),
        ("second", "conv → [2, 8, 32, 32] … ×3"),
    ]

    def nested(symbols: list[lsp.DocumentSymbol]) -> None:
        for symbol in symbols:
            outer, inner = symbol.range, symbol.selection_range
            assert (outer.start.line, outer.start.character) <= (inner.start.line, inner.start.character)
            assert (inner.end.line, inner.end.character) <= (outer.end.line, outer.end.character)
            nested(list(symbol.children or []))

    nested(found)
    assert block.range.end.line == next(
        n for n, line in enumerate(LINES) if "padding: half" in line and "op" not in line
    )


def test_inlay_hints_stand_beside_the_layers(net: Editor) -> None:
    whole = lsp.Range(lsp.Position(0, 0), lsp.Position(len(LINES), 0))
    hints = {hint.position.line: hint for hint in net.ask("inlay_hint", whole)}
    line = at("¦name: pool").line
    assert hints[line].label == "→ [2, 16, 16, 16]"
    assert hints[line].position.character == len(LINES[line])
    block = at("op¦: conv").line
    assert hints[next(n for n, text in enumerate(LINES) if text == "        op: conv")].position.character == 16
    assert hints[block].label.startswith("→ [2, 8, 32, 32] … ×3")
    only = net.ask("inlay_hint", lsp.Range(lsp.Position(line, 0), lsp.Position(line, 90)))
    assert [hint.position.line for hint in only] == [line]


def test_inlay_hints_can_be_switched_off_and_are_asked_for_again_after_a_check() -> None:
    refresh = lsp.InlayHintWorkspaceClientCapabilities(refresh_support=True)
    editor = Editor(
        capabilities=lsp.ClientCapabilities(workspace=lsp.WorkspaceClientCapabilities(inlay_hint=refresh)),
        options={"inlayHints": False, "debounce": 1},
    )
    whole = lsp.Range(lsp.Position(0, 0), lsp.Position(90, 0))
    editor.open(NET)
    assert list(editor.ask("inlay_hint", whole)) == []
    assert editor.refreshed == 0
    settings = {"shapecheck": {"inlayHints": True, "debounce": "soon", "other": 3}}
    editor.client.workspace_did_change_configuration(lsp.DidChangeConfigurationParams(settings))
    editor.until(lambda: editor.refreshed > 0)
    assert len(editor.ask("inlay_hint", whole)) == 9
    assert editor.end() == 0


def test_a_broken_text_answers_with_nothing(editor: Editor) -> None:
    editor.open(NET.replace("- {op: relu}", "- {op: relu"))
    assert editor.ask("hover", at("name: po¦ol")) is None
    assert list(editor.ask("definition", at("from: cr¦op,"))) == []
    assert list(editor.ask("document_symbol")) == []
    assert list(editor.ask("inlay_hint", lsp.Range(lsp.Position(0, 0), lsp.Position(90, 0)))) == []
    editor.close()
