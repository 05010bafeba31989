"""Convolutions, transposed convolutions and pooling of ONNX."""

from __future__ import annotations

from typing import Any

from shapecheck.arithmetic import convolution, symbolic
from shapecheck.arithmetic.shape import show
from shapecheck.arithmetic.symbolic import Size
from shapecheck.importers.onnx.onnx_graph import OnnxNode, Refused, Variable
from shapecheck.importers.onnx.translation import Translation

# From this opset on a last window that would start in the padding is dropped, as the language has it.
DROPS_LAST_WINDOW = 22
_WORDS = {"SAME_UPPER": "same", "SAME_LOWER": "same_lower", "VALID": 0}


def conv(t: Translation, node: OnnxNode) -> None:
    """Translate Conv."""
    x = t.feature(node)
    weight = _kernel(t, node, x)
    k = _kernel_size(node, weight[2:])
    groups = node.attributes.get("group", 1)
    _agree(
        x.shape[1], weight[1] * groups, f"its weight of shape {list(weight)} in {groups} group(s) is for", "channels"
    )
    keys = {
        "out_channels": weight[0],
        "kernel_size": one(k),
        "stride": _unless(one(_per_axis(node, "strides", k)), 1),
        "padding": _unless(_padding(node, k), 0),
        "dilation": _unless(one(_per_axis(node, "dilations", k)), 1),
        "groups": _unless(groups, 1),
        "bias": _bias(t, node, weight[0]),
    }
    t.put(node, t.emit("conv", [x], keys))


def conv_transpose(t: Translation, node: OnnxNode) -> None:
    """Translate ConvTranspose, its padding as the associated convolution has it."""
    x = t.feature(node)
    weight = _kernel(t, node, x)
    k = _kernel_size(node, weight[2:])
    groups = node.attributes.get("group", 1)
    _agree(x.shape[1], weight[0], f"its weight of shape {list(weight)} is for", "channels")
    s, d = _per_axis(node, "strides", k), _per_axis(node, "dilations", k)
    added = _per_axis(node, "output_padding", k, 0)
    keys = {
        "out_channels": weight[1] * groups,
        "kernel_size": one(k),
        "stride": _unless(one(s), 1),
        "padding": _unless(_transposed_padding(node, x, k, s, d, added), 0),
        "dilation": _unless(one(d), 1),
        "groups": _unless(groups, 1),
        # Left out, it would be open which of the s sizes is meant.
        "output_padding": one(added) if any(added) or max(s) > 1 else None,
        "bias": _bias(t, node, weight[1] * groups),
    }
    t.put(node, t.emit("conv_transpose", [x], keys))


def _transposed_padding(node: OnnxNode, x: Variable, k: list[int], s: list[int], d: list[int], added: list[int]) -> Any:
    word = node.attributes.get("auto_pad", "NOTSET")
    wanted = node.attributes.get("output_shape")
    if not wanted and word not in ("SAME_UPPER", "SAME_LOWER"):
        return _padding(node, k)
    if not wanted and any(added):
        raise Refused(
            f"auto_pad {word} with output_padding {added} has two meanings: the standard asks for input · stride, "
            "and ONNX's own inference for output_padding more"
        )
    if wanted and len(wanted) not in (len(k), len(k) + 2):
        raise Refused(f"output_shape {wanted} lists {len(wanted)} sizes for {len(k)} spatial axes")
    totals = []
    for j in range(len(k)):
        reach = convolution.dilated_kernel(k[j], d[j]) + added[j]
        if wanted:
            i = x.shape[2 + j]
            if not isinstance(i, int):
                raise Refused(
                    f"output_shape {wanted} asks for padding that follows from the input's size {i}; fix it with --set"
                )
            totals.append(s[j] * (i - 1) + reach - wanted[-len(k) :][j])
        else:
            totals.append(reach - s[j])
    if min(totals) < 0:
        raise Refused(
            f"{f'output_shape {wanted}' if wanted else f'auto_pad {word}'} is larger than the kernel reaches: "
            f"its padding would be {min(totals)} in all"
        )
    pairs = [(total // 2, total - total // 2) for total in totals]
    return edges(pairs if word == "SAME_UPPER" else [(after, before) for before, after in pairs])


def pool(t: Translation, node: OnnxNode) -> None:
    """Translate MaxPool, AveragePool and LpPool."""
    x = t.feature(node)
    k = _kernel_size(node, ())
    s, d = _per_axis(node, "strides", k), _per_axis(node, "dilations", k)
    padding = _padding(node, k)
    op = {"MaxPool": "max_pool", "AveragePool": "avg_pool", "LpPool": "lp_pool"}[node.op]
    if op != "max_pool" and set(d) != {1}:
        raise Refused(f"it is dilated by {d}, and {op} cannot be")
    ceil = bool(node.attributes.get("ceil_mode", 0)) and isinstance(padding, (int, list))
    if ceil and t.graph.opset < DROPS_LAST_WINDOW:
        _require_one_ceil(t, x, k, s, d, padding)
    keys = {
        "kernel_size": one(k),
        "stride": None if s == k else one(s),
        "padding": _unless(padding, 0),
        "dilation": _unless(one(d), 1),
        "ceil_mode": ceil or None,
        "count_include_pad": False
        if op == "avg_pool" and padding != 0 and not node.attributes.get("count_include_pad", 0)
        else None,
        "norm_type": _unless(node.attributes.get("p", 2), 2) if op == "lp_pool" else None,
    }
    y = t.emit(op, [x], keys)
    t.put(node, y)
    if len(node.outputs) > 1 and node.outputs[1]:
        t.indices[node.outputs[1]] = (x, y.layer)
        t.put(node, y, 1)


def _require_one_ceil(t: Translation, x: Variable, k: list[int], s: list[int], d: list[int], padding: Any) -> None:
    """Refuse rounding up where it matters that older opsets keep a last window which starts in the padding."""
    for j, (before, after) in enumerate(_pairs(padding, len(k))):
        i = x.shape[2 + j] if len(x.shape) > 2 + j else 1
        reach = convolution.dilated_kernel(k[j], d[j])
        if after <= reach - s[j]:
            continue
        kept = -(-(i + before + after - reach) // s[j]) + 1 if isinstance(i, int) else None
        if kept is None or kept != convolution.pool_ceil(i, k[j], s[j], before, after, d[j]):
            raise Refused(
                f"with ceil_mode, opset {t.graph.opset} keeps a last window that starts in the padding"
                f"{'' if kept is None else f' and gives {kept}'}; PyTorch, opset {DROPS_LAST_WINDOW} and the language "
                "drop it"
            )


def unpool(t: Translation, node: OnnxNode) -> None:
    """Translate MaxUnpool, which names the pooling whose indices it reads."""
    x = t.feature(node)
    known = t.indices.get(node.inputs[1])
    if known is None:
        raise Refused(f"its indices {node.inputs[1]!r} are not those of a MaxPool")
    source, pooling = known
    k = _kernel_size(node, ())
    s = _per_axis(node, "strides", k)
    if len(x.shape) != 2 + len(k):
        raise Refused(f"kernel_shape {k} does not fit the rank of its input {show(x.shape)}")
    target = t.sizes(node, 2)
    if target is not None and len(target) != len(x.shape):
        raise Refused(f"its output shape {show(target)} has another rank than its input {show(x.shape)}")
    sizes: list[Size] = [
        s[j] * (i - 1) + k[j] - before - after
        for j, (i, (before, after)) in enumerate(zip(x.shape[2:], _pairs(_padding(node, k), len(k)), strict=True))
    ]
    wanted = list(target[2:]) if target else sizes
    if all(symbolic.same(a, b) for a, b in zip(wanted, source.shape[2:], strict=True)):
        t.put(node, t.add("max_unpool", [x], {"pool": pooling}, source.shape))
        return
    keys = {"kernel_size": one(k), "stride": one(s), "padding": _padding(node, k), "output_size": one(wanted)}
    t.put(node, t.emit("max_unpool", [x], keys))


def global_pool(t: Translation, node: OnnxNode) -> None:
    """Translate GlobalAveragePool and GlobalMaxPool."""
    op = {"GlobalAveragePool": "global_avg_pool", "GlobalMaxPool": "global_max_pool"}[node.op]
    t.put(node, t.emit(op, [t.feature(node)]))


def one(values: list[Any]) -> Any:
    """Return the number that all axes share, or the list."""
    return values[0] if len(set(map(str, values))) == 1 else list(values)


def edges(pairs: list[tuple[int, int]]) -> int | list[Any]:
    """Return padding as people write it: a number, a number for each axis, or pairs."""
    if all(before == after for before, after in pairs):
        found: int | list[Any] = one([before for before, _ in pairs])
        return found
    return [list(pair) for pair in pairs]


def _pairs(padding: Any, count: int) -> list[tuple[int, int]]:
    if isinstance(padding, int):
        return [(padding, padding)] * count
    return [(p, p) if isinstance(p, int) else (p[0], p[1]) for p in padding]


def _kernel(t: Translation, node: OnnxNode, x: Variable) -> tuple[int, ...]:
    weight = t.weight(node, 1)
    if len(weight) != len(x.shape) or len(weight) < 3:
        raise Refused(f"its weight of shape {list(weight)} does not fit the rank of its input {show(x.shape)}")
    return weight


def _kernel_size(node: OnnxNode, weight: tuple[int, ...]) -> list[int]:
    k = list(node.attributes.get("kernel_shape") or weight)
    if weight and k != list(weight):
        raise Refused(f"kernel_shape {k} is not that of its weight, {list(weight)}")
    if not k:
        raise Refused("kernel_shape is missing")
    return k


def _per_axis(node: OnnxNode, name: str, k: list[int], default: int = 1) -> list[int]:
    found = list(node.attributes.get(name) or [default] * len(k))
    if len(found) != len(k):
        raise Refused(f"{name} {found} lists {len(found)} values for {len(k)} spatial axes")
    return found


def _padding(node: OnnxNode, k: list[int]) -> Any:
    word = node.attributes.get("auto_pad", "NOTSET") or "NOTSET"
    if word != "NOTSET":
        if word not in _WORDS:
            raise Refused(f"auto_pad {word!r} is none of NOTSET, {', '.join(_WORDS)}")
        return _WORDS[word]
    pads = list(node.attributes.get("pads") or [0] * (2 * len(k)))
    if len(pads) != 2 * len(k):
        raise Refused(f"pads {pads} lists {len(pads)} values; {len(k)} spatial axes have {2 * len(k)} edges")
    return edges(list(zip(pads[: len(k)], pads[len(k) :], strict=True)))


def _bias(t: Translation, node: OnnxNode, channels: int) -> bool | None:
    """Return False without a bias; with one, nothing, for a bias is the default."""
    bias = t.constant(node, 2)
    if bias is None:
        return False
    if bias.shape != (channels,):
        raise Refused(f"its bias has the shape {list(bias.shape)}, and {channels} channels")
    return None


def _agree(found: Size, stated: int, what: str, unit: str) -> None:
    if symbolic.same(found, stated) is not True:
        raise Refused(f"{what} {stated} {unit}, but its input has {found}")


def _unless(value: Any, default: Any) -> Any:
    return None if value == default else value


RULES = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": pool,
    "AveragePool": pool,
    "LpPool": pool,
    "MaxUnpool": unpool,
    "GlobalAveragePool": global_pool,
    "GlobalMaxPool": global_pool,
}
