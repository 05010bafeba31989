"""The collectives of a module, layer by layer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from shapecheck.verification.records.partition import LayerCollective
from shapecheck.verification.reference.multi_device.hlo_collectives import Transfer, axes_of

# The scope of a layer in a path such as jit(loss)/transpose(jvp(n17))/conv_general_dilated.
_SCOPE = re.compile(r"(?:^|[/(])n(\d+)(?=[/)]|$)")


def exchanges(
    moved: Iterable[Transfer], mesh: Mapping[str, int], names: Mapping[int, str]
) -> tuple[LayerCollective, ...]:
    """Return what was moved by layer, step, kind and mesh axes, in the order of the module.

    A collective that serves several layers counts once in each of them, with the bytes of that layer alone.
    """
    found: dict[Any, tuple[set[str], int, bool]] = {}
    counts: dict[Any, int] = {}
    for one in moved:
        scopes = [int(number) for number in _SCOPE.findall(one.op_name)]
        # Combined arrays whose own names are not known share one name, of all of them: it decides nothing.
        layers = {names.get(index) for index in scopes}
        layer = layers.pop() if len(layers) == 1 else None
        step = "backward" if "transpose(" in one.op_name else "forward"
        place = (layer, step, one.kind, axes_of(one.groups, mesh))
        instructions, total, loop = found.get(place, (set(), 0, False))
        times = one.times or 1
        if one.instruction not in instructions:
            counts[place] = counts.get(place, 0) + times
        found[place] = ({*instructions, one.instruction}, total + one.bytes * times, loop or one.times is None)
    return tuple(
        LayerCollective(layer, step, kind, axes, counts[layer, step, kind, axes], total, loop)
        for (layer, step, kind, axes), (_, total, loop) in found.items()
    )


def reduced(found: Iterable[LayerCollective]) -> set[tuple[str, str]]:
    """Return (layer, mesh axis) where a layer adds up parts that the devices along the axis computed."""
    return {
        (one.layer, axis)
        for one in found
        if one.layer is not None and one.kind in ("all-reduce", "reduce-scatter")
        for axis in one.axes or ()
    }
