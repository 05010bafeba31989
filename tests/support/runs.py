"""Runs of small networks."""

from __future__ import annotations

from shapecheck import pipeline
from shapecheck.graph.network import Network
from shapecheck.pipeline import Report
from shapecheck.verify import Plan
from shapecheck.verify import crosscheck as proof
from shapecheck.verify.reference import run_levels
from shapecheck.verify.reference.execution.run_diagnosis import Run

LINEAR = {"op": "linear", "out_features": 5}


def ran(made: Network) -> Run:
    found = run_levels(made, "run")
    assert found.run is not None
    assert found.run.not_run is None, found.run.not_run
    assert set(found.levels) == {"trace", "lower", "compile", "run"}
    return found.run


def verified(text: str) -> Report:
    report = pipeline.check_text(text, "net")
    report.verification = proof.verify(report, Plan("run"))
    report.add(proof.findings(report, report.verification))
    return report
