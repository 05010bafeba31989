"""What a network costs, as the compiler knows it, beside what the arithmetic counts: plain records, and their text.

Memory is in bytes, told in powers of 1024. A figure that the compiler does not give is None, and is told as such.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Optional

from shapecheck.text import plural

UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([A-Za-z]+)")
_NO_FORECAST = "temporaries planned for a CPU are no forecast"
# How many of a kind are told by name.
_MANY = 4


def parse_amount(text: str) -> int:
    """Return the bytes of an amount such as ``16GiB``, ``24 GB`` or ``1.5GiB``. Raises ValueError."""
    found = _AMOUNT.fullmatch(text.strip())
    unit = found and next((u for u in UNITS if u.lower() == found[2].lower()), None)
    if found is None or unit is None:
        raise ValueError(f"{text!r} is no amount of memory: write a number and {', '.join(UNITS)}, such as 16GiB")
    amount = int(float(found[1]) * UNITS[unit])
    if amount < 1:
        raise ValueError(f"{text!r} is no memory at all: nothing fits in it")
    return amount


def show_amount(amount: int | None) -> str:
    """Return bytes in the largest unit of which there is one."""
    if amount is None:
        return "not known"
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if abs(amount) >= UNITS[unit]:
            return f"{amount / UNITS[unit]:,.2f} {unit}"
    return f"{amount} bytes"


def _flops(count: float | None) -> str:
    return "not known" if count is None else f"{count:,.0f}"


def _signed(count: float) -> str:
    return f"{'−' if count < 0 else '+'}{abs(count):,.0f}"


def _ratio(one: float | None, other: float) -> float | None:
    return None if one is None or other == 0 else one / other


class Unknown(NamedTuple):
    """Something that was asked for and is not known, and why."""

    what: str
    reason: str

    def lines(self) -> list[str]:
        """Return it for people."""
        return [f"{self.what}: not known: {self.reason}"]

    def rows(self) -> list[tuple[str, str]]:
        """Return it as rows of a table."""
        return [(self.what, f"not known: {self.reason}")]

    def as_json(self) -> dict[str, Any]:
        """Return it as the interface has it."""
        return {"status": "not_known", "reason": self.reason}


class Figures(NamedTuple):
    """What the compiler says of one compiled function; ``held`` is argument + output + temporary − alias.

    ``lowered_flops`` is its count before it optimises.
    """

    flops: Optional[float]
    lowered_flops: Optional[float]
    bytes_accessed: Optional[float]
    argument: Optional[int]
    output: Optional[int]
    temporary: Optional[int]
    alias: Optional[int]
    held: Optional[int]

    def memory_text(self) -> str:
        """Return the sum that ``held`` is."""
        parts = f"arguments {show_amount(self.argument)} + outputs {show_amount(self.output)}"
        less = f" − {show_amount(self.alias)} in place" if self.alias else ""
        return f"{show_amount(self.held)} = {parts} + temporaries {show_amount(self.temporary)}{less}"


class Beside(NamedTuple):
    """What XLA counts of all layers of one op besides multiply-adds on input: most of it at ``layer``."""

    op: str
    flops: float
    layer: str


class Differing(NamedTuple):
    """A layer of whose multiply-adds on input the two counts differ. Both in flops."""

    layer: str
    counted: int
    compiler: float


class Difference(NamedTuple):
    """The flops of one layer by XLA, less those counted here."""

    layer: str
    flops: float


class Cost(NamedTuple):
    """The cost of a network by the compiler, and by the arithmetic.

    ``multiply_adds``, ``on_padding`` and ``activations`` (numbers that all layers put out) are counted by the
    arithmetic; ``itemsize`` is that of a parameter in bytes. ``same`` counts the layers of whose multiply-adds on
    input XLA says the same, to the precision of its count, and ``differing`` has the others. ``beside`` and
    ``optimised`` are None where XLA has no figure for some layer.
    """

    backend: str
    dtype: str
    itemsize: int
    optimizer: str
    slots: int
    parameters: int
    multiply_adds: int
    on_padding: int
    activations: int
    forward: Figures
    training: Figures
    same: int
    differing: tuple[Differing, ...]
    beside: Optional[tuple[Beside, ...]]
    optimised: Optional[float]
    largest: tuple[Difference, ...]

    @property
    def counted(self) -> int:
        """The flops of the textbook: two for each multiply-add, padding among them."""
        return 2 * self.multiply_adds

    @property
    def ratio(self) -> float | None:
        """XLA's flops of the forward pass to those counted here."""
        return _ratio(self.forward.flops, self.counted)

    def lines(self) -> list[str]:
        """Return the cost for people."""
        width = max(len(name) for name, _ in self.rows())
        return [f"{name.ljust(width)}  {value}".rstrip() for name, value in self.rows()]

    def rows(self) -> list[tuple[str, str]]:
        """Return the cost as rows of a table: what, and how much."""
        compiled = f"compiled for {self.backend}, {self.dtype}"
        return [
            ("cost", f"{compiled}; a training step of {self.optimizer}"),
            ("forward flops", f"{_flops(self.forward.flops)} by XLA, {self._ratio_text()}"),
            *self._explanation(),
            ("forward bytes accessed", _bytes(self.forward.bytes_accessed)),
            ("forward memory", self.forward.memory_text()),
            ("training flops", self._training_text()),
            ("training bytes accessed", _bytes(self.training.bytes_accessed)),
            ("training memory", self.training.memory_text()),
            ("  by count", self._memory_count()),
            ("  elsewhere", self._elsewhere()),
        ]

    def _ratio_text(self) -> str:
        if self.counted == 0:
            return "none counted here: no layer multiplies and adds"
        ratio = "" if self.ratio is None else f"{self.ratio:.4f} of "
        return f"{ratio}2 · {self.multiply_adds:,} multiply-adds = {self.counted:,}"

    def _explanation(self) -> list[tuple[str, str]]:
        rows = []
        if self.on_padding:
            rows.append(("  multiply-adds on padding", f"−{2 * self.on_padding:,} ({self._agreement()})"))
        elif self.same or self.differing:
            rows.append(("  multiply-adds on padding", f"none ({self._agreement()})"))
        rows += [
            ("  counts differ", f"{d.layer}: {d.counted:,} here, {d.compiler:,.0f} by XLA")
            for d in self.differing[:_MANY]
        ]
        if self.beside is None or self.optimised is None:
            return [*rows, ("  besides", "not known: XLA has no figure for some layer")]
        if self.beside:
            told = [f"{b.op} {b.flops:,.0f} (most at {b.layer})" for b in self.beside[:_MANY]]
            rest = sum(b.flops for b in self.beside[_MANY:])
            told += [f"{plural(len(self.beside) - _MANY, 'more op')} {rest:,.0f}"] if len(self.beside) > _MANY else []
            rows.append(("  not multiply-adds", f"{_signed(sum(b.flops for b in self.beside))}: {', '.join(told)}"))
        rows.append(("  by XLA's optimiser", f"{_signed(self.optimised)}, what its own count rounds among it"))
        if self.largest:
            names = ", ".join(f"{d.layer} {_signed(d.flops)}" for d in self.largest)
            rows.append(("  largest differences", names))
        return rows

    def _agreement(self) -> str:
        if not self.differing:
            return f"XLA's count is the same for {'all' if self.same > 1 else 'the'} {self._layers(self.same)}"
        total = self.same + len(self.differing)
        which = "the" if total == 1 else f"{len(self.differing)} of"
        return f"XLA's count differs for {which} {self._layers(total)}"

    @staticmethod
    def _layers(count: int) -> str:
        return "layer that multiplies and adds" if count == 1 else f"{count} layers that multiply and add"

    def _training_text(self) -> str:
        ratio = _ratio(self.training.flops, self.forward.flops or 0)
        passes = "" if ratio is None else f", {ratio:.2f} forward passes"
        before = self.training.lowered_flops
        return f"{_flops(self.training.flops)} by XLA{passes}; {_flops(before)} before its optimiser"

    def _memory_count(self) -> str:
        size = self.parameters * self.itemsize
        slots = f", optimizer slots {show_amount(self.slots * size)}" if self.slots else ""
        return (
            f"parameters {show_amount(size)}, gradients {show_amount(size)}{slots}, "
            f"all layers' outputs {show_amount(self.activations * self.itemsize)}"
        )

    def _elsewhere(self) -> str:
        if self.backend == "cpu":
            return f"on a GPU: not known; {_NO_FORECAST}"
        return f"not known: these are the temporaries of this {self.backend}"

    def as_json(self) -> dict[str, Any]:
        """Return the cost as the interface has it; null is not known."""
        found = {key: value for key, value in self._asdict().items() if key not in ("forward", "training")}
        size = self.parameters * self.itemsize
        return {
            "status": "known",
            **found,
            "forward": self.forward._asdict(),
            "training": self.training._asdict(),
            "counted_flops": self.counted,
            "ratio": self.ratio,
            "differing": [d._asdict() for d in self.differing],
            "beside": None if self.beside is None else [b._asdict() for b in self.beside],
            "largest": [d._asdict() for d in self.largest],
            "counted_bytes": {
                "parameters": size,
                "gradients": size,
                "slots": self.slots * size,
                "outputs": self.activations * self.itemsize,
            },
        }


def _bytes(amount: float | None) -> str:
    return show_amount(None if amount is None else int(amount))


class Measured(NamedTuple):
    """The bytes that a training step holds at one batch."""

    batch: int
    held: int


class Fit(NamedTuple):
    """Whether a training step fits into ``room`` bytes, by compiling it.

    ``batch`` is the batch that was asked about and ``name`` what it is called; ``largest`` is the largest measured
    that fits, ``exceeds`` the smallest above it that does not, None where there is none. ``closed`` says that no
    batch is left between the two, ``rising`` that memory never fell with a larger batch. ``bound`` says what else
    keeps the batch from growing, ``open`` why no other batch was tried.
    """

    backend: str
    dtype: str
    optimizer: str
    room: int
    name: str
    batch: Optional[int]
    held: int
    largest: Optional[Measured]
    exceeds: Optional[Measured]
    closed: bool
    rising: bool
    bound: Optional[str]
    open: Optional[str]
    measured: tuple[Measured, ...]
    seconds: float

    @property
    def result(self) -> str:
        """``not_checked`` where the search for the largest batch was given up, which another time it may not be."""
        return "not_checked" if self.open is None and not self.closed else "checked"

    @property
    def fits(self) -> bool:
        """Whether a step fits at the batch that was asked about."""
        return self.held <= self.room

    def lines(self) -> list[str]:
        """Return the answer for people."""
        return [value if name == "fit" else f"  {value}" for name, value in self.rows()]

    def rows(self) -> list[tuple[str, str]]:
        """Return the answer as rows of a table: what, and how much."""
        at = "" if self.batch is None else f" at {self.name} = {self.batch:,}"
        verb = "fits" if self.fits else "does not fit"
        compiled = f"compiled for {self.backend}, {self.dtype}"
        step = f"a training step of {self.optimizer}{at} {verb} into {show_amount(self.room)}"
        rows = [("fit", f"{step}: it holds {show_amount(self.held)} ({compiled})")]
        rows += [("largest batch", text) for text in self._largest_text()]
        if self.backend == "cpu":
            rows.append(("elsewhere", f"on a GPU: not known; {_NO_FORECAST}"))
        return rows

    def _largest_text(self) -> list[str]:
        if self.open is not None:
            return [f"the largest batch that fits: not known: {self.open}"]
        count = len(self.measured)
        effort = f"{plural(count, 'step')} compiled in {self.seconds:.1f} s"
        bound = "" if self.bound is None else f"; {self.bound}"
        over = ""
        if self.exceeds is not None:
            over = f"{self.name} = {self.exceeds.batch:,} holds {show_amount(self.exceeds.held - self.room)} too much"
        if self.largest is None:
            if not self.closed:
                return [f"no batch was found that fits: {over}, and not all smaller ones were tried ({effort})"]
            return [f"no batch fits: the smallest, {over} ({effort}){bound}"]
        largest = f"{self.name} = {self.largest.batch:,} ({show_amount(self.largest.held)})"
        if not self.closed:
            end = f"below {self.exceeds.batch:,}" if self.exceeds is not None else "perhaps larger: none was too large"
            return [f"the largest batch that fits is {largest} or more, {end}; the search was given up ({effort})"]
        if self.exceeds is None:
            return [f"the largest batch, {largest}, fits ({effort}){bound}"]
        unsure = "" if self.rising else "; memory fell with a larger batch on the way, so that a larger one may fit"
        return [f"the largest batch that fits is {largest}; {over} ({effort}){bound}{unsure}"]

    def as_json(self) -> dict[str, Any]:
        """Return the answer as the interface has it."""
        return {
            "status": "known",
            "fits": self.fits,
            **self._asdict(),
            "largest": None if self.largest is None else self.largest._asdict(),
            "exceeds": None if self.exceeds is None else self.exceeds._asdict(),
            "measured": [m._asdict() for m in self.measured],
            "seconds": round(self.seconds, 3),
        }
