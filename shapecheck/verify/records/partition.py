"""What XLA says of a network that is split over a mesh of devices: plain records, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, Optional

# XLA's CPU backend takes 1,024; each costs a thread and some memory, and more than this is no mesh to draw by hand.
MOST_DEVICES = 512
# How many rows of a table people are shown; JSON has all.
MOST_ROWS = 20
NO_LAYER = "(no layer)"
HEAD = ("layer", "pass", "collective", "over", "number", "bytes")


class Figures(NamedTuple):
    """Floating-point operations, and memory in bytes, of one device; None where XLA has no figure."""

    flops: Optional[float]
    argument: Optional[int]
    output: Optional[int]
    temporary: Optional[int]

    @property
    def memory(self) -> int | None:
        """The bytes that are held at once."""
        if self.argument is None or self.output is None or self.temporary is None:
            return None
        return self.argument + self.output + self.temporary


class Exchange(NamedTuple):
    """Collectives of one kind in one layer: how many, over which mesh axes, and the bytes that a device moves.

    ``layer`` is None where XLA's metadata names none, ``axes`` where the groups of devices could not be read.
    ``in_loop`` says that some stand in a loop whose turns are not known; each is then counted once.
    """

    layer: Optional[str]
    step: Literal["forward", "backward"]
    kind: str
    axes: Optional[tuple[str, ...]]
    number: int
    bytes: int
    in_loop: bool

    def row(self) -> tuple[str, ...]:
        """Return the exchange as a row of a table under ``HEAD``."""
        axes = "unknown" if self.axes is None else ", ".join(self.axes) or "none"
        number = f"{self.number:,}" + (" or more" if self.in_loop else "")
        return self.layer or NO_LAYER, self.step, self.kind, axes, number, f"{self.bytes:,}"


class Pass(NamedTuple):
    """One compiled function, ``forward`` or ``training``: on one device, and on each device of the mesh.

    ``collectives`` counts those that XLA put in; one that serves several layers stands in ``exchanges`` for each.
    """

    name: Literal["forward", "training"]
    whole: Figures
    each: Figures
    collectives: int
    exchanges: tuple[Exchange, ...]

    @property
    def title(self) -> str:
        """What people call it."""
        return "training step" if self.name == "training" else "forward pass"

    @property
    def speed_up(self) -> float | None:
        """How many times fewer operations a device of the mesh has to do than one device alone."""
        if not self.whole.flops or not self.each.flops:
            return None
        return self.whole.flops / self.each.flops


class LayerSplit(NamedTuple):
    """Over which mesh axes XLA split each axis of a layer's output, and the axes that its parts do not divide.

    ``repeated`` are the mesh axes along which every device computes the same output.
    """

    layer: str
    shape: tuple[int, ...]
    split: tuple[tuple[str, ...], ...]
    uneven: tuple[int, ...]
    repeated: tuple[str, ...]


class Refusal(NamedTuple):
    """An input or a parameter that JAX does not split as it is asked, and what it says."""

    name: str
    layer: str
    reason: str


class Partition(NamedTuple):
    """The outcome for a mesh. ``argument`` is what parameters and inputs take on each device, in bytes.

    ``reason`` says why ``result`` is ``not_checked``. ``note`` names what was left out of a proof. ``unpadded`` are
    the layers whose parts the rule expects to differ in size, and which XLA split otherwise or gathered.
    """

    mesh: dict[str, int]
    level: str
    result: Literal["proved", "refuted", "not_checked"]
    reason: Optional[str]
    note: Optional[str] = None
    refusals: tuple[Refusal, ...] = ()
    argument: Optional[int] = None
    passes: tuple[Pass, ...] = ()
    splits: tuple[LayerSplit, ...] = ()
    seconds: float = 0.0
    unpadded: tuple[str, ...] = ()

    @property
    def devices(self) -> int:
        """How many devices the mesh has."""
        count = 1
        for each in self.mesh.values():
            count *= each
        return count

    def lines(self) -> list[str]:
        """Return the outcome as lines of text."""
        shape = ", ".join(f"{axis}={count}" for axis, count in self.mesh.items())
        found = [f"mesh {shape} ({_counted(self.devices, 'device')}): {self._sentence()}"]
        found += [f"  {refusal.name}: {refusal.reason}" for refusal in self.refusals]
        if self.argument is not None:
            found.append(f"  each device holds {size(self.argument)} of parameters and inputs")
        for one in self.passes:
            found += [f"  {line}" for line in _pass(one, self.devices)]
        found += [f"  {line}" for line in self._layers()]
        if self.note is not None:
            found.append(f"  {self.note}")
        return found

    def _sentence(self) -> str:
        if self.result == "not_checked":
            return f"not checked: {self.reason}"
        if self.result == "refuted":
            return f"refuted: JAX refuses to split {_counted(len(self.refusals), 'array')}"
        done = {"compile": "partitioned and compiled by XLA for virtual CPU devices", "lower": "lowered by JAX"}
        return f"proved: {done.get(self.level, 'split by JAX')}"

    def _layers(self) -> Iterator[str]:
        uneven = [split for split in self.splits if split.uneven]
        if uneven:
            yield f"padded by XLA, since their parts differ in size: {_some([s.layer for s in uneven])}"
        if self.unpadded:
            yield f"split otherwise or gathered by XLA, where padding was expected: {_some(list(self.unpadded))}"
        alike: dict[tuple[str, ...], list[str]] = {}
        for split in self.splits:
            if split.repeated:
                alike.setdefault(split.repeated, []).append(split.layer)
        for axes, layers in alike.items():
            yield f"repeated on every device along {' and '.join(axes)}: {_some(layers)}"

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as the interface has it. Bytes and flops are those of one device."""
        return {
            "axes": self.mesh,
            "devices": self.devices,
            "level": self.level,
            "result": self.result,
            "reason": self.reason,
            "note": self.note,
            "refused": [refusal._asdict() for refusal in self.refusals],
            "argument_bytes": self.argument,
            "passes": [_pass_json(one) for one in self.passes],
            "layers": [
                {
                    "layer": split.layer,
                    "shape": list(split.shape),
                    "split": [list(axes) for axes in split.split],
                    "uneven_axes": list(split.uneven),
                    "repeated_over": list(split.repeated),
                }
                for split in self.splits
            ],
            "unpadded": list(self.unpadded),
            "seconds": round(self.seconds, 3),
        }


def _pass(one: Pass, devices: int) -> Iterator[str]:
    alone = f"{show_flops(one.whole)} on one device alone"
    yield f"{one.title}: {show_flops(one.each)} flops a device, {alone}{_gain(one, devices)}"
    memory = one.each.memory
    if memory is not None and one.each.argument is not None:
        alone = "" if one.whole.memory is None else f"; {size(one.whole.memory)} on one device alone"
        yield (
            f"  memory a device: {size(memory)} ({size(one.each.argument)} arguments, "
            f"{size(one.each.output or 0)} results, {size(one.each.temporary or 0)} temporaries){alone}"
        )
    if not one.exchanges:
        yield "  no collective: the devices never wait for each other"
        return
    total = sum(exchange.bytes for exchange in one.exchanges)
    yield f"  {_counted(one.collectives, 'collective')}, {size(total)} a device"
    largest = sorted(one.exchanges, key=lambda exchange: -exchange.bytes)
    rows = [HEAD, *(exchange.row() for exchange in largest[:MOST_ROWS])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    for row in rows:
        left = "  ".join(cell.ljust(width) for cell, width in zip(row[:4], widths, strict=False))
        right = "  ".join(cell.rjust(width) for cell, width in zip(row[4:], widths[4:], strict=True))
        yield f"    {left}  {right}"
    if len(largest) > MOST_ROWS:
        rest = largest[MOST_ROWS:]
        yield f"    and {len(rest)} smaller rows, {size(sum(e.bytes for e in rest))}"


def _gain(one: Pass, devices: int) -> str:
    """Return how much less there is to do, and how much of it is done more than once."""
    if one.speed_up is None or one.whole.flops is None or one.each.flops is None:
        return ""
    extra = one.each.flops * devices / one.whole.flops - 1
    more = f", {extra:.0%} of the work is repeated or padding" if extra >= 0.005 else ""
    return f": {one.speed_up:.2f} times fewer on {devices} devices{more}"


def _pass_json(one: Pass) -> dict[str, Any]:
    return {
        "pass": one.name,
        "one_device": _figures_json(one.whole),
        "each_device": _figures_json(one.each),
        "speed_up": one.speed_up,
        "collectives": one.collectives,
        "exchanges": [
            {**exchange._asdict(), "axes": None if exchange.axes is None else list(exchange.axes)}
            for exchange in one.exchanges
        ],
    }


def _figures_json(figures: Figures) -> dict[str, Any]:
    return {
        "flops": figures.flops,
        "argument_bytes": figures.argument,
        "output_bytes": figures.output,
        "temporary_bytes": figures.temporary,
    }


def show_flops(figures: Figures) -> str:
    """Return the operations as a number with its thousands parted."""
    return "unknown" if figures.flops is None else f"{figures.flops:,.0f}"


def size(count: int) -> str:
    """Return bytes to three digits, in units of 1024."""
    value, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1024 and len(units) > 1:
        value /= 1024
        units.pop(0)
    return f"{count} B" if units[0] == "B" else f"{value:.3g} {units[0]}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more
