"""The checks: what looks at a whole network for a rule of the catalogue, and what adds to a broken shape rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from shapecheck.analysis.propagation import Shapes
from shapecheck.findings.finding import Finding
from shapecheck.layers.context import Problem
from shapecheck.rules import (
    architecture_style,
    axis_order,
    batch_statistics,
    capacity,
    dead_layers,
    devices,
    element_types,
    encoder_decoder,
    explanations,
    frameworks,
    input_axes,
    merges,
    nonlinearity,
    padding,
    receptive_fields,
    reshape_counts,
    resized_maps,
    strides_and_dilation,
    transposed_convolution,
    unknown_sizes,
)

Check = Callable[[Shapes], Iterable[Finding]]
Explain = Callable[[Finding, Shapes, Problem], Finding]

# What finds by itself, in the order of the codes.
CHECKS: Mapping[str, Check] = {
    "adaptive-output-larger": resized_maps.adaptive_output_larger,
    "dimension-without-size": unknown_sizes.dimension_without_size,
    "lookup-of-floats": element_types.lookup_of_floats,
    "output-padding-at-least-stride": transposed_convolution.output_padding_at_least_stride,
    "pair-broken": encoder_decoder.pair_broken,
    "uneven-overlap": transposed_convolution.uneven_overlap,
    "floored-padding": transposed_convolution.floored_padding,
    "transposed-output-cropped": transposed_convolution.transposed_output_cropped,
    "unpool-without-pool": encoder_decoder.unpool_without_pool,
    "unread-input": strides_and_dilation.unread_input,
    "same-with-stride": padding.same_with_stride,
    "even-kernel-half-padding": padding.even_kernel_half_padding,
    "dilation-gridding": strides_and_dilation.dilation_gridding,
    "padding-wider-than-kernel": padding.padding_wider_than_kernel,
    "stride-larger-than-kernel": strides_and_dilation.stride_larger_than_kernel,
    "mixed-ceil-and-floor": resized_maps.mixed_ceil_and_floor,
    "misaligned-branches": merges.misaligned_branches,
    "unproductive-layers": receptive_fields.unproductive_layers,
    "collapsed-axis": receptive_fields.collapsed_axis,
    "broadcast-both-ways": merges.broadcast_both_ways,
    "accidental-anisotropy": resized_maps.accidental_anisotropy,
    "layout-suspected": axis_order.layout_suspected,
    "taps-in-padding": padding.taps_in_padding,
    "swapped-padding": padding.swapped_padding,
    "missing-batch-axis": input_axes.missing_batch_axis,
    "none-as-dimension": input_axes.none_as_dimension,
    "reshape-for-permute": axis_order.reshape_for_permute,
    "uneven-crop": resized_maps.uneven_crop,
    "bias-before-normalisation": batch_statistics.bias_before_normalisation,
    "activation-twice": nonlinearity.activation_twice,
    "linear-without-activation": nonlinearity.linear_without_activation,
    "dropout-before-batch-norm": batch_statistics.dropout_before_batch_norm,
    "norm-of-one-value": batch_statistics.norm_of_one_value,
    "depthwise-without-pointwise": capacity.depthwise_without_pointwise,
    "representational-bottleneck": capacity.representational_bottleneck,
    "concentrated-parameters": capacity.concentrated_parameters,
    "activated-output": nonlinearity.activated_output,
    "layers-without-effect": dead_layers.layers_without_effect,
    "softmax-of-one": nonlinearity.softmax_of_one,
    "layer-does-nothing": dead_layers.layer_does_nothing,
    "acts-on-width": axis_order.acts_on_width,
    "same-input-twice": merges.same_input_twice,
    "output-by-accident": dead_layers.output_by_accident,
    "widths-shrink": architecture_style.widths_shrink,
    "convolutions-per-stage": architecture_style.convolutions_per_stage,
    "ceil-mode-differs": frameworks.ceil_mode_differs,
    "unset-output-padding-differs": frameworks.unset_output_padding_differs,
    "caffe-rounds-up": frameworks.caffe_rounds_up,
    "jax-transposed-padding": frameworks.jax_transposed_padding,
    "same-padding-differs": frameworks.same_padding_differs,
    "refused-by-pytorch": frameworks.refused_by_pytorch,
    "uneven-sharding": devices.uneven_sharding,
    "uneven-shards": devices.uneven_shards,
}
# What adds to a finding of a broken shape rule that which only the whole network can tell.
EXPLANATIONS: Mapping[str, Explain] = {
    "size-below-one": explanations.with_origin,
    "kernel-exceeds-input": explanations.with_origin,
    "groups-do-not-divide": explanations.with_origin,
    "stated-size-differs": explanations.stated_size_differs,
    "expectation-differs": explanations.expectation_differs,
    "merge-mismatch": explanations.merge_mismatch,
    "reshape-count-differs": reshape_counts.reshape_count_differs,
    "crop-too-large": explanations.with_origin,
    "channels-do-not-divide": explanations.with_origin,
    "size-does-not-divide": explanations.with_origin,
    "padding-exceeds-input": explanations.with_origin,
}
