"""What each level of a cross-check found, and what a run shows, in the terms of an outcome."""

from __future__ import annotations

from shapecheck.graph.network import Network
from shapecheck.verification import LEVELS, Disagreement, Level, LevelOutcome, NotChecked, Result, Verification
from shapecheck.verification.interrupted import CHECKED_BY
from shapecheck.verification.records.training_run import TrainingRun
from shapecheck.verification.reference import ReferenceResult
from shapecheck.verification.wording import lost_gradient_text, no_step_text


def add_levels(network: Network, found: Verification, built: ReferenceResult) -> Verification:
    """Return an outcome with what each level found, and with what the level ``run`` adds to it, if it was asked for."""
    found = _add_run(network, found, built)
    results = {level: _result(level, network, found, built) for level in LEVELS if level in built.levels}
    outcomes = (
        LevelOutcome(level, result, built.levels[level], CHECKED_BY[level]) for level, result in results.items()
    )
    return found._replace(levels=tuple(outcomes))


def _result(level: Level, network: Network, found: Verification, built: ReferenceResult) -> Result:
    if level == "run":
        return _of_run(found.run)
    bytes_differ = level == "compile" and built.bytes_agree is False
    shapes_differ = level == "trace" and any(d.built is not None for d in found.disagreements)
    if bytes_differ or shapes_differ or level in built.refused_by.values():
        return "refuted"
    return "proved" if len(built.shapes) == len(network.nodes) else "not_checked"


def _of_run(run: TrainingRun | None) -> Result:
    if run is None:
        return "not_checked"
    if run.not_finite is not None or not all(lost.connected for lost in run.lost):
        return "refuted"
    return "not_checked" if run.lost or run.forward_only is not None else "proved"


def _add_run(network: Network, found: Verification, built: ReferenceResult) -> Verification:
    if built.run is None:
        return found
    run = built.run.run
    if run is None:
        return _with_doubt(found, f"the run was not made: {built.run.not_run}")
    differing = tuple(
        Disagreement(network.nodes[index].name, built.shapes[index], shape, "the shape that came out of the run")
        for index, shape in built.run.shapes.items()
        if shape != built.shapes.get(index)
    )
    found = found._replace(run=run, disagreements=(*found.disagreements, *differing))
    result = "refuted" if differing else _of_run(run)
    if result == "refuted":
        return found._replace(result="refuted")
    if run.lost:
        return _with_doubt(found, lost_gradient_text(run.lost[0]))
    return found if run.forward_only is None else _with_doubt(found, no_step_text(run.forward_only))


def _with_doubt(found: Verification, reason: str) -> Verification:
    """Return an outcome in which something was not checked; what was not known before comes first."""
    doubt = NotChecked(None, reason)
    if found.result == "proved":
        return found._replace(not_checked=(doubt, *found.not_checked), result="not_checked")
    return found._replace(not_checked=(*found.not_checked, doubt))
