"""Every layer of 42 known models, as PyTorch and Keras measured it: shape, parameters, multiply-adds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from amounts import sampled
from facts import DATA, required
from one_layer import RESULT, Answer, ask, layer, text

Row = dict[str, Any]

pytestmark = required("truth")
FILES = sorted((DATA / "truth").glob("*.json"))

# Rows that are no layer of a network, and how many of them there are in all the files.
NOT_A_LAYER = {"InputLayer": 2}
# weight_norm moves the weight into a child module, so the row counts its bias alone.
WEIGHT_ELSEWHERE = {"torch:ParametrizedConv1d": 1}
ROWS = 3624
# Parameters that belong to no layer row of the file.
OUTSIDE_ROWS = {
    "convnext_tiny": 6_624,  # layer scales
    "googlenet": 6_379_984,  # auxiliary heads, which are not called
    "hf_dac_16khz": 19_360,  # snake activations
    "hf_wav2vec2_base": 4_720_256,  # the parametrized conv and the mask
    "inception_v3": 3_326_696,  # the auxiliary head, which is not called
    "monai_unet_2d": 13,  # PReLU
    "monai_unet_3d": 17,  # PReLU
    "ssd300_vgg16_backbone": 512,  # the scale of the L2 norm
}


def conv(row: Row) -> list[str]:
    hp = dict(row["hp"])
    if row.get("cls") == "timm:Conv2dSame":
        hp["padding"] = "same"  # it pads inside forward, so its own padding says nothing
    return [layer("conv", hp, RESULT)]


def conv_transpose(row: Row) -> list[str]:
    return [layer("conv_transpose", row["hp"], RESULT)]


def renamed(op: str, drop: tuple[str, ...] = (), **names: str) -> Callable[[Row], list[str]]:
    """Translate a row whose hyperparameters differ from our keys in their names alone."""

    def translate(row: Row) -> list[str]:
        keys = {names.get(key, key): value for key, value in row["hp"].items() if key not in drop}
        return [layer(op, keys, RESULT)]

    return translate


def layer_norm(row: Row) -> list[str]:
    (features,) = row["hp"]["normalized_shape"]
    axis = 1 if row.get("cls") == "torchvision:LayerNorm2d" else -1
    keys = {"num_features": features, "axis": axis, "affine": row["hp"]["elementwise_affine"]}
    return [layer("layer_norm", keys, RESULT)]


def upsample(row: Row) -> list[str]:
    hp = row["hp"]
    mode = {"nearest": "nearest", "bilinear": "linear", "trilinear": "linear"}[hp["mode"]]
    return [layer("upsample", {"scale_factor": hp["scale_factor"], "mode": mode}, RESULT)]


def reflection_pad(row: Row) -> list[str]:
    left, right, top, bottom = row["hp"]["padding"]
    return [layer("pad", {"padding": [[top, bottom], [left, right]], "mode": "reflect"}, RESULT)]


def keras_conv(row: Row) -> list[str]:
    return [layer("conv", keras_window(row) | {"out_channels": row["hp"]["filters"], "groups": 1}, RESULT)]


def keras_window(row: Row) -> Row:
    hp = row["hp"]
    return {
        "kernel_size": hp["kernel_size"],
        "stride": hp["strides"],
        "padding": hp["padding"],
        "dilation": hp["dilation_rate"],
        "bias": hp["use_bias"],
    }


def keras_depthwise(row: Row, name: str = RESULT) -> list[str]:
    channels = row["in"][-1] * row["hp"]["depth_multiplier"]
    return [layer("conv", keras_window(row) | {"out_channels": channels, "groups": "depthwise"}, name)]


def keras_separable(row: Row) -> list[str]:
    pointwise = {"out_channels": row["hp"]["filters"], "kernel_size": 1, "bias": row["hp"]["use_bias"]}
    return [*keras_depthwise(row, "depthwise"), layer("conv", pointwise, RESULT)]


def keras_pool(row: Row) -> list[str]:
    hp = row["hp"]
    return [
        layer("max_pool", {"kernel_size": hp["pool_size"], "stride": hp["strides"], "padding": hp["padding"]}, RESULT)
    ]


def add(row: Row) -> list[str]:
    return [layer("add", {}, RESULT, [f"x{i}" for i in range(len(row["in"]))])]


def simple(op: str, **keys: Any) -> Callable[[Row], list[str]]:
    return lambda row: [layer(op, keys, RESULT)]


batch_norm = renamed("batch_norm", ("track_running_stats",))
instance_norm = renamed("instance_norm", ("track_running_stats",))
max_pool = renamed("max_pool", ("return_indices",))
avg_pool = renamed("avg_pool", ("divisor_override",))

TRANSLATIONS: dict[str, Callable[[Row], list[str]]] = {
    **{f"Conv{n}d": conv for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": conv_transpose for n in (1, 2, 3)},
    **{f"BatchNorm{n}d": batch_norm for n in (2, 3)},
    **{f"InstanceNorm{n}d": instance_norm for n in (2, 3)},
    **{f"MaxPool{n}d": max_pool for n in (2, 3)},
    **{f"AvgPool{n}d": avg_pool for n in (2, 3)},
    **{f"AdaptiveAvgPool{n}d": renamed("adaptive_avg_pool") for n in (2, 3)},
    "GroupNorm": renamed("group_norm", num_channels="num_features"),
    "LayerNorm": layer_norm,
    "Linear": renamed("linear"),
    "Flatten": renamed("flatten", start_dim="start_axis", end_dim="end_axis"),
    "Embedding": renamed("embedding"),
    "PixelShuffle": renamed("pixel_shuffle", upscale_factor="factor"),
    "ReflectionPad2d": reflection_pad,
    "Upsample": upsample,
    "Conv2D": keras_conv,
    "DepthwiseConv2D": keras_depthwise,
    "SeparableConv2D": keras_separable,
    "MaxPooling2D": keras_pool,
    "BatchNormalization": simple("batch_norm"),
    "ReLU": simple("relu"),
    "Activation": simple("relu"),
    "ZeroPadding2D": renamed("pad", ("data_format",)),
    "Add": add,
    "GlobalAveragePooling2D": simple("global_avg_pool", keep_dims=False),
    "Dense": renamed("linear", units="out_features", use_bias="bias"),
}


def shape(sizes: list[Any]) -> list[Any]:
    """Return a shape with Keras's unknown batch as the dimension N."""
    return ["N" if size is None else size for size in sizes]


def answer(row: Row, keras: bool) -> Answer:
    shapes = row["in"] if isinstance(row["in"][0], list) else [row["in"]]
    inputs = {f"x{i}": shape(s) for i, s in enumerate(shapes)}
    dtype = "int64" if row["type"] == "Embedding" else None
    return ask(text(inputs, TRANSLATIONS[row["type"]](row), keras, dtype))


def differences(row: Row, keras: bool) -> list[str]:
    """Return in what our answer differs from the measured one."""
    ours = answer(row, keras)
    found = []
    if ours.errors or ours.shape != shape(row["out"]):
        found.append(f"shape {ours.shape} (errors {ours.errors}), measured {row['out']}")
    parameters = ours.parameters
    if row["type"] == "BatchNormalization":
        parameters *= 2  # Keras counts the two running statistics as well
    if row.get("cls") not in WEIGHT_ELSEWHERE and parameters != row["params"]:
        found.append(f"{parameters} parameters, measured {row['params']}")
    if "macs" in row and ours.multiply_adds != row["macs"]:
        found.append(f"{ours.multiply_adds} multiply-adds, measured {row['macs']}")
    return [f"{row['path']} ({row['type']} {row['hp']} on {row['in']}): {one}" for one in found]


def load(path: Path) -> Row:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sampled(FILES, 3), ids=lambda path: path.stem)
def test_every_layer_is_as_measured(path: Path) -> None:
    model = load(path)
    rows = [row for row in model["layers"] if row["type"] not in NOT_A_LAYER]
    assert rows
    wrong = [line for row in rows for line in differences(row, "layout" in model)]
    assert not wrong, "\n".join(wrong)


def test_no_row_is_left_out_but_those_named() -> None:
    types: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    for path in FILES:
        for row in load(path)["layers"]:
            types[row["type"]] += 1
            classes[row.get("cls", "")] += 1
    assert sum(types.values()) == ROWS
    assert {name: count for name, count in types.items() if name not in TRANSLATIONS} == NOT_A_LAYER
    assert {name: classes[name] for name in WEIGHT_ELSEWHERE} == WEIGHT_ELSEWHERE
    assert set(TRANSLATIONS) <= set(types)


@pytest.mark.slow
def test_whole_models_have_their_published_parameters() -> None:
    """Our layers' parameters sum up to the model's, less what stands outside every layer row."""
    loose = {}
    for path in FILES:
        model = load(path)
        seen = {}
        for row in model["layers"]:
            if row["type"] not in NOT_A_LAYER and row.get("cls") not in WEIGHT_ELSEWHERE:
                factor = 2 if row["type"] == "BatchNormalization" else 1
                seen[row["path"]] = answer(row, "layout" in model).parameters * factor
        if sum(seen.values()) != model["params"]:
            loose[path.stem] = model["params"] - sum(seen.values())
    assert loose == OUTSIDE_ROWS
