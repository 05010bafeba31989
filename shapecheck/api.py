"""The Python interface: load, propagate, check, verify."""

from __future__ import annotations

from os import PathLike, fspath
from typing import Any

from shapecheck import linter
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.propagation import propagate as _propagate
from shapecheck.analysis.sizes import Sizes, analyse
from shapecheck.analysis.symmetry import Pair, pairs
from shapecheck.diagnostics import Finding, NetworkError
from shapecheck.linter import Report
from shapecheck.spec.network import Network
from shapecheck.verification import Device, Level, Verification


def load(path: str | PathLike[str], **values: Any) -> Network:
    """Return the network in a file. ``values`` give params and dimensions other values by name.

    Raises NetworkError, which holds the diagnostics, where the file cannot be used; TypeError for a name that
    the file does not have.
    """
    text = linter.read_file(fspath(path))
    if isinstance(text, Finding):
        raise NetworkError(linter.diagnostics([text]), fspath(path))
    return linter.load_text(text, fspath(path), values)


def loads(text: str, **values: Any) -> Network:
    """Return the network in a text; as ``load``."""
    return linter.load_text(text, "<string>", values)


def propagate(network: Network) -> Shapes:
    """Return the shapes of every input and layer by name: ``shapes["conv_1"].output == (8, 64, 570, 570)``.

    A size that depends on a dimension without a size is symbolic; a shape that is unknown is None.
    """
    return _propagate(network)


def check(network: Network) -> Report:
    """Return what is wrong with the shapes of a network: ``report.ok``, ``report.diagnostics``."""
    return linter.check_network(network)


def verify(network: Network, level: Level = "compile", device: Device = "auto") -> Verification:
    """Build the network with JAX and compare every layer: ``proof.result``, ``proof.disagreements``.

    ``level`` is ``trace``, ``lower`` or ``compile``; ``device`` is ``cpu``, ``gpu`` or ``auto``.
    Raises ValueError for another word.
    """
    from shapecheck import proof  # loads JAX

    return proof.verify(linter.check_network(network), level, device)


def sizes(network: Network) -> dict[str, Sizes]:
    """Return for each named dimension exactly which sizes work, the others at their given size.

    ``572 in sizes(network)["H"]``; ``.condition`` says it in words, ``.nearest(570)`` gives the neighbours.
    """
    return analyse(network).dims


def symmetry(network: Network) -> list[Pair]:
    """Return each encoder-decoder pair, declared or inferred, with its sizes, ``a`` and status."""
    return pairs(_propagate(network))
