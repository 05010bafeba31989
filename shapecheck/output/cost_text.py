"""What the compiler knows of a network's cost, and what fits into memory, for people."""

from __future__ import annotations

from shapecheck.text import plural, show_bytes, table
from shapecheck.verification.records.compiler_cost import CompiledFigures, CompilerCost, Fit, Unavailable
from shapecheck.verification.wording import MANY

Row = tuple[str, str]
_NO_FORECAST = "temporaries planned for a CPU are no forecast"


def cost_rows(found: CompilerCost | Fit | Unavailable) -> list[Row]:
    """Return cost or fit as rows of a table: what, and how much."""
    if isinstance(found, Unavailable):
        return [(found.what, f"not known: {found.reason}")]
    return _fit_rows(found) if isinstance(found, Fit) else _cost_rows(found)


def cost_lines(found: CompilerCost | Fit | Unavailable) -> list[str]:
    """Return cost or fit as lines of text."""
    rows = cost_rows(found)
    if isinstance(found, Unavailable):
        return [f"{what}: {amount}" for what, amount in rows]
    if isinstance(found, Fit):
        return [amount if place == 0 else f"  {amount}" for place, (_, amount) in enumerate(rows)]
    return table(rows)


def first_cost_line(found: CompilerCost | Fit | Unavailable) -> str:
    """Return what is said of cost or fit first."""
    return cost_lines(found)[0]


def _amount(count: float | None) -> str:
    return "not known" if count is None else show_bytes(count)


def _flops(count: float | None) -> str:
    return "not known" if count is None else f"{count:,.0f}"


def _signed(count: float) -> str:
    return f"{'−' if count < 0 else '+'}{abs(count):,.0f}"


def _memory(figures: CompiledFigures) -> str:
    """Return the sum that the bytes held are."""
    parts = f"arguments {_amount(figures.argument)} + outputs {_amount(figures.output)}"
    less = f" − {_amount(figures.alias)} in place" if figures.alias else ""
    return f"{_amount(figures.held)} = {parts} + temporaries {_amount(figures.temporary)}{less}"


def _cost_rows(cost: CompilerCost) -> list[Row]:
    compiled = f"compiled for {cost.backend}, {cost.dtype}"
    return [
        ("cost", f"{compiled}; a training step of {cost.optimizer}"),
        ("forward flops", f"{_flops(cost.forward.flops)} by XLA, {_ratio(cost)}"),
        *_explanation(cost),
        ("forward bytes accessed", _amount(cost.forward.bytes_accessed)),
        ("forward memory", _memory(cost.forward)),
        ("training flops", _training(cost)),
        ("training bytes accessed", _amount(cost.training.bytes_accessed)),
        ("training memory", _memory(cost.training)),
        ("  by count", _memory_count(cost)),
        ("  elsewhere", _elsewhere(cost)),
    ]


def _ratio(cost: CompilerCost) -> str:
    if cost.counted == 0:
        return "none counted here: no layer multiplies and adds"
    ratio = "" if cost.ratio is None else f"{cost.ratio:.4f} of "
    return f"{ratio}2 · {cost.multiply_adds:,} multiply-adds = {cost.counted:,}"


def _explanation(cost: CompilerCost) -> list[Row]:
    rows = []
    if cost.on_padding:
        rows.append(("  multiply-adds on padding", f"−{2 * cost.on_padding:,} ({_agreement(cost)})"))
    elif cost.same or cost.differing:
        rows.append(("  multiply-adds on padding", f"none ({_agreement(cost)})"))
    rows += [
        ("  counts differ", f"{d.layer}: {d.counted:,} here, {d.compiler:,.0f} by XLA") for d in cost.differing[:MANY]
    ]
    if cost.other is None or cost.optimised is None:
        return [*rows, ("  besides", "not known: XLA has no figure for some layer")]
    if cost.other:
        told = [f"{one.op} {one.flops:,.0f} (most at {one.layer})" for one in cost.other[:MANY]]
        rest = sum(one.flops for one in cost.other[MANY:])
        told += [f"{plural(len(cost.other) - MANY, 'more op')} {rest:,.0f}"] if len(cost.other) > MANY else []
        rows.append(("  not multiply-adds", f"{_signed(sum(one.flops for one in cost.other))}: {', '.join(told)}"))
    rows.append(("  by XLA's optimiser", f"{_signed(cost.optimised)}, what its own count rounds among it"))
    if cost.largest:
        rows.append(("  largest differences", ", ".join(f"{d.layer} {_signed(d.flops)}" for d in cost.largest)))
    return rows


def _agreement(cost: CompilerCost) -> str:
    if not cost.differing:
        return f"XLA's count is the same for {'all' if cost.same > 1 else 'the'} {_multiplying(cost.same)}"
    total = cost.same + len(cost.differing)
    which = "the" if total == 1 else f"{len(cost.differing)} of"
    return f"XLA's count differs for {which} {_multiplying(total)}"


def _multiplying(count: int) -> str:
    return "layer that multiplies and adds" if count == 1 else f"{count} layers that multiply and add"


def _training(cost: CompilerCost) -> str:
    passes = ""
    if cost.training.flops is not None and cost.forward.flops:
        passes = f", {cost.training.flops / cost.forward.flops:.2f} forward passes"
    before = cost.training.lowered_flops
    return f"{_flops(cost.training.flops)} by XLA{passes}; {_flops(before)} before its optimiser"


def _memory_count(cost: CompilerCost) -> str:
    size = cost.parameter_bytes
    slots = f", optimizer slots {_amount(cost.slots * size)}" if cost.slots else ""
    return (
        f"parameters {_amount(size)}, gradients {_amount(size)}{slots}, "
        f"all layers' outputs {_amount(cost.activation_bytes)}"
    )


def _elsewhere(cost: CompilerCost) -> str:
    if cost.backend == "cpu":
        return f"on a GPU: not known; {_NO_FORECAST}"
    return f"not known: these are the temporaries of this {cost.backend}"


def _fit_rows(fit: Fit) -> list[Row]:
    at = "" if fit.batch is None else f" at {fit.name} = {fit.batch:,}"
    verb = "fits" if fit.fits else "does not fit"
    compiled = f"compiled for {fit.backend}, {fit.dtype}"
    step = f"a training step of {fit.optimizer}{at} {verb} into {_amount(fit.room)}"
    rows = [
        ("fit", f"{step}: it holds {_amount(fit.held)} ({compiled})"),
        ("largest batch", _largest(fit)),
    ]
    if fit.backend == "cpu":
        rows.append(("elsewhere", f"on a GPU: not known; {_NO_FORECAST}"))
    return rows


def _largest(fit: Fit) -> str:
    if fit.open is not None:
        return f"the largest batch that fits: not known: {fit.open}"
    effort = f"{plural(len(fit.measured), 'step')} compiled in {fit.seconds:.1f} s"
    bound = "" if fit.bound is None else f"; {fit.bound}"
    over = ""
    if fit.exceeds is not None:
        over = f"{fit.name} = {fit.exceeds.batch:,} holds {_amount(fit.exceeds.held - fit.room)} too much"
    if fit.largest is None:
        if not fit.closed:
            return f"no batch was found that fits: {over}, and not all smaller ones were tried ({effort})"
        return f"no batch fits: the smallest, {over} ({effort}){bound}"
    largest = f"{fit.name} = {fit.largest.batch:,} ({_amount(fit.largest.held)})"
    if not fit.closed:
        end = f"below {fit.exceeds.batch:,}" if fit.exceeds is not None else "perhaps larger: none was too large"
        return f"the largest batch that fits is {largest} or more, {end}; the search was given up ({effort})"
    if fit.exceeds is None:
        return f"the largest batch, {largest}, fits ({effort}){bound}"
    unsure = "" if fit.rising else "; memory fell with a larger batch on the way, so that a larger one may fit"
    return f"the largest batch that fits is {largest}; {over} ({effort}){bound}{unsure}"
