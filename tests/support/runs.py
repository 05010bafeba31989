"""Runs of small networks."""

from __future__ import annotations

from texts import check_text

from shapecheck import pipeline
from shapecheck.findings.checked import Report
from shapecheck.graph.network import Network
from shapecheck.verification import Plan
from shapecheck.verification.crosscheck import verify
from shapecheck.verification.records.training_run import TrainingRun
from shapecheck.verification.reference import run_levels
from shapecheck.verification.verification_findings import findings

LINEAR = {"op": "linear", "out_features": 5}


def ran(made: Network) -> TrainingRun:
    found = run_levels(made, "run")
    assert found.run is not None
    assert found.run.run is not None, found.run.not_run
    assert set(found.levels) == {"trace", "lower", "compile", "run"}
    return found.run.run


def verified(text: str) -> Report:
    report = check_text(text, "net")
    found = report.verification = verify(report, Plan("run"))
    assert report.network is not None
    pipeline.add_verified(report, findings(report.network, report.diagnostics, found))
    return report
