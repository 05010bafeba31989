"""The checks: what looks at a whole network for a rule of the catalogue, and what adds to a broken shape rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Optional

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.findings.finding import Finding
from shapecheck.rules import (
    agreement,
    axes,
    counting,
    decoding,
    devices,
    dialects,
    edges,
    efficiency,
    fitting,
    placement,
    skipping,
    slips,
    statistics,
    style,
    transposed,
    unsure,
    waste,
)

Check = Callable[[Shapes], Iterable[Finding]]
Explain = Callable[[Finding, Optional[Shapes], Optional[Trouble]], Finding]

# What finds by itself, in the order of the codes.
CHECKS: Mapping[str, Check] = {
    "adaptive-output-larger": unsure.adaptive_output_larger,
    "dimension-without-size": unsure.dimension_without_size,
    "output-padding-at-least-stride": transposed.output_padding_at_least_stride,
    "pair-broken": decoding.pair_broken,
    "uneven-overlap": decoding.uneven_overlap,
    "floored-padding": decoding.floored_padding,
    "transposed-output-cropped": decoding.transposed_output_cropped,
    "unpool-without-pool": decoding.unpool_without_pool,
    "unread-input": edges.unread_input,
    "same-with-stride": edges.same_with_stride,
    "even-kernel-half-padding": edges.even_kernel_half_padding,
    "dilation-gridding": skipping.dilation_gridding,
    "padding-wider-than-kernel": edges.padding_wider_than_kernel,
    "stride-larger-than-kernel": skipping.stride_larger_than_kernel,
    "mixed-ceil-and-floor": skipping.mixed_ceil_and_floor,
    "misaligned-branches": placement.misaligned_branches,
    "unproductive-layers": placement.unproductive_layers,
    "collapsed-axis": placement.collapsed_axis,
    "broadcast-both-ways": axes.broadcast_both_ways,
    "accidental-anisotropy": axes.accidental_anisotropy,
    "layout-suspected": axes.layout_suspected,
    "taps-in-padding": edges.taps_in_padding,
    "swapped-padding": axes.swapped_padding,
    "bias-before-normalisation": efficiency.bias_before_normalisation,
    "activation-twice": efficiency.activation_twice,
    "linear-without-activation": efficiency.linear_without_activation,
    "dropout-before-batch-norm": statistics.dropout_before_batch_norm,
    "norm-of-one-value": statistics.norm_of_one_value,
    "depthwise-without-pointwise": statistics.depthwise_without_pointwise,
    "representational-bottleneck": waste.representational_bottleneck,
    "concentrated-parameters": waste.concentrated_parameters,
    "activated-output": waste.activated_output,
    "layers-without-effect": waste.layers_without_effect,
    "softmax-of-one": slips.softmax_of_one,
    "layer-does-nothing": slips.layer_does_nothing,
    "acts-on-width": slips.acts_on_width,
    "same-input-twice": slips.same_input_twice,
    "widths-shrink": style.widths_shrink,
    "convolutions-per-stage": style.convolutions_per_stage,
    "ceil-mode-differs": dialects.ceil_mode_differs,
    "unset-output-padding-differs": dialects.unset_output_padding_differs,
    "caffe-rounds-up": dialects.caffe_rounds_up,
    "jax-transposed-padding": dialects.jax_transposed_padding,
    "same-padding-differs": dialects.same_padding_differs,
    "uneven-sharding": devices.uneven_sharding,
    "uneven-shards": devices.uneven_shards,
}
# What adds to a finding of a broken shape rule that which only the whole network can tell.
EXPLANATIONS: Mapping[str, Explain] = {
    "size-below-one": fitting.size_below_one,
    "kernel-exceeds-input": fitting.kernel_exceeds_input,
    "groups-do-not-divide": fitting.groups_do_not_divide,
    "stated-size-differs": agreement.stated_size_differs,
    "expectation-differs": agreement.expectation_differs,
    "merge-mismatch": agreement.merge_mismatch,
    "crop-too-large": fitting.crop_too_large,
    "channels-do-not-divide": counting.channels_do_not_divide,
    "size-does-not-divide": counting.size_does_not_divide,
    "padding-exceeds-input": fitting.padding_exceeds_input,
}
