"""A package of the same name would stand in place of a public function as soon as anything imports it."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

import shapecheck


@pytest.mark.parametrize("name", sorted(set(shapecheck.__all__) - {"__version__"}))
def test_no_module_hides_a_public_name(name: str) -> None:
    assert find_spec(f"shapecheck.{name}") is None
    assert getattr(shapecheck, name) is not None
