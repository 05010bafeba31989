"""From bytes to a tree: encodings, YAML itself, and the bounds on what an untrusted file may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
from marked import HEAD, accepted, errors, layers, refused, shape
from steps import within
from texts import check_file, check_text

from shapecheck.config import MOST
from shapecheck.findings.finding import Finding, Position, Span
from shapecheck.findings.limits import DEFAULT_LIMITS
from shapecheck.language import document
from shapecheck.language.source import decode, read_file

RELU = "layers: [{op: relu}]\n"


def decoded(data: bytes) -> Finding:
    found = decode(data, DEFAULT_LIMITS)
    assert isinstance(found, Finding)
    return found


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    data = b"\xef\xbb\xbf" + (HEAD + RELU).encode()
    text = decode(data, DEFAULT_LIMITS)
    assert text == HEAD + RELU
    accepted(text)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_ending_counts_as_a_line(end: str) -> None:
    text = (HEAD + "layers:\n  - {op: relux}\n").replace("\n", end)
    (found,) = errors(check_text(text, "test.net.yaml"))
    assert (found.code, found.span.start) == ("SC013", Position(4, 10))


@pytest.mark.parametrize(
    ("data", "place", "offender"),
    [
        (b"a: \xff\n", Position(1, 4), "0xff"),
        (b"a: 1\n\xc3\xa4\xc3\xa4 \xfe", Position(2, 4), "0xfe"),
        ("a: ä\n".encode("latin-1"), Position(1, 4), "0xe4"),
        ("a: 1\n".encode("utf-16"), Position(1, 1), "0xff"),
        (b"a\0b", Position(1, 2), "0x00"),
        (b"x: 1\ny: \x1b[31m\n", Position(2, 4), "0x1b"),
        (b"\n\0", Position(2, 1), "0x00"),
    ],
)
def test_what_is_no_text_is_refused_at_its_first_bad_byte(data: bytes, place: Position, offender: str) -> None:
    found = decoded(data)
    assert found.rule.name == "unreadable-file"
    assert found.span == Span(place, Position(place.line, place.column + 1))
    assert offender in found.message


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture.net.yaml"
    path.write_bytes(bytes(range(256)) * 50)
    report = check_file(str(path))
    assert [d.code for d in report.diagnostics] == ["SC001"]
    assert report.shapes is None


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no /dev/zero")
def test_a_device_without_end_is_too_large() -> None:
    found = read_file("/dev/zero", DEFAULT_LIMITS._replace(file_bytes=1_000))
    assert isinstance(found, Finding) and found.rule.name == "file-too-large"


def test_a_missing_file_and_a_folder_are_findings(tmp_path: Path) -> None:
    (missing,) = check_file(str(tmp_path / "nowhere.net.yaml")).diagnostics
    (folder,) = check_file(str(tmp_path)).diagnostics
    (null,) = check_file("a\0b").diagnostics
    assert {missing.code, folder.code, null.code} == {"SC001"}
    assert "no such file" in missing.message
    assert "folder" in folder.message
    assert all(d.span.start == Position(1, 1) for d in (missing, folder, null))


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.net.yaml"
    path.write_text(HEAD + RELU + "#" * 1000, encoding="utf-8")
    small = DEFAULT_LIMITS._replace(file_bytes=500)
    found = read_file(str(path), small)
    assert isinstance(found, Finding)
    assert found.rule.name == "file-too-large"
    assert "500" in found.message
    assert found.help is not None and "limits.file_bytes" in found.help
    assert isinstance(read_file(str(path), small._replace(file_bytes=5000)), str)
    assert isinstance(decode(path.read_bytes(), small), Finding)


@pytest.mark.parametrize("text", ["", "\n\n", "# a comment\n", "---\n", "   \n"])
def test_an_empty_file(text: str) -> None:
    (found,) = check_text(text, "test.net.yaml").diagnostics
    assert (found.code, found.span.start) in (("SC003", Position(1, 1)), ("SC010", Position(1, 4)))


@pytest.mark.parametrize("text", ["⟦- 1⟧\n- 2\n", "⟦hello⟧\n", "⟦[1, 2]⟧\n", "⟦42⟧\n"])
def test_a_file_that_is_no_mapping(text: str) -> None:
    refused(text, "SC010", "a network is a mapping")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028"])
@pytest.mark.parametrize("text", ["[", "a: [1,\n", "a:\n\t- 1\n", "a: {b: c\nd: e\n", 'a: "b\n', "a: [1 2]]\n"])
def test_bad_yaml_at_the_end_of_a_text_with_any_line_ending(text: str, end: str) -> None:
    (found,) = check_text(text.replace("\n", end), "test.net.yaml").diagnostics
    assert found.code == "SC002"
    assert 1 <= found.span.start.line <= text.count("\n") + 2


def test_markers_around_one_document_are_fine() -> None:
    accepted("%YAML 1.2\n---\n" + HEAD + RELU + "...\n")


def test_tags_are_refused_and_nothing_is_constructed() -> None:
    refused(layers("{op: conv, out_channels: ⟦!!int 1⟧, kernel_size: 3}"), "SC010", "tag")
    refused(layers("{op: ⟦!!python/object/apply:os.system ['false']⟧}"), "SC010", "os.system")
    refused(layers("{op: ⟦!custom relu⟧}"), "SC010", "!custom")


def test_duplicate_keys_point_at_the_second_and_tell_of_the_first() -> None:
    found = refused(layers("{op: conv, kernel_size: 3, out_channels: 1, ⟦kernel_size⟧: 5}"), "SC007", "kernel_size")
    assert [r.span.start for r in found.related] == [Position(4, 16)]
    refused("shapecheck: 1\n⟦shapecheck⟧: 1\ninputs: {x: [1]}\n" + RELU, "SC007", "shapecheck")
    refused("shapecheck: 1\ninputs: {x: [1], ⟦x⟧: [2]}\n" + RELU, "SC007", "x")


def test_scalars_are_those_of_yaml_1_2() -> None:
    """on, no and y are words; 010 is ten; 1:30, 0x10, 0o10 and 1_000 are words too."""
    report = accepted(layers("{name: on, op: relu}", "{name: no, op: relu, from: on}", "{name: y, op: relu, from: no}"))
    assert report.shapes is not None
    assert list(report.shapes) == ["x", "on", "no", "y"]
    plain = "{op: conv, out_channels: 010, kernel_size: +3}"
    assert shape(accepted(layers(plain)), "conv_1") == (2, 10, 6, 6)
    for word in ("1:30", "0x10", "0o10", "1_000"):
        refused(layers(f"{{op: conv, out_channels: ⟦{word}⟧, kernel_size: 3}}"), "SC011", "out_channels", word)
    for word in ("on", "yes", "y", "off", "1"):
        refused(layers(f"{{op: conv, out_channels: 1, kernel_size: 3, bias: ⟦{word}⟧}}"), "SC011", "bias", word)
    for word in ("true", "True", "TRUE", "false"):
        accepted(layers(f"{{op: conv, out_channels: 1, kernel_size: 3, bias: {word}}}"))


def test_an_alias_stands_for_its_anchor() -> None:
    text = "shapecheck: 1\ninputs: {x: &size [2, 3, 8, 8], y: *size}\nlayers:\n  - {op: add, from: [x, y]}\n"
    assert shape(accepted(text), "add_1") == (2, 3, 8, 8)


def test_a_merge_key_is_an_unknown_key() -> None:
    """<< belongs to YAML 1.1."""
    text = layers("&base {op: relu}", "⟦{⟧<<: *base}")
    clean = text.replace("⟦", "").replace("⟧", "")
    assert errors(check_text(clean, "test.net.yaml"))


def bomb(levels: int, width: int) -> str:
    lines = [f"a{level}: &a{level} [" + ", ".join([f"*a{level - 1}"] * width) + "]" for level in range(1, levels)]
    return "\n".join(["a0: &a0 [1, 1]", *lines]) + "\n" + HEAD + RELU


def test_an_alias_bomb_is_refused_quickly() -> None:
    found = within(100_000, lambda: check_text(bomb(30, 10), "test.net.yaml")).diagnostics
    assert [d.code for d in found] == ["SC006"]
    assert "values" in found[0].message


def test_the_bound_on_aliases_can_be_raised() -> None:
    text = bomb(4, 10)
    low = check_text(text, "test.net.yaml", limits=DEFAULT_LIMITS._replace(nodes=500))
    assert [d.code for d in low.diagnostics] == ["SC006"]
    high = check_text(text, "test.net.yaml", limits=DEFAULT_LIMITS._replace(nodes=5_000))
    assert "SC006" not in [d.code for d in high.diagnostics]


def test_an_alias_inside_its_own_anchor() -> None:
    refused("shapecheck: 1\ninputs: ⟦&a {x: *a}⟧\n" + RELU, "SC006", "inside its own anchor")


@pytest.fixture(params=[document.composer, document.PythonComposer], ids=["fastest", "in Python"])
def _either_composer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "composer", request.param)


@pytest.mark.usefixtures("_either_composer")
@pytest.mark.parametrize("levels", [65, 100, 999, 1_001, 3_000])
@pytest.mark.parametrize("opening", ["[", "{a: ", "{", "[{a: ", "{? ", "\n [", "[ # a\n "])
def test_nesting_is_bounded(opening: str, levels: int) -> None:
    """Whatever bound of its own the parser has: PyYAML 6.0.4 refuses 1,000 brackets that it has not handed out yet."""
    (found,) = check_text("a: " + opening * levels, "test.net.yaml").diagnostics
    assert (found.code, found.rule.name) == ("SC005", "nesting-too-deep")
    assert "64" in found.message


@pytest.mark.usefixtures("_either_composer")
@pytest.mark.parametrize("limit", [64, MOST["nesting"]])
@pytest.mark.parametrize("opening", ["- ", "? "])
def test_nesting_of_blocks_is_bounded(opening: str, limit: int) -> None:
    limits = DEFAULT_LIMITS._replace(nesting=limit)
    (found,) = check_text(opening * 3_000, "test.net.yaml", limits=limits).diagnostics
    assert (found.code, found.span.start.line) == ("SC005", 1)


@pytest.mark.usefixtures("_either_composer")
def test_brackets_that_close_do_not_nest() -> None:
    """Nor do those in quotes and comments; the mistake in the line is told for what it is."""
    refused(HEAD + "layers: [" + "[], " * 200 + "⟦%⟧]\n", "SC002")
    refused(HEAD + "layers: ['" + "[" * 200 + "', ⟦%⟧]\n", "SC002")


def test_fifty_megabytes_of_nesting_are_refused_without_reading_them(monkeypatch: pytest.MonkeyPatch) -> None:
    composed = []

    def composer(text: str, nesting: int) -> object:
        composed.append(len(text))
        return fastest(text, nesting)

    fastest = document.composer
    monkeypatch.setattr(document, "composer", composer)
    (found,) = check_text("[" * 50_000_000, "test.net.yaml").diagnostics
    assert (found.code, found.span.start.line) == ("SC005", 1)
    assert "64" in found.message
    assert composed[0] == 50_000_000
    assert sum(composed[1:]) < 10_000, "what is composed again is what lies in front of the place"


def test_the_bound_on_nesting_can_be_raised() -> None:
    text = HEAD + RELU + "doc: " + "[" * 70 + "]" * 70 + "\n"
    assert "SC005" in [d.code for d in check_text(text, "test.net.yaml").diagnostics]
    found = check_text(text, "test.net.yaml", limits=DEFAULT_LIMITS._replace(nesting=100)).diagnostics
    assert "SC005" not in [d.code for d in found]
