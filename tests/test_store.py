"""A store gives back what was put in, or nothing; it never raises and never gives half an answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapecheck.store import Store, default_folder, key


def test_what_was_put_is_found_again_by_another_store(tmp_path: Path) -> None:
    Store(tmp_path, "check").put(key("a"), b"answer")
    assert Store(tmp_path, "check").get(key("a")) == b"answer"
    assert Store(tmp_path, "check").get(key("b")) is None
    assert Store(tmp_path, "verify").get(key("a")) is None


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_two_lists_of_parts_have_two_keys(one: list[bytes], other: list[bytes]) -> None:
    assert (key(*one) == key(*other)) == (one == other)


@pytest.mark.parametrize("length", [0, 10, 32, 35, 37])
def test_a_file_cut_short_is_no_answer(tmp_path: Path, length: int) -> None:
    store = Store(tmp_path, "check")
    store.put(key("a"), b"answer")
    (path,) = (p for p in tmp_path.rglob("*") if p.is_file())
    path.write_bytes(path.read_bytes()[:length])
    assert store.get(key("a")) is None


def test_a_folder_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file", "check")
    store.put(key("a"), b"answer")
    assert store.get(key("a")) is None


def test_nothing_is_left_behind_by_writing(tmp_path: Path) -> None:
    store = Store(tmp_path, "check")
    for _ in range(3):
        store.put(key("a"), b"answer")
    assert len([p for p in tmp_path.rglob("*") if p.is_file()]) == 1


def test_the_environment_says_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHAPECHECK_CACHE_DIR", str(tmp_path / "here"))
    assert default_folder() == tmp_path / "here"
    monkeypatch.delenv("SHAPECHECK_CACHE_DIR")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_folder() == tmp_path / "xdg" / "shapecheck"
