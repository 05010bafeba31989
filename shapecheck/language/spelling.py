"""The nearest right word for a wrong one."""

from __future__ import annotations

from collections.abc import Iterable

# What other formats and libraries call a word of this language; a name with several meanings has several.
ELSEWHERE: dict[str, tuple[str, ...]] = {
    "avg": ("mean",),
    "bicubic": ("cubic",),
    "bilinear": ("linear",),
    "bn": ("batch_norm",),
    "cat": ("concat",),
    "deconv": ("conv_transpose",),
    "deconvolution": ("conv_transpose",),
    "dense": ("linear",),
    "depth_to_space": ("pixel_shuffle",),
    "dilation_rate": ("dilation",),
    "dim": ("axis", "axes"),
    "double": ("float64",),
    "fc": ("linear",),
    "filters": ("out_channels",),
    "float": ("float32",),
    "fully_connected": ("linear",),
    "gap": ("global_avg_pool",),
    "half": ("float16",),
    "interpolate": ("upsample",),
    "kernel": ("kernel_size",),
    "lrn": ("local_response_norm",),
    "mean": ("reduce",),
    "mul": ("multiply",),
    "nchw": ("channels_first",),
    "nhwc": ("channels_last",),
    "no": ("false",),
    "off": ("false",),
    "on": ("true",),
    "pool_size": ("kernel_size",),
    "resize": ("upsample",),
    "same_upper": ("same",),
    "space_to_depth": ("pixel_unshuffle",),
    "split": ("chunk",),
    "sum": ("add", "reduce"),
    "swish": ("silu",),
    "transpose": ("permute",),
    "trilinear": ("linear",),
    "units": ("out_features",),
    "view": ("reshape",),
    "yes": ("true",),
}


def nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the word that means ``word`` or is most like it, or None where none is much like it."""
    import difflib  # only needed once there is a mistake

    known = list(words)
    asked = word.lower().replace("-", "_")
    folded = {w.lower().replace("-", "_"): w for w in known}
    for same in ELSEWHERE.get(asked, ()):
        if asked not in folded and same in folded:
            return folded[same]
    close = difflib.get_close_matches(asked, folded, n=1, cutoff=0.65)
    return folded[close[0]] if close else None


def suggest(word: str, words: Iterable[str], what: str) -> str:
    """Return the help for an unknown word: the nearest one, or the legal ones."""
    known = list(words)
    best = nearest(word, known)
    if best is not None:
        return f"did you mean {best}?"
    if not known:
        return f"there are no {what} here"
    listed = ", ".join(known[:30]) + (f" and {len(known) - 30} more" if len(known) > 30 else "")
    return f"the {what} here are {listed}"
