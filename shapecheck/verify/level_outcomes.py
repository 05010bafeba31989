"""What each level of a proof found, and what a run shows: the witness's word in the terms of the network."""

from __future__ import annotations

from shapecheck.graph.network import Network
from shapecheck.pipeline import Report
from shapecheck.verify import LEVELS, Disagreement, LevelOutcome, NotChecked, Result, Verification
from shapecheck.verify.interrupted import WHAT
from shapecheck.verify.records.training_run import Execution, Lost, NotFinite
from shapecheck.verify.reference import ReferenceResult


def add_levels(report: Report, found: Verification, seen: ReferenceResult) -> Verification:
    """Return an outcome with what each level found, and with what the level ``run`` adds to it, if it was asked for."""
    if seen.run is not None:
        found = _add_run(report, found, seen)
    results = {level: _result(level, report, found, seen) for level in LEVELS if level in seen.levels}
    outcomes = (LevelOutcome(level, result, seen.levels[level], WHAT[level]) for level, result in results.items())
    return found._replace(levels=tuple(outcomes))


def _result(level: str, report: Report, found: Verification, seen: ReferenceResult) -> Result:
    assert report.network is not None
    if level == "run":
        return _of_run(found.run)
    bytes_differ = level == "compile" and seen.bytes_agree is False
    shapes_differ = level == "trace" and any(d.witnessed is not None for d in found.disagreements)
    if bytes_differ or shapes_differ or level in seen.refused_by.values():
        return "refuted"
    return "proved" if len(seen.shapes) == len(report.network.nodes) else "not_checked"


def _of_run(run: Execution | None) -> Result:
    if run is None:
        return "not_checked"
    if run.not_finite is not None or not all(lost.connected for lost in run.lost):
        return "refuted"
    return "not_checked" if run.lost or run.forward_only is not None else "proved"


def _add_run(report: Report, found: Verification, seen: ReferenceResult) -> Verification:
    assert report.network is not None and report.shapes is not None and seen.run is not None
    if seen.run.not_run is not None:
        return _not_checked(found, f"the run was not made: {seen.run.not_run}")
    run = _execution(report.network, seen)
    differing = tuple(
        Disagreement(report.network.nodes[index].name, seen.shapes[index], shape, "the shape that came out of the run")
        for index, shape in seen.run.shapes.items()
        if shape != seen.shapes.get(index)
    )
    found = found._replace(run=run, disagreements=(*found.disagreements, *differing))
    result = "refuted" if differing else _of_run(run)
    if result == "refuted":
        return found._replace(result="refuted")
    if result == "not_checked":
        doubt = run.lost[0].sentence() if run.lost else f"the training step was not run: {run.forward_only}"
        return _not_checked(found, doubt)
    return found


def _not_checked(found: Verification, reason: str) -> Verification:
    told = (NotChecked(None, reason), *found.not_checked)
    return found._replace(not_checked=told, result="not_checked" if found.result == "proved" else found.result)


def _execution(network: Network, seen: ReferenceResult) -> Execution:
    run = seen.run
    assert run is not None
    wrong = run.not_finite
    return Execution(
        run.draws,
        len(network.layers),
        run.parameters,
        None if wrong is None else NotFinite(network.nodes[wrong.node].name, wrong.what, wrong.nan),
        tuple(
            Lost(one.parameters, tuple(network.nodes[i].name for i in one.at), one.connected, one.silent)
            for one in run.lost
        ),
        tuple((name, network.nodes[norm].name) for name, norm in run.cancelled.items()),
        run.dropout,
        run.forward_only,
    )
