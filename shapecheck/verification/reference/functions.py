"""The network as two functions, in the form in which one trains with JAX."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax

from shapecheck.graph.network import Network
from shapecheck.text import plural
from shapecheck.verification.reference.build_errors import BuildError
from shapecheck.verification.reference.built_network import BuiltNetwork, build

Parameters: TypeAlias = Mapping[str, jax.Array]
# One array for a network with one input; several by name, or in the order of the file.
Inputs: TypeAlias = jax.typing.ArrayLike | Mapping[str, jax.typing.ArrayLike] | Sequence[jax.typing.ArrayLike]


class Apply:
    """A network as a pure function of its parameters and inputs.

    It may be traced, differentiated and mapped: ``jax.jit(apply)``, ``jax.grad``, ``jax.vmap``.
    """

    def __init__(self, model: BuiltNetwork) -> None:
        self._model = model

    def __call__(
        self,
        params: Parameters,
        inputs: Inputs,
        *,
        key: jax.Array | None = None,
        statistics: Mapping[str, jax.Array] | None = None,
    ) -> Any:
        """Return the output: an array where the network has one output, else a dict of arrays by name.

        ``inputs`` is an array for a network with one input, else a dict by name or a tuple in the order of the file;
        each has the shape and dtype that the file gives. With a ``key`` dropout drops, as in training; without,
        it does nothing. batch_norm normalises by the batch at hand, unless ``statistics`` gives others.
        Raises ValueError for an input or a parameter that is missing or of another shape.
        """
        outputs = self._model.apply(params, self._named(inputs), key, statistics)
        if len(outputs) > 1:
            return outputs
        (output,) = outputs.values()
        return output

    def statistics(self, params: Parameters, inputs: Inputs, *, key: jax.Array | None = None) -> dict[str, jax.Array]:
        """Return the mean and the biased variance that each batch_norm finds in the batch, by ``layer.mean`` and so on.

        Averaged over training, they are what a network in use normalises by. Within the jit of a training step
        XLA finds that they are computed anyway.
        """
        return self._model.statistics(params, self._named(inputs), key)

    def _named(self, inputs: Inputs) -> dict[str, Any]:
        names = list(self._model.inputs)
        if isinstance(inputs, Mapping):
            for name in inputs:
                if name not in names:
                    raise BuildError(f"the network has no input {name}; it reads {', '.join(names)}")
            return dict(inputs)
        arrays = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
        if len(arrays) != len(names):
            given = plural(len(arrays), "array")
            raise BuildError(f"the network reads {' and '.join(names)}, but was given {given}")
        return dict(zip(names, arrays, strict=True))


class Functions(NamedTuple):
    """What ``build`` returns: ``init, apply = shapecheck.build(network)``.

    ``init(key)`` draws the parameters, a dict of arrays under ``layer.kernel`` and the like; ``apply(params, inputs)``
    runs the network.
    """

    init: Callable[[jax.Array], dict[str, jax.Array]]
    apply: Apply


def functions(network: Network) -> Functions:
    """Return the network as ``init`` and ``apply``.

    Raises BuildError, naming the layer, where the network has a size that is no number or a layer is refused.
    """
    model = build(network)
    return Functions(model.init, Apply(model))
