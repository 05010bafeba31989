"""What the reference build raises, and how an error of JAX becomes one line that a user can read."""

from __future__ import annotations

import re

_LONGEST = 400
_SOURCE_LINE = re.compile(r"(?:\S*/)?\S+\.py:\d+(?::\d+)?(?: \([^)]*\))?")


class BuildError(ValueError):
    """A layer that cannot be built; the message is one line, without the layer's name."""


class OutOfReach(Exception):
    """A layer about which JAX cannot be asked, for a limit that is no fault of the layer's; the message says which."""


# Why nothing is known of a layer about which JAX raises OverflowError.
TOO_FEW_BITS = "JAX counts the elements of some arrays with 32 bits, which are too few here"


class DeviceError(Exception):
    """The device that was asked for is not here; the message says what is missing and what to do."""


def one_line(error: BaseException) -> str:
    """Return an error's message on one line, without source paths and not longer than a screen is wide thrice."""
    text = " ".join(_SOURCE_LINE.sub("", str(error)).split()) or "no message"
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1].rstrip() + "…"
    if isinstance(error, (BuildError, TypeError, ValueError)):
        return text
    return f"{type(error).__name__}: {text}"
