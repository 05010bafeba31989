"""What an editor asks for while a network is written: completion, rename, code actions."""

from __future__ import annotations

from typing import Any

import lsprotocol.types as lsp
import pytest
from editor import HERE, Editor, apply, place
from texts import check_text

from shapecheck.language import vocabulary
from shapecheck.layers import REGISTRY

HEAD = """shapecheck: 1
params: {width: 8}
inputs: {image: [N, 3, H, 32]}
dims: {N: 2, H: 32}
blocks:
  two:
    params: {channels: null, kernel: 3}
    layers:
      - {name: first, op: conv, out_channels: =channels, kernel_size: =kernel, padding: half}
      - {name: second, op: relu}
layers:
  - {name: a, block: two, with: {channels: =width}}
  - {name: b, block: two, with: {channels: 4}, repeat: 2}
  - {name: pool, op: max_pool, kernel_size: 2}
"""
TAIL = "outputs: [pool]\n"


def offered(editor: Editor, text: str) -> dict[str, lsp.CompletionItem]:
    """What is offered at the mark; the file was whole before the line with the mark was written."""
    source, position = place(text)
    editor.open(HEAD + TAIL)
    editor.change(source)
    items = editor.ask("completion", position).items
    return {item.label: item for item in items}


def taken(editor: Editor, text: str, label: str) -> str:
    """The text after one of the offers was taken."""
    source, _ = place(text)
    return apply(source, [offered(editor, text)[label].text_edit])


@pytest.mark.parametrize(
    "line", ["  - {op: ¦}", "  - {op: ¦", "  - op: ¦", "  - {name: x, op: co¦}", "  - {from: [a, op: ¦"]
)
def test_ops_are_offered_with_what_they_do(editor: Editor, line: str) -> None:
    if "[a" in line:
        # Inside a list that was not closed it is a name that is asked for, not an op.
        assert "conv" not in offered(editor, HEAD + line + "\n" + TAIL)
        return
    items = offered(editor, HEAD + line + "\n" + TAIL)
    assert set(items) == set(REGISTRY)
    assert items["conv"].documentation.value.startswith("**conv**:")
    assert items["conv"].detail.startswith("kernel_size, stride?") or "kernel_size" in items["conv"].detail
    assert items["max_pool"].kind == lsp.CompletionItemKind.Function


@pytest.mark.parametrize(
    "line",
    [
        "  - {name: x, op: conv, ¦}",
        "  - {name: x, op: conv, ¦",
        "  - {¦, name: x, op: conv}",
        "  - {name: x, op: conv, ker¦}",
        "  - name: x\n    op: conv\n    ¦",
        "  - name: x\n    ¦\n    op: conv",
        "  - {name: x,\n     op: conv,\n     ¦",
        "  - {name: x, op: conv,\n\n     ¦\n  - {op: relu",
    ],
)
def test_the_keys_of_an_op_are_offered_that_are_not_there(editor: Editor, line: str) -> None:
    items = offered(editor, HEAD + line + "\n" + TAIL)
    assert set(items) == {*REGISTRY["conv"].keys_of("conv"), *vocabulary.LAYER_KEYS} - {"name", "op"}
    assert next(iter(items.values())).detail == "of conv", "the op's own keys come first"
    assert "kernel (the guide's k)" in items["kernel_size"].documentation.value
    assert items["stride"].text_edit.new_text == "stride: "


def test_a_key_that_has_its_colon_gets_no_other(editor: Editor) -> None:
    text = f"{HEAD}  - {{op: conv, ker¦: 3}}\n"
    assert taken(editor, text, "kernel_size").endswith("kernel_size: 3}\n")


@pytest.mark.parametrize(
    ("line", "some", "none"),
    [
        ("  - {op: conv, padding: ¦}", {"half", "same", "same_lower", "full", "valid"}, {"true", "a"}),
        ("  - {op: conv, padding_mode: ¦", {"zeros", "reflect", "circular"}, {"half"}),
        ("  - {op: conv, bias: ¦}", {"true", "false"}, {"half"}),
        ("  - {op: conv, groups: ¦}", {"depthwise"}, {"true"}),
        ("  - {op: add, from: [¦", {"image", "a", "b", "pool"}, {"first", "conv"}),
        ("  - {op: add, from: [a, ¦]}", {"image", "a", "b", "pool"}, {"first"}),
        ("  - op: add\n    from:\n      - ¦", {"image", "a"}, {"first"}),
        ("  - {op: crop, like: ¦}", {"image", "a"}, {"true"}),
        ("  - {op: max_unpool, pool: p¦}", {"pool"}, {"true"}),
        ("  - {op: relu, from: a.¦}", {"a.first", "a.second"}, {"a", "first"}),
        ("  - {op: relu, from: b.¦}", {"b.0", "b.1"}, {"b.first"}),
        ("  - {op: relu, from: b.1.f¦}", {"b.1.first", "b.1.second"}, {"b"}),
        ("  - {op: relu, same_shape_as: ¦}", {"image", "a"}, set()),
        ("  - {op: relu, expect: [¦]}", {"N", "H", "_"}, {"width"}),
        ("  - {op: relu, expect: [N, =¦]}", {"N", "H", "width"}, {"a"}),
        ("  - {op: conv, out_channels: =w¦}", {"width"}, {"N", "channels"}),
        ('  - {op: conv, out_channels: "=max(¦', {"width", "min"}, {"N"}),
        ("  - {block: ¦}", {"two"}, {"conv"}),
        ("  - {block: two, ¦}", {"with", "repeat", "from"}, {"op", "block", "kernel_size"}),
        ("  - {block: two, with: {¦}}", {"channels", "kernel"}, {"width"}),
        ("  - block: two\n    with:\n      ¦", {"channels", "kernel"}, {"width"}),
        ("  - {block: two, with: {channels: =¦}}", {"width"}, {"channels"}),
        ("  - {¦}", {"op", "block", "name"}, {"kernel_size"}),
        ("  - ¦", {"op", "block", "name"}, {"kernel_size"}),
        ("outputs: [¦]", {"a", "pool"}, {"conv"}),
        ("outputs:\n  y: {¦}", {"from", "expect"}, {"a"}),
        ("outputs:\n  y: {from: ¦}", {"a"}, {"from"}),
        ("outputs:\n  y: ¦", {"a"}, {"from"}),
        ("symmetry: {¦}", {"a"}, {"from"}),
        ("symmetry: {a: ¦}", {"b"}, {"from"}),
        ("lay¦", {"layout", "symmetry"}, {"layers", "inputs"}),
        ("layout: ¦", {"channels_first", "channels_last"}, {"a"}),
        ("dims: {H: {size: 3, ¦}}", {"accepts"}, {"a"}),
        ("dims:\n  H:\n    accepts: {¦}", {"min", "multiple_of"}, {"accepts"}),
        ("inputs:\n  x: {shape: [3], dtype: ¦}", {"bfloat16"}, {"a"}),
        ("inputs:\n  x: [¦]", {"H", "N"}, {"a"}),
        ("  - {op: relu} # op: ¦", set(), {"conv"}),
        ("doc: ¦", set(), {"conv", "a"}),
    ],
)
def test_values_are_offered(editor: Editor, line: str, some: set[str], none: set[str]) -> None:
    items = offered(editor, HEAD + line + "\n")
    assert some <= set(items), set(items)
    assert not none & set(items)
    assert items or not some


def test_inside_a_block_its_own_names_are_offered(editor: Editor) -> None:
    for written in ("from: ¦", "from: [¦"):
        text = HEAD.replace("op: relu}", f"op: relu, {written}")
        items = offered(editor, text)
        assert list(items)[:3] == ["input", "first", "second"] and "image" in items and "pool" in items
    items = offered(editor, HEAD.replace("op: relu}", "op: conv, out_channels: =¦"))
    assert {"channels", "kernel", "width", "index"} <= set(items)
    items = offered(editor, HEAD.replace("layers:\n  - {name: a", "    out¦\nlayers:\n  - {name: a"))
    assert set(items) == {*vocabulary.BLOCK_KEYS}


def test_a_dotted_name_is_replaced_whole(editor: Editor) -> None:
    text = f"{HEAD}  - {{op: relu, from: b.1.fi¦}}\n"
    assert taken(editor, text, "b.1.first").endswith("from: b.1.first}\n")
    # Columns behind letters that are two in UTF-16.
    text = f"{HEAD}  - {{name: 😀, op: co¦}}\n"
    assert taken(editor, text, "concat").endswith("{name: 😀, op: concat}\n")


def test_a_file_that_never_was_whole_offers_names_too(editor: Editor) -> None:
    source, position = place(f"{HEAD}  - {{op: add, from: [a, ¦\n{TAIL}")
    editor.open(source, "untitled:new.net.yaml")
    items = editor.ask("completion", position, uri="untitled:new.net.yaml").items
    assert {"a", "b", "pool", "image"} <= {item.label for item in items}
    source, position = place(f"{HEAD}  - [{{: ¦")
    editor.open(source, "untitled:newer.net.yaml")
    editor.ask("completion", position, uri="untitled:newer.net.yaml")
    for name in ("new", "newer"):
        editor.close(f"untitled:{name}.net.yaml")


NET = (
    HEAD.replace("name: second, op: relu}", "name: second, op: relu, from: [first]}")
    + """  - {op: relu, from: b.1.first}
  - {name: up, op: conv_transpose, transpose_of: pool, from: pool, out_channels: 4, kernel_size: 2, stride: 2}
  - {name: "quoted", op: crop, from: 'a', like: pool, expect: [N, _, =H // 2, _]}
outputs: {seen: {from: quoted, same_shape_as: quoted}, relu_1: relu_1, up: up}
symmetry: {up: pool}
""".replace("transpose_of: pool, ", "")
)


def renamed(editor: Editor, snippet: str, new: str) -> str:
    editor.open(NET)
    text, _ = place(snippet)
    line = next(number for number, line in enumerate(NET.split("\n")) if text in line)
    position = lsp.Position(line, NET.split("\n")[line].index(text) + snippet.index(HERE))
    prepared = editor.ask("prepare_rename", position)
    edit = editor.ask("rename", position, new)
    (edits,) = edit.changes.values()
    assert all(apply(NET, [e]) != NET for e in edits) and prepared.placeholder
    return apply(NET, list(edits))


def shapes(text: str) -> list[Any]:
    report = check_text(text, "x")
    assert report.shapes is not None and report.network is not None
    return [(node.op, report.shapes.outputs[node.index]) for node in report.network.nodes]


@pytest.mark.parametrize(
    ("snippet", "old", "count"),
    [
        ("name: po¦ol", "pool", 4),
        ("like: p¦ool", "pool", 4),
        ("b.1.fi¦rst", "first", 3),
        ("name: ¦b,", "b", 2),
        ("from: '¦a'", "a", 2),
        ('"quo¦ted"', "quoted", 3),
        ("{u¦p: pool}", "up", 3),
        ("block: t¦wo", "two", 3),
        ("{chan¦nels: =width", "channels", 4),
        ("=wid¦th", "width", 2),
        ("ima¦ge", "image", 1),
        ("[N¦, _", "N", 3),
        ("=¦H // 2", "H", 3),
    ],
)
def test_rename_changes_every_place_and_nothing_else(editor: Editor, snippet: str, old: str, count: int) -> None:
    text = renamed(editor, snippet, "fresh_name")
    assert text.count("fresh_name") == count
    assert text.replace("fresh_name", old) == NET
    assert shapes(text) == shapes(NET)


@pytest.mark.parametrize(
    ("snippet", "new", "why"),
    [
        ("name: po¦ol", "a", "a is taken already"),
        ("name: po¦ol", "image", "image is taken already"),
        ("name: po¦ol", "relu_1", "relu_1 is taken already"),
        ("name: po¦ol", "two.first", "a dot parts a block"),
        ("name: po¦ol", "", "'' is no name"),
        ("name: po¦ol", "{", "'{' is no name"),
        ("name: po¦ol", "true", "'true' is no name"),
        ("name: po¦ol", "3d", "'3d' is no name"),
        ("block: t¦wo", "no space", "'no space' is no name"),
        ("{chan¦nels: =width", "kernel", "kernel is taken already in two"),
        ("{chan¦nels: =width", "index", "cannot be called index"),
        ("{chan¦nels: =width", "if", "cannot be called if"),
        ("=wid¦th", "channels", None),
        ("from: b.1.fi¦rst", "input", "input is taken already in two"),
        ("from: [fir¦st]", "second", "second is taken already in two"),
        ("op: re¦lu, from: b", "x", "there is no name here"),
        ("{seen: {from: quoted, same_shape_as: quoted}, relu_1: re¦lu_1", "x", "its name from its op and a number"),
        ("shape¦check", "x", "there is no name here"),
    ],
)
def test_rename_refuses_what_would_be_another_network(editor: Editor, snippet: str, new: str, why: str | None) -> None:
    if why is None:
        # A param of the file under the name of a block's param is legal as long as no expression means both.
        assert shapes(renamed(editor, snippet, new)) == shapes(NET)
        return
    editor.open(NET)
    text, _ = place(snippet)
    line = next(number for number, line in enumerate(NET.split("\n")) if text in line)
    position = lsp.Position(line, NET.split("\n")[line].index(text) + snippet.index(HERE))
    assert why in editor.refused("rename", position, new)


def test_a_name_that_would_hide_another_is_refused(editor: Editor) -> None:
    net = HEAD.replace("name: second, op: relu}", "name: second, op: add, from: [first, pool]}")
    net = net.replace("kernel_size: 2}", "kernel_size: 1, from: image}").replace("[N, 3, H, 32]", "[N, 8, H, 32]")
    editor.open(net)
    line = next(n for n, text in enumerate(net.split("\n")) if "name: first" in text)
    why = editor.refused("rename", lsp.Position(line, 17), "pool")
    assert why.startswith("first cannot be called pool:")


def test_a_name_whose_change_would_number_others_anew_is_refused(editor: Editor) -> None:
    layers = "  - {name: tanh_1, op: relu}\n  - {op: tanh}\n  - {op: relu, from: tanh_2}\n"
    editor.open(f"shapecheck: 1\ninputs: {{x: [1, 3, 8]}}\nlayers:\n{layers}")
    why = editor.refused("rename", lsp.Position(3, 11), "z")
    assert why == "tanh_1 cannot be called z: nothing here is called tanh_2"


BROKEN = """shapecheck: 1
inputs: {image: [1, 3, 32, 32]}
layers:
  - {name: größe, op: conv, out_chanels: 4, kernel_size: 3}
  - {name: b, op: batch_norm}
  - {op: relu}
  - {op: relu}
"""
WHOLE = lsp.Range(lsp.Position(0, 0), lsp.Position(99, 0))


def actions(editor: Editor, text: str, only: list[str] | None = None, wanted: lsp.Range = WHOLE) -> list[Any]:
    editor.open(text)
    return list(editor.ask("code_action", wanted, lsp.CodeActionContext([], only)))


def made(text: str, action: Any) -> str:
    (edits,) = action.edit.changes.values()
    return apply(text, list(edits))


def test_a_fix_is_offered_and_mends(editor: Editor) -> None:
    text = BROKEN.removesuffix("  - {op: relu}\n")
    (action,) = actions(editor, text, ["quickfix"], wanted=lsp.Range(lsp.Position(3, 32), lsp.Position(3, 32)))[:1]
    assert (action.title, action.kind, action.is_preferred) == ("write out_channels", "quickfix", True)
    assert [d.code for d in action.diagnostics] == [d.code for d in editor.found()]
    assert made(text, action) == text.replace("out_chanels", "out_channels")


def test_a_fix_that_would_bring_other_findings_is_not_offered(editor: Editor) -> None:
    text = BROKEN.replace("op: batch_norm", "op: batch_norm, num_features: 5")
    assert not [a for a in actions(editor, text) if a.title == "write out_channels"]
    text = text.replace("out_chanels", "out_channels").removesuffix("  - {op: relu}\n")
    assert next(a.title for a in actions(editor, text)) == "write num_features: 4"


def test_an_unsafe_fix_says_so_and_is_not_preferred(editor: Editor) -> None:
    layers = "  - {op: conv, out_channels: 8, kernel_size: 3}\n  - {op: batch_norm}\n"
    text = f"shapecheck: 1\ninputs: {{image: [1, 3, 32, 32]}}\nlayers:\n{layers}"
    found = [a for a in actions(editor, text) if a.title.startswith("add bias")]
    assert found and all("changes what the network computes" in a.title and not a.is_preferred for a in found)


def test_a_finding_can_be_ignored_on_its_line(editor: Editor) -> None:
    text = BROKEN.replace("out_chanels", "out_channels")
    codes = {d.code for d in check_text(text, "x").diagnostics}
    assert codes
    for code in sorted(codes):
        (action, *_) = [a for a in actions(editor, text) if a.title.startswith(f"Ignore {code} ")]
        quiet = made(text, action)
        assert f"# shapecheck: ignore[{code}]" in quiet
        left = {d.code for d in check_text(quiet, "x").diagnostics}
        assert left == codes - {code}
    # The second goes into the comment of the first.
    text = text.replace(
        "  - {op: relu}\n  - {op: relu}", "  - {op: relu}\n  - {op: relu}  # shapecheck: ignore[SC101] so\n"
    )
    (action,) = [a for a in actions(editor, text) if a.title.startswith("Ignore SC602 ")]
    assert "# shapecheck: ignore[SC101, SC602] so" in made(text, action)


def test_only_findings_in_the_range_are_acted_on(editor: Editor) -> None:
    first = lsp.Range(lsp.Position(0, 0), lsp.Position(1, 0))
    assert actions(editor, BROKEN, None, first) == []
    assert actions(editor, BROKEN, ["refactor"]) == []


def test_every_safe_fix_at_once(editor: Editor) -> None:
    text = BROKEN.replace("  - {op: relu}\n  - {op: relu}\n", "  - {op: relu, frm: b}\n")
    (action,) = actions(editor, text, ["source.fixAll"])
    assert action.kind == "source.fixAll.shapecheck"
    fixed = made(text, action)
    assert fixed == text.replace("out_chanels", "out_channels").replace("frm", "from")
    assert actions(editor, fixed, ["source"]) == []
    assert len(actions(editor, text, ["source.fixAll.shapecheck"])) == 1
    assert actions(editor, text, ["source.organizeImports"]) == []


def test_edits_are_bound_to_a_version_where_the_editor_takes_that() -> None:
    edit = lsp.WorkspaceEditClientCapabilities(document_changes=True)
    editor = Editor(
        capabilities=lsp.ClientCapabilities(workspace=lsp.WorkspaceClientCapabilities(workspace_edit=edit)),
        options={"debounce": 1},
    )
    text = BROKEN.removesuffix("  - {op: relu}\n")
    action = next(a for a in actions(editor, text) if a.title == "write out_channels")
    assert action.edit.changes is None
    (document,) = action.edit.document_changes
    assert document.text_document.version == 1 and document.edits[0].new_text == "out_channels"
    assert editor.end() == 0
