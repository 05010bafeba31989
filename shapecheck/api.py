"""The Python interface: load, propagate, check, verify."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapecheck import config, pipeline
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.propagation import propagate as _propagate
from shapecheck.analysis.sizes.every_size import Sizes, analyse
from shapecheck.analysis.transposed.symmetry import Pair, pairs
from shapecheck.findings import baseline
from shapecheck.findings.checked import Report, Settings
from shapecheck.findings.finding import NetworkError
from shapecheck.graph.network import Network
from shapecheck.language.source import read_file
from shapecheck.verification import OPTIMIZERS, Device, Level, Optimizer, Plan, Verification
from shapecheck.verification.memory_amount import parse_amount

if TYPE_CHECKING:
    from shapecheck.figures import Figure
    from shapecheck.verification.reference import Functions


def load(path: str | PathLike[str], **values: Any) -> Network:
    """Return the network in a file. ``values`` give params and dimensions other values by name.

    The configuration nearest to the file holds as it does for the command: its limits here, its choice of rules and
    its baseline in ``check``.

    Raises NetworkError, which holds the diagnostics, where the file cannot be used; TypeError for a name that
    the file does not have; shapecheck.config.ConfigError where there is a configuration that cannot be used.
    """
    shown = fspath(path)
    settings = config.nearest(Path(shown).parent)
    asked = Settings(shown, values, settings.limits, settings.selection_for(shown))
    return pipeline.load(read_file(shown, settings.limits), asked, settings.baseline)


def loads(text: str, **values: Any) -> Network:
    """Return the network in a text; as ``load``, without any configuration."""
    return pipeline.load(text, Settings("<string>", values))


def propagate(network: Network) -> Shapes:
    """Return the shapes of every input and layer by name: ``shapes["conv_1"].output == (8, 64, 570, 570)``.

    A size that depends on a dimension without a size is symbolic; a shape that is unknown is None.
    """
    return _propagate(network)


def check(network: Network) -> Report:
    """Return what is wrong with a network: ``report.ok``, ``report.diagnostics``.

    Of a network that was loaded it is what ``shapecheck check`` finds in its file: warnings of reading stand in it,
    and comments in the file, the configuration that ``load`` found and its baseline keep quiet what they name.
    Raises shapecheck.findings.baseline.BaselineError where there is a baseline that cannot be used.
    """
    origin = network.origin
    report = pipeline.offered(pipeline.check_network(network, origin))
    if origin is not None and origin.baseline is not None:
        baseline.apply(origin.baseline, baseline.read(origin.baseline), [report])
    return report


def verify(
    network: Network,
    level: Level = "compile",
    device: Device = "auto",
    *,
    cost: bool = False,
    fit: int | str | None = None,
    optimizer: Optimizer = "sgd",
    dtype: str | None = None,
    batch: int | None = None,
) -> Verification:
    """Build the network with JAX and compare every layer: ``proof.result``, ``proof.disagreements``.

    ``level`` is ``trace``, ``lower``, ``compile`` or ``run``, which goes on to a training step on random numbers:
    ``proof.run``; ``proof.levels`` tells what each found, and in how many seconds. ``device`` is ``cpu``, ``gpu`` or
    ``auto``. Raises ValueError for another word.

    ``cost`` asks what XLA knows of flops and memory: ``proof.cost``; ``fit``, in bytes or as ``"16GiB"``, whether a
    training step with ``optimizer`` (``sgd``, ``momentum``, ``adam``) fits: ``proof.fit``. ``dtype`` and ``batch``
    stand in for those of the file. ``proof.verdict`` is that of all that was asked.
    """
    from shapecheck.verification import crosscheck  # loads JAX

    if optimizer not in OPTIMIZERS:
        raise ValueError(f"{optimizer!r} is none of {', '.join(OPTIMIZERS)}")
    room = parse_amount(fit) if isinstance(fit, str) else fit
    plan = Plan(level, device, dtype=dtype, batch=batch, cost=cost, fit=room, optimizer=optimizer)
    return crosscheck.verify(check(network), plan)


def build(network: Network) -> Functions:
    """Return the network that was checked as the functions that train: ``init, apply = shapecheck.build(network)``.

    Both are pure, for ``jax.jit``, ``jax.grad`` and ``jax.vmap``:

    >>> params = init(jax.random.key(0))
    >>> params["c1.kernel"].shape
    (6, 1, 5, 5)
    >>> apply(params, digits).shape
    (64, 10)

    ``params`` is a dict of arrays. Kernels are [out, in / groups, spatial ...] (of a transposed convolution
    [in, out / groups, spatial ...], of a linear layer [in, out]) and begin with the variance 2 / fan_in where a
    rectifier reads them, else 1 / fan_in; biases and shifts begin with 0, scales with 1. No parameter depends
    on the batch: those of ``load(path, N=64)`` fit ``load(path, N=1)``.

    ``apply(params, inputs, key=None, statistics=None)`` takes one array, or several in a dict or a tuple, and returns
    one array, or several in a dict. Dropout drops only with a ``key``. batch_norm normalises by the mean and variance
    of the batch at hand: nothing is kept from call to call. For use after training, average
    ``apply.statistics(params, inputs)`` over some batches and give the result as ``statistics``.

    Raises NetworkError where the network does not fit together; ValueError where a dimension has no size, and where
    JAX builds another shape than was checked.
    """
    from shapecheck.output.verification_text import sentence
    from shapecheck.verification import crosscheck  # loads JAX
    from shapecheck.verification.reference import functions

    # What a comment keeps quiet does not build for that.
    report = pipeline.check_network(network)
    if report.errors:
        raise NetworkError(report.errors, network.path)
    open_dims = [name for name, dim in network.dims.items() if dim.size is None]
    try:
        made = functions(network)
    except ValueError as error:
        advice = f"; give every dimension a size: load(path, {'=..., '.join(open_dims)}=...)" if open_dims else ""
        raise ValueError(f"{network.path}: {error}{advice}") from None
    outcome = crosscheck.verify(report, Plan("trace"))
    if outcome.result == "refuted":
        raise ValueError(f"{network.path}: {sentence(outcome)}")
    return made


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

    return page(check(report) if isinstance(report, Network) else report)


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

    return network_summary(check(network))


def _show_shapes(shapes: Shapes) -> str:
    from shapecheck.report import layer_table  # loads Jinja2

    return layer_table(shapes)


Network.display = _show_network
Shapes.display = _show_shapes
