"""The second build computes what PyTorch computes, with the same parameters: every op, alone and in random networks."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from amounts import amount, drawn, sampled
from handmade import chain, network, run
from random_layers import HINTS, Case, cases, made, value
from wide_floats import wide_floats

import shapecheck
from shapecheck.layers import REGISTRY, Context, Problem, Reference, Undecided
from shapecheck.layers.fields import REQUIRED, FieldError
from shapecheck.verification.reference.builders import BUILDERS
from shapecheck.verification.reference.call import Call, ReferencedLayer
from shapecheck.verification.reference.compile import QUICK

torch = pytest.importorskip("torch", reason="PyTorch, which the second build is compared with, is not installed")
torch_layers = pytest.importorskip("torch_layers")

Array = np.ndarray[Any, Any]
CLOSE = {"float32": {"rtol": 2e-3, "atol": 2e-4}, "float64": {"rtol": 1e-7, "atol": 1e-9}}


@contextlib.contextmanager
def wide(dtype: str) -> Iterator[None]:
    with wide_floats() if dtype == "float64" else contextlib.nullcontext():
        yield


def random_array(rng: np.random.Generator, shape: Any, dtype: str) -> Array:
    return (2 * rng.normal(size=shape)).astype(dtype)


def has_counterpart(case: Case) -> bool:
    """Say whether PyTorch has such a layer: it unpools by the places of the maxima alone."""
    return case.layer.op != "max_unpool" or "pool" in case.context.references


def compare(case: Case, dtype: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    held: dict[str, Array] = {}
    inputs = [
        rng.integers(0, case.layer.num_embeddings, shape).astype("int32")  # type: ignore[attr-defined]
        if case.layer.op == "embedding"
        else random_array(rng, shape, dtype)
        for shape in case.context.inputs
    ]
    there = {
        key: random_array(rng, (reference.inputs or (reference.output,))[0], dtype)
        for key, reference in case.context.references.items()
    }

    def parameter(name: str, spec: Any) -> Any:
        if name not in held:
            held[name] = random_array(rng, spec.shape, str(np.dtype(spec.dtype)))
        return jnp.asarray(held[name])

    def ours(*values: Any) -> Any:
        references = {
            key: ReferencedLayer(r.name, r.layer, (values[-1],), jax.ShapeDtypeStruct(r.output, dtype))
            for key, r in case.context.references.items()
        }
        given = values[: len(inputs)]
        call = Call(case.layer, given, case.context.channels_last, jnp.dtype(dtype), parameter, references)
        return BUILDERS[case.layer.op](call)

    with wide(dtype):
        found = np.asarray(jax.jit(ours, compiler_options=QUICK)(*inputs, *there.values()))
    given = torch_layers.Given(
        case.layer,
        tuple(map(torch.tensor, inputs)),
        {name: torch.tensor(array) for name, array in held.items()},
        {
            key: torch_layers.Undone(r.layer, torch.tensor(there[key]), r.output)
            for key, r in case.context.references.items()
        },
        case.context.channels_last,
    )
    expected = torch_layers.compute(given).numpy()
    assert found.shape == expected.shape == case.output, (vars(case.layer), case.context.inputs)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, **CLOSE[dtype], err_msg=f"{vars(case.layer)} {case.context.inputs}")


def test_every_op_has_its_counterpart_in_torch() -> None:
    assert torch_layers.FUNCTIONS.keys() == BUILDERS.keys() == REGISTRY.keys()


@drawn
@pytest.mark.parametrize("op", REGISTRY)
def test_a_layer_computes_what_torch_computes(op: str) -> None:
    drawn_cases = [case for case in cases(op, amount(60, 30), seed=12) if has_counterpart(case)]
    assert drawn_cases
    for seed, case in enumerate(drawn_cases):
        compare(case, ("float64", "float32")[seed % 2], seed)


# Below a whole ratio, above one, and such as give back the size of small maps: 1.4 makes 2 of 2.
FACTORS = (0.3, 0.5, 0.7, 0.9, 1.0, 1.1, 1.4, 1.5, 1.9, 2.0, 2.3, 2.4, 2.5, 3.3, 3.4, 41.0)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("factor", sampled(FACTORS, 3))
def test_upsample_by_a_factor(mode: str, factor: float, axes: int) -> None:
    for n in (1, 2, 3, 5) if factor < 10 else (2,):
        shape = (1, 2, *(1,) * (axes - 1), n)
        layer = made("upsample", scale_factor=[*[1.0] * (axes - 1), factor], mode=mode)
        try:
            case = Case(layer, Context((shape,)), layer.output(Context((shape,))))
        except Problem:
            continue
        for dtype in CLOSE:
            compare(case, dtype, n)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("sizes", sampled([(2, 82), (1, 7), (3, 123), (4, 3), (6, 6), (5, 10), (12, 123)], 3))
def test_upsample_to_a_size(sizes: tuple[int, int], dtype: str, axes: int) -> None:
    """Among them sizes where 32 bits are too few for an exact ratio, so that PyTorch takes the element before."""
    n, o = sizes
    shape = (1, 1, *(1,) * (axes - 1), n)
    layer = made("upsample", size=[*[1] * (axes - 1), o])
    compare(Case(layer, Context((shape,)), layer.output(Context((shape,)))), dtype, n)


@drawn
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_unpooling_of_windows_that_overlap(axes: int) -> None:
    """An element that is the largest of several windows is put back once, from the last of them."""
    rng = random.Random(axes)
    for seed in range(amount(24, 12)):
        shape = (2, 2, *(rng.randint(4, 7) for _ in range(axes)))
        keys = {"kernel_size": rng.randint(2, 4), "stride": rng.randint(1, 2), "dilation": rng.randint(1, 2)}
        try:
            pool = made("max_pool", **keys, padding=rng.randint(0, 1), ceil_mode=rng.random() < 0.5)
            pooled = pool.output(Context((shape,)))
        except Problem:
            continue
        context = Context((pooled,), False, {"pool": Reference("there", pool, (shape,), pooled)})
        compare(Case(made("max_unpool", pool="there"), context, shape), "float64", seed)


def test_an_odd_norm_of_negative_numbers_is_a_norm_here() -> None:
    """PyTorch takes the root of the sum of x³, we that of |x|³: what the docs say of lp_pool."""
    x = np.array([[[-1.0, -2.0, 3.0, 4.0]]], "float32")
    found = run(chain(x.shape, {"op": "lp_pool", "kernel_size": 2, "norm_type": 3}), x)
    np.testing.assert_allclose(found, [[[9 ** (1 / 3), 91 ** (1 / 3)]]], rtol=1e-6)
    theirs = torch.nn.functional.lp_pool1d(torch.tensor(x), 3, 2).numpy()
    assert not np.allclose(theirs, found)
    np.testing.assert_allclose(torch.nn.functional.lp_pool1d(torch.tensor(x).abs(), 3, 2).numpy(), found, rtol=1e-6)


Row = tuple[str, Any, Any]


def random_rows(rng: random.Random, count: int) -> list[Row]:
    """Return an input and layers that read one or several of those before, as ``network`` takes them."""
    rows: list[Row] = [
        ("x", (2, rng.choice((2, 4, 6)), *(rng.randint(4, 9) for _ in range(rng.choice((1, 2, 2, 3))))), None)
    ]
    shapes: dict[str, Any] = {"x": rows[0][1]}
    layers: dict[str, tuple[Any, tuple[Any, ...]]] = {"x": (None, ())}
    while len(rows) <= count:
        found = _random_layer(rng, f"l{len(rows)}", shapes, layers)
        if found is not None:
            rows.append(found)
    return rows


def _random_layer(rng: random.Random, name: str, shapes: dict[str, Any], layers: dict[str, Any]) -> Row | None:
    op = rng.choice([op for op in REGISTRY if op != "embedding"])
    kind = REGISTRY[op]
    read = rng.choice(list(shapes)[-3:])
    alike = [other for other, shape in shapes.items() if shape == shapes[read]]
    reads = [read, *rng.choices(alike, k=max(kind.arity[0], rng.randint(1, 3 if kind.arity[1] is None else 1)) - 1)]
    inputs = tuple(shapes[other] for other in reads)
    hinted, keys = HINTS[op](rng, inputs) if op in HINTS else (inputs, {})
    if hinted != inputs:
        return None
    keys = dict(keys)
    for key, declared in kind.keys_of(op).items():
        if key in kind.references:
            if rng.random() < 0.5:
                keys[key] = rng.choice(list(shapes))
        elif key not in keys and (declared.default is REQUIRED or rng.random() < 0.3):
            keys[key] = value(declared.kind, rng, len(inputs[0]))
    if kind.undoes in keys:
        keys = {kind.undoes: keys[kind.undoes]}
    if op == "max_unpool" and "pool" not in keys:
        return None
    named = {key: keys[key] for key in kind.references if key in keys}
    references = {
        key: Reference(there, layers[there][0], layers[there][1], shapes[there]) for key, there in named.items()
    }
    try:
        layer = made(op, **keys)
        shape = layer.output(Context(inputs, False, references))
    except (FieldError, Problem, Undecided):
        return None
    if np.prod([float(size) for size in shape]) > 5000 or not 2 <= len(shape) <= 5:
        return None
    shapes[name], layers[name] = shape, (layer, inputs)
    return name, {"op": op, **keys}, tuple(reads)


@drawn
def test_random_networks_compute_what_torch_computes() -> None:
    for seed in range(amount(60, 20)):
        rows = random_rows(random.Random(seed), 8)
        made_network = network(*rows, dtypes={"x": "float64"})
        made_network.outputs = {name: at for at, (name, _, _) in enumerate(rows) if at}
        with wide("float64"):
            _compare_networks(rows, made_network, np.random.default_rng(seed))


def _compare_networks(rows: list[Row], made_network: Any, rng: np.random.Generator) -> None:
    init, apply = shapecheck.build(made_network)
    parameters = init(jax.random.key(3))
    x = random_array(rng, rows[0][1], "float64")
    found: Callable[..., Any] = jax.jit(apply, compiler_options=QUICK)
    outputs = found(parameters, x)
    values = {"x": torch.tensor(x)}
    kinds = {node.name: node.layer for node in made_network.nodes}
    read = {name: reads for name, _, reads in rows}
    for name, keys, reads in rows[1:]:
        layer = kinds[name]
        references = {
            key: torch_layers.Undone(
                kinds[keys[key]], values[(read[keys[key]] or [keys[key]])[0]], tuple(values[keys[key]].shape)
            )
            for key in layer.references
            if key in keys
        }
        own = {
            full.removeprefix(f"{name}."): torch.tensor(np.asarray(array))
            for full, array in parameters.items()
            if full.startswith(f"{name}.")
        }
        inputs = tuple(values[other] for other in reads)
        values[name] = torch_layers.compute(torch_layers.Given(layer, inputs, own, references, False))
        expected, said = values[name].numpy(), outputs[name] if isinstance(outputs, dict) else outputs
        np.testing.assert_allclose(said, expected, rtol=1e-6, atol=1e-8, err_msg=f"{name} of {rows}")


@pytest.mark.parametrize("slopes", [1, 3])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4)])
def test_torch_refuses_the_slopes_of_a_vector(shape: tuple[int, ...], slopes: int) -> None:
    layer = made("prelu", num_parameters=slopes)
    refused = layer.refused_by_pytorch(Context((shape,))) is not None
    assert refused == (slopes > 1 and len(shape) == 1)
    with pytest.raises(RuntimeError, match="Mismatch of parameter") if refused else contextlib.nullcontext():
        torch.nn.functional.prelu(torch.zeros(shape), torch.zeros(slopes))


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_torch_refuses_an_average_over_a_map_below_its_window(axes: int, k: int, size: int) -> None:
    layer = made("avg_pool", kernel_size=k, stride=1, padding=k // 2)
    shape = (1, 1, *(5,) * (axes - 1), size)
    try:
        layer.output(Context((shape,)))
    except Problem:
        return
    refused = layer.refused_by_pytorch(Context((shape,))) is not None
    assert refused == (axes == 3 and size < k)
    with pytest.raises(RuntimeError, match="smaller than kernel") if refused else contextlib.nullcontext():
        getattr(torch.nn.functional, f"avg_pool{axes}d")(torch.zeros(shape), k, 1, k // 2)
