"""The Python interface: load, propagate, check, verify."""

from __future__ import annotations

from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from shapecheck import linter
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.propagation import propagate as _propagate
from shapecheck.analysis.sizes import Sizes, analyse
from shapecheck.analysis.symmetry import Pair, pairs
from shapecheck.diagnostics import Finding, NetworkError
from shapecheck.linter import Report
from shapecheck.spec.network import Network
from shapecheck.verification import Device, Level, Verification

if TYPE_CHECKING:
    from shapecheck.figures import Figure


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


def report_page(report: Report | Network) -> str:
    """Return the sanity report as one HTML page that needs nothing else; takes a network, or what ``check`` returns."""
    from shapecheck.report import page  # loads Jinja2

    return page(linter.check_network(report) if isinstance(report, Network) else report)


def figure(network: Network, layer: str) -> Figure:
    """Return the guide's picture of a layer: ``.svg()`` is the picture as text, and a notebook shows it.

    Raises KeyError for a name that the network does not have, ValueError for a layer that has no picture.
    """
    from shapecheck.figures import NoFigure
    from shapecheck.figures.of_layer import figure_of_layer

    shapes = _propagate(network)
    node = next((node for node in network.layers if node.name == layer), None)
    if node is None:
        raise KeyError(layer)
    context = shapes.context(node)
    if node.layer is None or context is None or shapes.outputs[node.index] is None:
        raise ValueError(f"{layer}: its shape is not known")
    try:
        return figure_of_layer(layer, node.layer, context)
    except NoFigure as reason:
        raise ValueError(f"{layer}: there is no picture: {reason}") from None


def _show_network(network: Network) -> str:
    from shapecheck.report import network_summary  # loads Jinja2

    return network_summary(linter.check_network(network))


def _show_shapes(shapes: Shapes) -> str:
    from shapecheck.report import layer_table  # loads Jinja2

    return layer_table(shapes)


Network.display = _show_network
Shapes.display = _show_shapes
