"""A store gives back what was put in, or nothing; it never raises and never gives half an answer."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapecheck.cache.store import Store, default_folder, key


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
    # A path that is not absolute would put a cache into whatever folder the program runs in.
    monkeypatch.setenv("XDG_CACHE_HOME", "xdg")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / ".cache" / "shapecheck"


def age(path: Path, days: float) -> None:
    moment = time.time() - days * 86_400
    os.utime(path, (moment, moment))


def files(folder: Path) -> set[Path]:
    return {p for p in folder.rglob("*") if p.is_file() and p.name != "pruned"}


def test_what_nobody_asks_for_is_forgotten_and_what_is_asked_for_is_kept(tmp_path: Path) -> None:
    store = Store(tmp_path, "check")
    store.prune(30, 1)
    assert not (tmp_path / "check").exists()
    for name in ("old", "asked", "new"):
        store.put(key(name), name.encode())
        if name != "new":
            age(store._path(key(name)), 31)
    draft = store._path(key("old")).with_name("cut.1.tmp")
    draft.write_bytes(b"")
    age(draft, 31)
    assert store.get(key("asked")) == b"asked"
    store.prune(30, 1)
    assert files(tmp_path) == {store._path(key("asked")), store._path(key("new"))}
    age(store._path(key("new")), 31)
    store.prune(30, 1)
    assert store.get(key("new")) == b"new", "it was looked through a moment ago"
    age(store._path(key("new")), 31)
    age(tmp_path / "check" / "pruned", 2)
    store.prune(30, 1)
    assert store.get(key("new")) is None


def test_two_that_forget_at_once_do_not_mind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path, "check")
    for number in range(20):
        store.put(key(str(number)), b"")
        age(store._path(key(str(number))), 31)
    unlink = os.unlink

    def other_was_first(path: str) -> None:
        unlink(path)
        unlink(path)

    monkeypatch.setattr(os, "unlink", other_was_first)
    store.prune(30, 1)
    assert files(tmp_path) == set()
