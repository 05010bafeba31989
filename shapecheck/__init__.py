"""Check whether a neural network fits together, before training it.

>>> import shapecheck
>>> network = shapecheck.loads(text, H=572)
>>> shapecheck.propagate(network)["down1.conv_1"].output
(8, 64, 570, 570)

Everything is loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from shapecheck._version import __version__

TYPE_CHECKING = False  # type checkers take it for true; typing itself would cost more than all the rest here
if TYPE_CHECKING:
    from shapecheck.analysis.propagation import LayerShapes, Shapes
    from shapecheck.api import build, check, figure, load, loads, propagate, report_page, sizes, symmetry, verify
    from shapecheck.findings.catalogue import Severity
    from shapecheck.findings.checked import Report
    from shapecheck.findings.finding import Finding as Diagnostic
    from shapecheck.findings.finding import NetworkError
    from shapecheck.graph.network import Network
    from shapecheck.verification import Verification
    from shapecheck.verification.reference.functions import Functions

_HOMES = {
    "Diagnostic": "shapecheck.findings.finding:Finding",
    "Functions": "shapecheck.verification.reference.functions",
    "LayerShapes": "shapecheck.analysis.propagation",
    "Network": "shapecheck.graph.network",
    "NetworkError": "shapecheck.findings.finding",
    "Report": "shapecheck.findings.checked",
    "Severity": "shapecheck.findings.catalogue",
    "Shapes": "shapecheck.analysis.propagation",
    "Verification": "shapecheck.verification",
    "build": "shapecheck.api",
    "check": "shapecheck.api",
    "figure": "shapecheck.api",
    "load": "shapecheck.api",
    "loads": "shapecheck.api",
    "propagate": "shapecheck.api",
    "report_page": "shapecheck.api",
    "sizes": "shapecheck.api",
    "symmetry": "shapecheck.api",
    "verify": "shapecheck.api",
}

__all__ = [
    "Diagnostic",
    "Functions",
    "LayerShapes",
    "Network",
    "NetworkError",
    "Report",
    "Severity",
    "Shapes",
    "Verification",
    "__version__",
    "build",
    "check",
    "figure",
    "load",
    "loads",
    "propagate",
    "report_page",
    "sizes",
    "symmetry",
    "verify",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        import importlib

        home, _, original = _HOMES[name].partition(":")
        return getattr(importlib.import_module(home), original or name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
