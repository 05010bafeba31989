"""The verdict in one line; what was proved, what was not checked, and why."""

from __future__ import annotations

from typing import Any

from shapecheck.findings.catalogue import Phase, Severity
from shapecheck.findings.checked import Report
from shapecheck.output.summary import count
from shapecheck.output.verification_text import sentence
from shapecheck.text import plural


def verdict(report: Report, data: dict[str, Any]) -> dict[str, str]:
    """Return the state (ok, fail, open) and the line at the top."""
    errors, warnings = (count([report], severity) for severity in (Severity.ERROR, Severity.WARNING))
    found = [plural(n, word) for n, word in ((errors, "error"), (warnings, "warning")) if n]
    proof = report.verification
    if errors:
        return {"state": "fail", "line": f"This network does not fit together: {', '.join(found)}."}
    if proof is not None and proof.result == "refuted":
        return {"state": "fail", "line": "Refuted: JAX does not agree with the arithmetic."}
    if report.shapes is None:
        return {"state": "fail", "line": "The file could not be read."}
    layers = plural(len(report.shapes.network.layers), "layer")
    noted = f", with {', '.join(found)}" if found else ""
    if proof is not None and proof.result == "proved":
        return {
            "state": "open" if found else "ok",
            "line": f"Proved: all shapes of {layers} fit, and JAX agrees{noted}.",
        }
    if report.shapes.undecided:
        return {
            "state": "open",
            "line": f"Nothing in {layers} contradicts itself, but some sizes are not given{noted}.",
        }
    return {"state": "open" if found else "ok", "line": f"All shapes of {layers} fit{noted}; not proved by JAX."}


def checks(report: Report, data: dict[str, Any]) -> list[dict[str, str]]:
    """Return each thing that was looked at, or was not, with its state and the reason."""
    if report.shapes is None:
        return [_check("fail", "Reading", "the file could not be read; see the findings")]
    return [_arithmetic(report, data), _cross_check(report), _sizes(report, data), _pairs(data), _never()]


def _check(state: str, title: str, text: str) -> dict[str, str]:
    return {"state": state, "title": title, "text": text}


def _arithmetic(report: Report, data: dict[str, Any]) -> dict[str, str]:
    assert report.shapes is not None
    layers = [layer for layer in data["layers"] if layer["op"] != "input"]
    known = sum(layer["output_shape"] is not None for layer in layers)
    text = f"the arithmetic knows the shape of {known} of {plural(len(layers), 'layer')}"
    if report.shapes.troubles:
        return _check("fail", "Shapes", f"{text}; {plural(len(report.shapes.troubles), 'rule')} broken")
    if report.shapes.undecided:
        asked = report.shapes.undecided
        where = report.shapes.network.nodes[asked[0].node].name
        more = f" and {len(asked) - 1} more" if len(asked) > 1 else ""
        return _check("open", "Shapes", f"{text}; undecided without sizes: {where}: {asked[0].question}{more}")
    return _check("ok" if known == len(layers) else "fail", "Shapes", text)


def _cross_check(report: Report) -> dict[str, str]:
    proof = report.verification
    if proof is None:
        return _check("open", "Second witness", "not checked: JAX was not asked; shapecheck report --verify asks it")
    state = {"proved": "ok", "refuted": "fail"}.get(proof.result, "open")
    return _check(state, "Second witness", sentence(proof))


def _sizes(report: Report, data: dict[str, Any]) -> dict[str, str]:
    found = data["sizes"]
    if not found:
        if report.clean(Phase.ASSEMBLED):
            return _check("none", "Input sizes", "no dimension of an input has a name")
        return _check("open", "Input sizes", "not checked: the file has mistakes that come first")
    text = "; ".join(f"{one['name']}: {one['condition']}" for one in found)
    wrong = any(one["given"] is not None and not one["works"] for one in found)
    partial = any(one["status"] != "exact" for one in found)
    return _check(
        "fail" if wrong else "open" if partial else "ok", "Input sizes", text + (" (partial)" if partial else "")
    )


def _pairs(data: dict[str, Any]) -> dict[str, str]:
    found = data["pairs"]
    if not found:
        return _check("none", "Symmetry", "no layer here mirrors another")
    exact = sum(one["status"] == "exact" for one in found)
    states = {one["state"] for one in found}
    state = "fail" if "fail" in states else "open" if "open" in states else "ok"
    return _check(state, "Symmetry", f"{exact} of {plural(len(found), 'pair')} give back exactly what went in")


def _never() -> dict[str, str]:
    return _check("none", "Values", "never checked: shapes are looked at, not what a trained network computes")
