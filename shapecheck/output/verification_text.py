"""What a cross-check found, for people: in one sentence, and as lines of text."""

from __future__ import annotations

from shapecheck.output.cost_text import cost_lines, cost_rows, first_cost_line
from shapecheck.output.mesh_text import mesh_lines
from shapecheck.text import every, plural
from shapecheck.verification import LevelOutcome, Verification
from shapecheck.verification.records.compiler_cost import Unavailable
from shapecheck.verification.records.number_comparison import NumberComparison
from shapecheck.verification.records.training_run import TrainingRun
from shapecheck.verification.wording import (
    MANY,
    agreeing,
    layer_comparison_text,
    listed,
    lost_gradient_text,
    no_step_text,
    not_compared_text,
    not_finite_text,
)

_BY = {
    "trace": "traced by JAX",
    "lower": "lowered by JAX",
    "compile": "compiled by XLA",
    "run": "compiled and run by XLA",
}


def sentence(found: Verification) -> str:
    """Return an outcome in one sentence."""
    return _of_shapes(found) + ("" if found.verdict == found.result else f"; but {_but(found)}")


def lines(found: Verification) -> list[str]:
    """Return an outcome as text: the sentence, and what each part of it has to say."""
    told = [sentence(found)]
    if found.levels:
        told.append("  " + ", ".join(_level(outcome) for outcome in found.levels))
    parts = [] if found.run is None else run_lines(found.run)
    parts += [] if found.numbers is None else number_lines(found.numbers)
    parts += [] if found.mesh is None else mesh_lines(found.mesh)
    for part in (found.cost, found.fit):
        parts += [] if part is None else cost_lines(part)
    return [*told, *(f"  {line}" for line in parts)]


def rows(found: Verification) -> list[tuple[str, str]]:
    """Return what was found of cost and fit as rows of a table: what, and how much."""
    return [row for part in (found.cost, found.fit) if part is not None for row in cost_rows(part)]


def _but(found: Verification) -> str:
    if found.stopped is not None and found.verdict == "not_checked":
        return found.stopped
    unknown = [first_cost_line(part) for part in (found.cost, found.fit) if isinstance(part, Unavailable)]
    return "; ".join(unknown or ([] if found.fit is None else [first_cost_line(found.fit)]))


def _of_shapes(found: Verification) -> str:
    at = ", ".join(f"{name}={size}" for name, size in found.dims.items())
    before = " (as found before)" if found.cached else ""
    if found.result == "proved":
        return f"proved: {_by(found, found.level)}{f' ({at})' if at else ''}{before}"
    if found.result == "refuted":
        return f"refuted: {_refuted(found)}{before}"
    why = "nothing was run"
    if found.not_checked:
        first = found.not_checked[0]
        why = first.reason if first.layer is None else f"{first.layer}: {first.reason}"
    return f"not checked: {why}{_until_then(found)}"


def _refuted(found: Verification) -> str:
    if not found.disagreements and found.mesh is not None and found.mesh.refusals:
        return f"JAX refuses the mesh, though {agreeing(found.agree)}"
    if found.numbers is not None and found.numbers.differing:
        return f"{every(found.agree, 'shape', 'agree')}, but not all numbers on {found.backend}"
    if found.run is not None and _only_run(found):
        return f"{every(found.agree, 'layer', 'agree')}, but not all is well in a run"
    unseen = sum(1 for each in found.not_checked if each.layer is not None)
    if not found.disagreements:
        rest = f"; {unseen} could not be looked at" if unseen else ""
        return f"the network does not fit, and JAX says the same of {plural(found.agree, 'layer')}{rest}"
    total = found.agree + len(found.disagreements) + unseen
    verb = "disagrees" if len(found.disagreements) == 1 else "disagree"
    return f"{len(found.disagreements)} of {plural(total, 'layer')} {verb} with JAX"


def _by(found: Verification, level: str) -> str:
    return f"{_BY.get(level, level)} for {found.backend}, {every(found.agree, 'layer', 'agree')}"


def _until_then(found: Verification) -> str:
    """Return how far a proof came that was stopped."""
    gone = [outcome.level for outcome in found.levels if outcome.result == "proved"]
    if found.stopped is None or not gone:
        return ""
    if all(each.layer is None for each in found.not_checked):
        return f"; before that: {_by(found, gone[-1])}"
    return f"; before that: {agreeing(found.agree)}"


def _only_run(found: Verification) -> bool:
    return all(outcome.result == "proved" or outcome.level == "run" for outcome in found.levels)


def _level(outcome: LevelOutcome) -> str:
    result = "" if outcome.result == "proved" else f": {outcome.result.replace('_', ' ')}"
    return f"{outcome.level} ({outcome.what}) {outcome.seconds:.2f} s{result}"


def run_lines(run: TrainingRun) -> list[str]:
    """Return what a training step on random numbers showed."""
    step = [] if run.forward_only is None else [f"run: {no_step_text(run.forward_only)}"]
    if run.not_finite is not None:
        return [f"run: {not_finite_text(run.not_finite)}", *step]
    how = ", dropout off" if run.dropout else ""
    draws = f"({plural(run.draws, 'random draw')}{how})"
    finite = f"run: all numbers of {plural(run.layers, 'layer')} are finite"
    if run.forward_only is not None:
        return [f"{finite} {draws}", *step]
    of = plural(run.parameters, "parameter")
    found = [f"{finite}; the gradient reaches {run.reached} of {of} {draws}"]
    if run.cancelled:
        who = listed(tuple(name for name, _ in run.cancelled))
        norm = run.cancelled[0][1] if len(run.cancelled) == 1 else "the normalisation behind it"
        found.append(f"run: {norm} subtracts the mean of each channel, and with it {who}")
    found += [f"run: {lost_gradient_text(lost)}" for lost in run.lost[:MANY]]
    more = len(run.lost) - MANY
    return found if more <= 0 else [*found, f"run: and likewise at {plural(more, 'more place')}"]


def number_lines(compared: NumberComparison) -> list[str]:
    """Return how the numbers of two devices compare."""
    if compared.missing is not None:
        return [not_compared_text(compared)]
    at = "" if compared.batch is None else f" (batch {compared.batch})"
    agree = compared.layers - len(compared.differing)
    verb = "agrees" if agree == 1 else "agree"
    of = plural(compared.layers, "layer")
    head = f"numbers on {compared.second} and {compared.first}: {agree} of {of} {verb} within rounding{at}"
    return [head, *(f"  {layer_comparison_text(compared, each)}" for each in compared.differing)]
