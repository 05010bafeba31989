"""What became of a network on a mesh of devices, for people."""

from __future__ import annotations

from collections.abc import Iterator

from shapecheck.text import and_more, plural, short_bytes, table
from shapecheck.verification.records.compiler_cost import CompiledFigures
from shapecheck.verification.records.partition import LayerCollective, Partition, PartitionPass

HEAD = ("layer", "pass", "collective", "over", "number", "bytes")
# How many rows of a table people are shown; JSON has all.
_MOST_ROWS = 20
_MOST_NAMES = 6


def mesh_lines(found: Partition) -> list[str]:
    """Return the outcome for a mesh as lines of text."""
    shape = ", ".join(f"{axis}={count}" for axis, count in found.mesh.items())
    told = [f"mesh {shape} ({plural(found.devices, 'device', ',')}): {_sentence(found)}"]
    told += [f"  {refusal.name}: {refusal.reason}" for refusal in found.refusals]
    if found.argument is not None:
        told.append(f"  each device holds {short_bytes(found.argument)} of parameters and inputs")
    for one in found.passes:
        told += [f"  {line}" for line in _pass(one, found.devices)]
    told += [f"  {line}" for line in _layers(found)]
    if found.note is not None:
        told.append(f"  {found.note}")
    return told


def collective_row(one: LayerCollective) -> tuple[str, ...]:
    """Return collectives as a row of a table under ``HEAD``."""
    axes = "unknown" if one.axes is None else ", ".join(one.axes) or "none"
    number = f"{one.number:,}" + (" or more" if one.in_loop else "")
    return one.layer or "(no layer)", one.step, one.kind, axes, number, f"{one.bytes:,}"


def pass_title(one: PartitionPass) -> str:
    """Return what people call a compiled function."""
    return "training step" if one.name == "training" else "forward pass"


def flops_text(figures: CompiledFigures) -> str:
    """Return the operations as a number with separators between thousands."""
    return "unknown" if figures.flops is None else f"{figures.flops:,.0f}"


def _sentence(found: Partition) -> str:
    if found.result == "not_checked":
        return f"not checked: {found.reason}"
    if found.result == "refuted":
        return f"refuted: JAX refuses to split {plural(len(found.refusals), 'array', ',')}"
    done = {"compile": "partitioned and compiled by XLA for virtual CPU devices", "lower": "lowered by JAX"}
    return f"proved: {done.get(found.level, 'split by JAX')}"


def _layers(found: Partition) -> Iterator[str]:
    uneven = [split for split in found.splits if split.uneven]
    if uneven:
        yield f"padded by XLA, since their parts differ in size: {and_more([s.layer for s in uneven], _MOST_NAMES)}"
    if found.unpadded:
        names = and_more(found.unpadded, _MOST_NAMES)
        yield f"split otherwise or gathered by XLA, where padding was expected: {names}"
    alike: dict[tuple[str, ...], list[str]] = {}
    for split in found.splits:
        if split.repeated:
            alike.setdefault(split.repeated, []).append(split.layer)
    for axes, layers in alike.items():
        yield f"repeated on every device along {' and '.join(axes)}: {and_more(layers, _MOST_NAMES)}"


def _pass(one: PartitionPass, devices: int) -> Iterator[str]:
    alone = f"{flops_text(one.whole)} on one device alone"
    yield f"{pass_title(one)}: {flops_text(one.each)} flops a device, {alone}{_gain(one, devices)}"
    memory = one.each.held
    if memory is not None and one.each.argument is not None:
        alone = "" if one.whole.held is None else f"; {short_bytes(one.whole.held)} on one device alone"
        yield (
            f"  memory a device: {short_bytes(memory)} ({short_bytes(one.each.argument)} arguments, "
            f"{short_bytes(one.each.output or 0)} results, {short_bytes(one.each.temporary or 0)} temporaries){alone}"
        )
    if not one.exchanges:
        yield "  no collective: the devices never wait for each other"
        return
    total = sum(exchange.bytes for exchange in one.exchanges)
    yield f"  {plural(one.collectives, 'collective', ',')}, {short_bytes(total)} a device"
    yield from _collectives(sorted(one.exchanges, key=lambda exchange: -exchange.bytes))


def _collectives(largest: list[LayerCollective]) -> Iterator[str]:
    rows = [HEAD, *(collective_row(exchange) for exchange in largest[:_MOST_ROWS])]
    yield from (f"    {line}" for line in table(rows, right=range(4, len(HEAD))))
    if len(largest) > _MOST_ROWS:
        rest = largest[_MOST_ROWS:]
        yield f"    and {len(rest)} smaller rows, {short_bytes(sum(e.bytes for e in rest))}"


def _gain(one: PartitionPass, devices: int) -> str:
    """Return how much less there is to do, and how much of it is done more than once."""
    if one.speed_up is None or one.whole.flops is None or one.each.flops is None:
        return ""
    extra = one.each.flops * devices / one.whole.flops - 1
    more = f", {extra:.0%} of the work is repeated or padding" if extra >= 0.005 else ""
    return f": {one.speed_up:.2f} times fewer on {devices} devices{more}"
