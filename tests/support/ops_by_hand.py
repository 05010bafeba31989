"""Every op that is written a second time by hand."""

from __future__ import annotations

from collections.abc import Callable

from by_hand.cases import Case, Draw
from by_hand.convolutions import conv, conv_transpose, fold, unfold
from by_hand.merging import arithmetic_merge, concat, stack
from by_hand.poolings import adaptive_pool, global_pool, max_unpool, pool
from by_hand.rearranging import chunk, flatten, permute, reduce, reshape, slice_, squeeze, unsqueeze
from by_hand.resampling import crop, pad, pixel_shuffle, pixel_unshuffle, upsample
from by_hand.vectors import (
    FUNCTIONS,
    attention,
    elementwise,
    embedding,
    linear,
    local_response_norm,
    norm,
    prelu,
    softmax,
)

OPS: dict[str, Callable[[Draw, str], Case]] = {
    "conv": conv,
    "conv_transpose": conv_transpose,
    "unfold": unfold,
    "fold": fold,
    "max_pool": pool,
    "avg_pool": pool,
    "lp_pool": pool,
    "max_unpool": max_unpool,
    "adaptive_avg_pool": adaptive_pool,
    "adaptive_max_pool": adaptive_pool,
    "global_avg_pool": global_pool,
    "global_max_pool": global_pool,
    "upsample": upsample,
    "pad": pad,
    "crop": crop,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "linear": linear,
    "embedding": embedding,
    "attention": attention,
    "batch_norm": norm,
    "instance_norm": norm,
    "layer_norm": norm,
    "group_norm": norm,
    "local_response_norm": local_response_norm,
    "prelu": prelu,
    "softmax": softmax,
    "log_softmax": softmax,
    "add": arithmetic_merge,
    "subtract": arithmetic_merge,
    "multiply": arithmetic_merge,
    "maximum": arithmetic_merge,
    "average": arithmetic_merge,
    "concat": concat,
    "stack": stack,
    "flatten": flatten,
    "reshape": reshape,
    "permute": permute,
    "squeeze": squeeze,
    "unsqueeze": unsqueeze,
    "slice": slice_,
    "chunk": chunk,
    "reduce": reduce,
    **dict.fromkeys(FUNCTIONS, elementwise),
}
