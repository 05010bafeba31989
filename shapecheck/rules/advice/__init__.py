"""Advice: changes of the file that may mend a finding, each of which is tried before it is told.

The smallest change comes first. What stands here is not promised; ``findings.attempts`` finds out what is true of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from shapecheck.analysis.propagation import Shapes
from shapecheck.findings.finding import Advice, Finding
from shapecheck.rules.advice.file_advice import listed_outputs, other_layout
from shapecheck.rules.advice.input_advice import other_sizes
from shapecheck.rules.advice.inquiry import Inquiry
from shapecheck.rules.advice.merge_advice import (
    broadcast,
    channels,
    cropped,
    full_padding,
    other_axis,
    resized_like,
    rounded_up,
)
from shapecheck.rules.advice.number_advice import (
    axis_of_one,
    channel_axis_named,
    channels_above,
    dividing,
    fitting_entry,
    kept_axes,
    last_index,
    parameters,
    stated_number,
)
from shapecheck.rules.advice.undoing_advice import (
    demanded,
    legal_size,
    mirrored,
    other_padding,
    own_fix,
    said_size,
    size_of_skip,
    undone_layer,
)
from shapecheck.rules.advice.window_advice import (
    even_padding,
    explicit_padding,
    fitting_kernel,
    half_padding,
    kept_size,
    less_padding,
    live_kernel,
    one_for_all_axes,
    other_mode,
    other_order,
    reached_padding,
    read_all,
    same_rounding,
    whole_multiple,
)

Builder = Callable[[Inquiry], Iterator[Advice]]

# For each rule what may mend it, the smallest change first.
BUILDERS: Mapping[str, tuple[Builder, ...]] = {
    "merge-mismatch": (
        broadcast,
        even_padding,
        other_sizes,
        other_padding,
        full_padding,
        resized_like,
        rounded_up,
        cropped,
        channels,
        other_axis,
    ),
    "expectation-differs": (even_padding, other_sizes, other_padding, full_padding, resized_like, rounded_up, channels),
    "stated-size-differs": (stated_number, parameters),
    "kernel-exceeds-input": (other_order, even_padding, other_sizes, fitting_kernel),
    "wrong-number-of-axes": (one_for_all_axes,),
    "groups-do-not-divide": (dividing, channels_above),
    "channels-do-not-divide": (dividing, channels_above),
    "size-does-not-divide": (other_sizes,),
    "reshape-count-differs": (even_padding, other_sizes, fitting_entry),
    "pool-padding-over-half": (other_order, less_padding),
    "padding-exceeds-input": (other_sizes, other_mode),
    "crop-too-large": (other_sizes,),
    "squeeze-of-larger-axis": (axis_of_one,),
    "pair-broken": (mirrored,),
    "wrong-rank": (kept_axes,),
    "acts-on-width": (channel_axis_named,),
    "refused-by-pytorch": (parameters,),
    "axis-out-of-range": (last_index,),
    "ambiguous-transposed-size": (own_fix, said_size, undone_layer, demanded),
    "output-padding-out-of-range": (legal_size,),
    "output-size-unreachable": (legal_size, undone_layer),
    "transpose-of-not-a-convolution": (undone_layer, size_of_skip),
    "unpool-differs": (undone_layer,),
    "unpool-without-pool": (undone_layer,),
    "even-kernel-half-padding": (kept_size,),
    "taps-in-padding": (live_kernel,),
    "collapsed-axis": (live_kernel,),
    "same-with-stride": (explicit_padding,),
    "mixed-ceil-and-floor": (same_rounding,),
    "stride-larger-than-kernel": (read_all,),
    "padding-wider-than-kernel": (reached_padding,),
    "floored-padding": (whole_multiple,),
    "swapped-padding": (half_padding,),
}

# The same for rules that are about the file as a whole.
FILE_BUILDERS: Mapping[str, Callable[[Shapes, str], Iterator[Advice]]] = {
    "layout-suspected": other_layout,
    "output-by-accident": listed_outputs,
}


def advise(shapes: Shapes, text: str, finding: Finding) -> Iterator[Advice]:
    """Yield what may mend a finding, none of it tried."""
    if finding.rule.name in FILE_BUILDERS:
        yield from FILE_BUILDERS[finding.rule.name](shapes, text)
    builders = BUILDERS.get(finding.rule.name, ())
    node = next((node for node in shapes.network.layers if node.name == finding.layer), None) if builders else None
    if node is None:
        return
    problem = next((t for t in shapes.troubles if t.node == node.index and t.rule == finding.rule.name), None)
    asked = Inquiry(shapes, text, finding, node, problem)
    for builder in builders:
        yield from builder(asked)
