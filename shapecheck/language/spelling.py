"""What other formats and libraries call a word of this language, for ``did you mean``."""

from __future__ import annotations

from shapecheck.layers import aliases

# Words that belong to no layer: its ops, keys and values say themselves what else they are called.
_GENERAL: dict[str, tuple[str, ...]] = {
    "double": ("float64",),
    "float": ("float32",),
    "half": ("float16",),
    "nchw": ("channels_first",),
    "nhwc": ("channels_last",),
    "no": ("false",),
    "off": ("false",),
    "on": ("true",),
    "yes": ("true",),
}


def meanings() -> dict[str, tuple[str, ...]]:
    """Return what a word of elsewhere may mean here; a name with several meanings has several.

    Made anew each time: a layer class may be declared at any time, and to find the nearest word takes far longer.
    """
    return {**aliases(), **_GENERAL}
