"""A tree that was made of the tree before an edit is the tree that a full parse gives, and so is what is read of it."""

from __future__ import annotations

from functools import cache

from amounts import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from paths import NETWORKS, ROOT
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from shapecheck.findings.finding import Finding
from shapecheck.findings.limits import DEFAULT_LIMITS
from shapecheck.language.document import parse, span_of
from shapecheck.language.reader import read, read_again
from shapecheck.language.reparse import plain, reparse
from shapecheck.language.templates import Memory

PIECES = [
    *"{}[]:,#'\"|>-?&*!%=\n \t0ax",
    "- ",
    ": ",
    "  ",
    " #",
    "---",
    "...",
    "- {op: relu}",
    "{name: a, op: conv}",
    "|\n      x",
    "\r",
    "\u2028",
    "é",
]
BLOCK_STYLE = """shapecheck: 1
inputs:
  x: [1, 4, 32, 32]
blocks:
  two:
    layers:
    - op: relu
    - name: c
      op: conv
      out_channels: 4

      kernel_size:
        - 3
        - 3
layers:
- op: relu    # a comment
- name: b
  block: two

# between
- name: a
  op: conv
  out_channels: 4
  kernel_size: [1,
    1]
-
  op: relu
- doc
- - op: relu
  - op: relu
outputs: [a]
"""


@cache
def texts() -> list[str]:
    files = sorted((ROOT / "examples").rglob("*.net.yaml")) + sorted(NETWORKS.glob("*.net.yaml"))
    found = [path.read_bytes().decode("utf-8", "replace") for path in files]
    return [BLOCK_STYLE, BLOCK_STYLE, *(text for text in found if len(text) < 5_000)]


def tree(node: Node) -> object:
    """All that is read of a tree: kinds, values and places."""
    if isinstance(node, ScalarNode):
        return (span_of(node), node.value, node.style)
    assert isinstance(node, CollectionNode)
    parts = [part for pair in node.value for part in pair] if isinstance(node, MappingNode) else node.value
    return (type(node), span_of(node), node.flow_style, [tree(part) for part in parts])


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, str]:
    text = draw(st.sampled_from(texts()))
    at = draw(st.integers(0, len(text)))
    taken = draw(st.integers(0, 4))
    return text, text[:at] + draw(st.sampled_from(["", *PIECES])) + text[at + taken :]


@examples(1_500, suppress_health_check=[HealthCheck.too_slow])
@given(edits())
def test_a_tree_made_of_the_one_before_is_the_tree_of_a_full_parse(edit: tuple[str, str]) -> None:
    old, new = edit
    before = parse(old, DEFAULT_LIMITS)
    if isinstance(before, Finding) or not plain(old):
        return
    found = reparse(before, old.split("\n"), new.split("\n"), DEFAULT_LIMITS)
    if found is None:
        return
    whole = parse(new, DEFAULT_LIMITS)
    assert isinstance(whole, MappingNode)
    assert tree(found) == tree(whole)


@examples(150, suppress_health_check=[HealthCheck.too_slow])
@given(edits())
def test_what_is_read_with_a_memory_is_what_is_read_without(edit: tuple[str, str]) -> None:
    old, new = edit
    before = parse(old, DEFAULT_LIMITS)
    if isinstance(before, Finding) or not plain(old):
        return
    _, _, memory = read_again(before, "x", DEFAULT_LIMITS, Memory())
    after = reparse(before, old.split("\n"), new.split("\n"), DEFAULT_LIMITS)
    if after is None:
        return
    file, findings, _ = read_again(after, "x", DEFAULT_LIMITS, memory)
    wanted, told = read(after, "x", DEFAULT_LIMITS)
    assert findings == told
    for one, other in zip(
        [*file.layers, *(layer for block in file.blocks.values() for layer in block.layers)],
        [*wanted.layers, *(layer for block in wanted.blocks.values() for layer in block.layers)],
        strict=True,
    ):
        assert (one.name, one.span, one.op, one.broken, one.fixed, one.keys, one.sources, one.mapping) == (
            (other.name, other.span, other.op, other.broken, other.fixed, other.keys, other.sources, other.mapping)
        )


def test_an_edit_in_a_layer_leaves_every_other_node_as_it_was() -> None:
    text = (ROOT / "examples/resnet50.net.yaml").read_text(encoding="utf-8")
    before = parse(text, DEFAULT_LIMITS)
    assert isinstance(before, MappingNode)
    new = text.replace("op: max_pool, kernel_size: 3", "op: max_pool, kernel_size: 2")
    assert new != text
    after = reparse(before, text.split("\n"), new.split("\n"), DEFAULT_LIMITS)
    assert after is not None

    def items(root: MappingNode) -> list[Node]:
        (layers,) = (value for key, value in root.value if key.value == "layers")
        return list(layers.value)

    assert [one is other for one, other in zip(items(before), items(after), strict=True)].count(False) == 1


def test_the_last_layer_and_block_style_take_no_full_parse() -> None:
    before = parse(BLOCK_STYLE, DEFAULT_LIMITS)
    assert isinstance(before, MappingNode)
    for old, new in (("- 3\nlayers", "- 5\nlayers"), ("block: two", "block: too"), ("- doc", "- dog")):
        lines = BLOCK_STYLE.replace(old, new).split("\n")
        assert reparse(before, BLOCK_STYLE.split("\n"), lines, DEFAULT_LIMITS) is not None, old


def test_what_the_parser_would_read_otherwise_takes_a_full_parse() -> None:
    before = parse(BLOCK_STYLE, DEFAULT_LIMITS)
    assert isinstance(before, MappingNode)
    lines = BLOCK_STYLE.split("\n")
    for old, new in (("block: two", "block: 'two"), ("    1]", "    1"), ("- op: relu    #", "- &a op: relu    #")):
        assert reparse(before, lines, BLOCK_STYLE.replace(old, new).split("\n"), DEFAULT_LIMITS) is None, new
    assert reparse(before, lines, [*lines, ""], DEFAULT_LIMITS) is None
