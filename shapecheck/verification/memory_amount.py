"""Amounts of memory, as people write them."""

from __future__ import annotations

import re

UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([A-Za-z]+)")


def parse_amount(text: str) -> int:
    """Return the bytes of an amount such as ``16GiB``, ``24 GB`` or ``1.5GiB``. Raises ValueError."""
    found = _AMOUNT.fullmatch(text.strip())
    unit = found and next((u for u in UNITS if u.lower() == found[2].lower()), None)
    if found is None or unit is None:
        raise ValueError(f"{text!r} is no amount of memory: write a number and {', '.join(UNITS)}, such as 16GiB")
    amount = int(float(found[1]) * UNITS[unit])
    if amount < 1:
        raise ValueError(f"{text!r} is no memory at all: nothing fits in it")
    return amount
