"""Which sizes work, asked of others: torch.export, JAX's symbolic shapes, and the integer set library isl.

``python tests/benchmarks/sizes_by_others.py`` prints the table, in CPU time; what is not installed is
left out, and said.
"""

import importlib.util
import sys
from collections.abc import Callable

from measure import ROOT, calls

sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

HEAD = "shapecheck: 1\ninputs: {x: [1, 4, H]}\nlayers:\n"
NETWORKS = {
    "padded U-Net, depth 3": HEAD
    + "".join(
        f"  - {{name: e{n}, op: conv, out_channels: 4, kernel_size: 3, padding: 1}}\n"
        f"  - {{name: p{n}, op: max_pool, kernel_size: 2}}\n"
        for n in range(3)
    )
    + "".join(
        f"  - {{name: u{n}, op: upsample, scale_factor: 2}}\n  - {{name: d{n}, op: concat, from: [e{n}, u{n}]}}\n"
        for n in reversed(range(3))
    ),
    "conv s 3, conv s 5 and back": HEAD
    + "  - {name: a, op: conv, out_channels: 4, kernel_size: 3, stride: 3, padding: 1}\n"
    + "  - {name: b, op: conv, out_channels: 4, kernel_size: 3, stride: 5, padding: 1}\n"
    + "  - {name: c, op: conv_transpose, out_channels: 4, kernel_size: 3, stride: 5, padding: 1, output_padding: 4}\n"
    + "  - {name: d, op: concat, from: [a, c]}\n",
    "conv s 2 and back, added": HEAD
    + "  - {name: a, op: conv, out_channels: 4, kernel_size: 3, stride: 2, padding: 1}\n"
    + "  - {name: b, op: conv_transpose, out_channels: 4, kernel_size: 3, stride: 2, padding: 1, output_padding: 1}\n"
    + "  - {name: c, op: add, from: [x, b]}\n",
}


def shapecheck(text: str) -> str:
    from shapecheck import api

    return api.sizes(api.loads(text))["H"].condition


def isl(text: str) -> str:
    import isl_sets

    from shapecheck import api
    from shapecheck.analysis.sizes.every_size import analyse

    network = api.loads(text)
    return str(isl_sets.of_network(network, analyse(network).shapes).coalesce())


def jax_symbolic(text: str) -> str:
    import jax
    import jax.numpy as jnp
    from jax import export, lax

    from shapecheck import api

    network = api.loads(text)

    def layer(node, given):  # type: ignore[no-untyped-def]
        x, keys = given[0], node.layer
        if node.op == "max_pool":
            window = (1, 1, keys.kernel_size)
            return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")
        if node.op == "upsample":
            return jnp.repeat(x, 2, axis=2)
        if node.op == "concat":
            return jnp.concatenate(given, 1)
        if node.op == "add":
            return lax.add(*given)
        k, s, p = keys.kernel_size, keys.stride, keys.padding
        kernel = jnp.zeros((4, x.shape[1], k))
        if node.op == "conv":
            return lax.conv_general_dilated(x, kernel, (s,), [(p, p)])
        edges = (k - p - 1, k - p - 1 + keys.output_padding)
        return lax.conv_general_dilated(x, kernel, (1,), [edges], lhs_dilation=(s,))

    def forward(x: jax.Array) -> jax.Array:
        values = [x]
        for node in network.layers:
            values.append(layer(node, [values[i] for i in node.inputs]))
        return values[-1]

    (h,) = export.symbolic_shape("h")
    try:
        jax.eval_shape(forward, jax.ShapeDtypeStruct((1, 4, h), "float32"))
    except Exception as error:
        return "refused: " + str(error).splitlines()[0][:160]
    return "every h"


def torch_export(text: str) -> str:
    import torch
    from torch.export import Dim, export

    from shapecheck import api

    network = api.loads(text, H=240)
    made = {}
    channels = {node.name: shape[1] for node, shape in zip(network.nodes, api.propagate(network).outputs, strict=True)}
    for node in network.layers:
        layer = node.layer
        if node.op in ("conv", "conv_transpose"):
            kind = torch.nn.Conv1d if node.op == "conv" else torch.nn.ConvTranspose1d
            more = {} if node.op == "conv" else {"output_padding": layer.output_padding}
            before = channels[network.nodes[node.inputs[0]].name]
            made[node.name] = kind(before, 4, layer.kernel_size, layer.stride, layer.padding, **more)

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = torch.nn.ModuleDict(made)

        def forward(self, x):  # type: ignore[no-untyped-def]
            values = {"x": x}
            for node in network.layers:
                given = [values[network.nodes[i].name] for i in node.inputs]
                if node.op == "max_pool":
                    values[node.name] = torch.nn.functional.max_pool1d(given[0], node.layer.kernel_size)
                elif node.op == "upsample":
                    values[node.name] = torch.nn.functional.interpolate(given[0], scale_factor=2)
                elif node.op == "concat":
                    values[node.name] = torch.cat(given, 1)
                elif node.op == "add":
                    values[node.name] = given[0] + given[1]
                else:
                    values[node.name] = self.parts[node.name](given[0])
            return values[network.layers[-1].name]

    try:
        export(Net(), (torch.randn(1, 4, 240),), dynamic_shapes={"x": {2: Dim("h", min=8)}})
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if "=" in line and "h" in line]
        return (
            "asks for " + (next((line for line in reversed(lines) if "*" in line), lines[-1] if lines else "?"))[:120]
        )
    return "every h"


ENGINES: dict[str, tuple[str, Callable[[str], str]]] = {
    "shapecheck": ("shapecheck", shapecheck),
    "isl": ("islpy", isl),
    "JAX's symbolic shapes": ("jax", jax_symbolic),
    "torch.export": ("torch", torch_export),
}


def main() -> None:
    print("| network | asked | answer | time |\n| --- | --- | --- | ---: |")
    for name, text in NETWORKS.items():
        for engine, (module, ask) in ENGINES.items():
            if importlib.util.find_spec(module) is None:
                continue
            answer = ask(text)
            (seconds,) = calls(lambda ask=ask, text=text: ask(text))  # what is loaded on first use is not counted
            print(f"| {name} | {engine} | `{answer}` | {seconds * 1e3:.1f} ms |")
    missing = sorted({module for module, _ in ENGINES.values() if importlib.util.find_spec(module) is None})
    if missing:
        print(f"left out, because it is not installed: {', '.join(missing)}", file=sys.stderr)


if __name__ == "__main__":
    main()
