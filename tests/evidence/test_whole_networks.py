"""The examples as whole networks against the same models as PyTorch measured them, layer by layer.

The order of branches is the writer's own, so the layers are compared as a collection: every convolution, linear layer
and pooling that the model has must be in the example, with its input, its output, its parameters and its cost, and
none besides.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from facts import DATA, required
from paths import EXAMPLES
from texts import check_file

from shapecheck.analysis.cost import cost
from shapecheck.findings.catalogue import Severity

pytestmark = required("truth")

# Example: measured model.
MODELS = {
    "alexnet": "alexnet",
    "convnext_tiny": "convnext_tiny",
    "dcgan_discriminator": "dcgan_discriminator",
    "dcgan_generator": "dcgan_generator",
    "deeplabv3_resnet50": "deeplabv3_resnet50",
    "densenet121": "densenet121",
    "efficientnet_b0": "efficientnet_b0",
    "espcn": "espcn_super_resolution",
    "googlenet": "googlenet",
    "inception_v3": "inception_v3",
    "mobilenet_v2": "mobilenet_v2",
    "resnet50": "resnet50",
    "resnet50 at an odd size": "resnet50_odd",
    "vgg16": "vgg16",
}
OPS = {
    **{f"Conv{n}d": "conv" for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": "conv_transpose" for n in (1, 2, 3)},
    "Linear": "linear",
    "MaxPool2d": "max_pool",
    "AvgPool2d": "avg_pool",
}
# torchvision pools inside forward here, by a function that is no module and so in no row.
FUNCTIONS = {
    "inception_v3": Counter({"avg_pool": 9, "max_pool": 2}),
}


def measured(model: dict[str, Any]) -> Counter[tuple[Any, ...]]:
    rows = [row for row in model["layers"] if row["type"] in OPS]
    return Counter((OPS[r["type"]], tuple(r["in"]), tuple(r["out"]), r["params"], r["macs"]) for r in rows)


def ours(name: str, inputs: list[list[int]]) -> Counter[tuple[Any, ...]]:
    """Return what we say of the example at the sizes of the measured input, channels first."""
    path = str(EXAMPLES / f"{name}.net.yaml")
    network = check_file(path).network
    assert network is not None
    (node,) = network.inputs
    assert node.shape is not None
    batch, *rest = inputs[0]
    sizes = [batch, *rest[1:], rest[0]] if network.channels_last else inputs[0]
    dims = dict(zip(node.dims, sizes, strict=True))
    report = check_file(path, {dim: size for dim, size in dims.items() if dim is not None})
    assert not [d for d in report.diagnostics if d.severity is Severity.ERROR]
    shapes = report.shapes
    assert shapes is not None

    def first(shape: tuple[Any, ...] | None) -> tuple[Any, ...]:
        assert shape is not None
        return (shape[0], shape[-1], *shape[1:-1]) if shapes.network.channels_last and len(shape) > 2 else shape

    found: Counter[tuple[Any, ...]] = Counter()
    for layer in shapes.network.layers:
        if layer.op in OPS.values():
            one = cost(shapes, layer)
            there, here = shapes.outputs[layer.inputs[0]], shapes.outputs[layer.index]
            if layer.op == "linear":
                found[(layer.op, there, here, one.parameters, one.multiply_adds)] += 1
            else:
                found[(layer.op, first(there), first(here), one.parameters, one.multiply_adds)] += 1
    return found


@pytest.mark.parametrize("name", MODELS)
def test_every_layer_of_the_model_is_in_the_example(name: str) -> None:
    model = json.loads((DATA / "truth" / f"{MODELS[name]}.json").read_text(encoding="utf-8"))
    example = name.partition(" ")[0]
    theirs, mine = measured(model), ours(example, model["inputs"])
    assert theirs - mine == Counter()
    besides: Counter[str] = Counter()
    for (op, *_), count in (mine - theirs).items():
        besides[op] += count
    assert besides == FUNCTIONS.get(example, Counter())
    assert theirs.total() > 3
