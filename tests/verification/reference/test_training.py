"""The functions of ``shapecheck.build`` are those that train: loss, gradients, dropout, statistics, refusals."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from paths import EXAMPLES
from wide_floats import wide_floats

import shapecheck
from shapecheck.verification.reference import Functions
from shapecheck.verification.reference.compile import QUICK

# What runs once is compiled fast, and not to be fast.
once = partial(jax.jit, compiler_options=QUICK)

# The seven segments of a digital clock, as slices of a field of 20 x 12, and which of them make 0 to 9.
SEGMENTS = [
    (slice(0, 3), slice(0, 12)),
    (slice(0, 11), slice(9, 12)),
    (slice(9, 20), slice(9, 12)),
    (slice(17, 20), slice(0, 12)),
    (slice(9, 20), slice(0, 3)),
    (slice(0, 11), slice(0, 3)),
    (slice(9, 11), slice(0, 12)),
]
LIT = ["012345", "12", "01346", "01236", "1256", "02356", "023456", "012", "0123456", "012356"]


def digits(count: int, seed: int) -> tuple[jax.Array, jax.Array]:
    """Return pictures [count, 1, 32, 32] of digits at random places amid noise, and which digits they are."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, count)
    pictures = random.normal(0, 0.3, (count, 1, 32, 32))
    for picture, label in zip(pictures, labels, strict=True):
        top, left = random.integers(3, 9), random.integers(7, 13)
        for segment in LIT[label]:
            rows, columns = SEGMENTS[int(segment)]
            picture[0, top : top + 20, left : left + 12][rows, columns] = 1
    return jnp.asarray(pictures, jnp.float32), jnp.asarray(labels)


def loads(layers: str, shape: str = "[4, 3, 6, 6]", **values: Any) -> shapecheck.Network:
    return shapecheck.loads(f"shapecheck: 1\ninputs: {{x: {shape}}}\nlayers:\n{layers}", **values)


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1))


def train(params: Any, loss: Any, batches: list[Any], rate: float) -> tuple[Any, list[float]]:
    """Return the parameters after a step of gradient descent with momentum on each batch, and the losses."""

    @jax.jit
    def step(params: Any, speed: Any, batch: Any) -> Any:
        value, slopes = jax.value_and_grad(loss)(params, *batch)
        speed = jax.tree.map(lambda v, g: 0.9 * v + g, speed, slopes)
        return jax.tree.map(lambda p, v: p - rate * v, params, speed), speed, value

    speed, losses = {name: jnp.zeros_like(value) for name, value in params.items()}, []
    for batch in batches:
        params, speed, value = step(params, speed, batch)
        losses.append(float(value))
    return params, losses


@pytest.mark.slow
def test_lenet_learns_digits() -> None:
    init, apply = shapecheck.build(shapecheck.load(EXAMPLES / "lenet5.net.yaml", N=32))
    pictures, labels = digits(512, seed=1)
    unseen, answers = digits(32, seed=2)

    def loss(params: Any, batch: jax.Array, wanted: jax.Array) -> jax.Array:
        return cross_entropy(apply(params, batch), wanted)

    @jax.jit
    def accuracy(params: Any) -> jax.Array:
        return jnp.mean(jnp.argmax(apply(params, unseen), 1) == answers)

    first = once(init)(jax.random.key(0))
    batches = [(pictures[at : at + 32], labels[at : at + 32]) for at in range(0, 512, 32)]
    params, losses = train(first, loss, batches * 8, rate=0.03)
    assert losses[0] == pytest.approx(np.log(10), abs=0.5), "a fresh network knows nothing, and is not sure of it"
    assert np.mean(losses[-8:]) < 0.1 * losses[0]
    assert accuracy(first) < 0.4
    assert accuracy(params) > 0.9


def test_the_autoencoder_learns_to_give_back() -> None:
    init, apply = shapecheck.build(shapecheck.load(EXAMPLES / "autoencoder.net.yaml", N=16, H=29, W=28, width=4))
    pictures = digits(16, seed=3)[0][:, :, 2:31, 2:30]

    def loss(params: Any) -> jax.Array:
        return jnp.mean(jnp.square(apply(params, pictures) - pictures))

    _, losses = train(once(init)(jax.random.key(1)), loss, [()] * 150, rate=0.1)
    assert losses[-1] < 0.3 * losses[0]
    assert losses[-1] < 0.7 * float(jnp.var(pictures)), "nearly half of it is noise, which nobody can give back"


@pytest.mark.slow
def test_lenet_is_what_one_writes_by_hand() -> None:
    init, apply = shapecheck.build(shapecheck.load(EXAMPLES / "lenet5.net.yaml", N=3))
    params = once(init)(jax.random.key(7))
    params = {name: value + 0.01 * (1 + i) for i, (name, value) in enumerate(params.items())}  # biases count too

    def convolved(x: jax.Array, name: str) -> jax.Array:
        size = x.shape[2] - 4
        windows = jnp.stack([x[:, :, r : r + size, c : c + size] for r in range(5) for c in range(5)], 2)
        kernel = params[f"{name}.kernel"].reshape(*params[f"{name}.kernel"].shape[:2], 25)
        return jnp.einsum("nctrs,oct->nors", windows, kernel) + params[f"{name}.bias"][:, None, None]

    def pooled(x: jax.Array) -> jax.Array:
        return (x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]) / 4

    def forward(x: jax.Array) -> jax.Array:
        x = pooled(jnp.tanh(convolved(x, "c1")))
        x = pooled(jnp.tanh(convolved(x, "c3"))).reshape(3, 400)
        for name in ("c5", "f6"):
            x = jnp.tanh(x @ params[f"{name}.kernel"] + params[f"{name}.bias"])
        return x @ params["digits.kernel"] + params["digits.bias"]

    pictures, _ = digits(3, seed=4)
    with jax.default_matmul_precision("highest"):
        np.testing.assert_allclose(once(apply)(params, pictures), once(forward)(pictures), rtol=1e-4, atol=1e-5)


SMOOTH = """
  - {name: c, op: conv, out_channels: 4, kernel_size: 3, stride: 2, padding: 1, groups: 1}
  - {name: n, op: batch_norm}
  - {op: tanh}
  - {name: up, op: conv_transpose, transpose_of: c, out_channels: 2}
  - {name: g, op: group_norm, num_groups: 2}
  - {op: gelu}
  - {op: global_avg_pool, keep_dims: false}
  - {name: y, op: linear, out_features: 2}
"""


def test_gradients_are_the_slopes_of_the_loss() -> None:
    with wide_floats():
        network = shapecheck.loads(
            f"shapecheck: 1\ninputs: {{x: {{shape: [2, 3, 5, 5], dtype: float64}}}}\nlayers:{SMOOTH}"
        )
        init, apply = shapecheck.build(network)
        x = jax.random.normal(jax.random.key(1), (2, 3, 5, 5), jnp.float64)
        params = once(init)(jax.random.key(0))
        params = {name: value + 0.1 for name, value in params.items()}

        def loss(params: Any) -> jax.Array:
            return jnp.sum(jnp.sin(apply(params, x) + 1))

        slopes, height = once(jax.grad(loss))(params), once(loss)
        assert set(slopes) == {f"{a}.{b}" for a in ("c", "up", "y") for b in ("kernel", "bias")} | {
            f"{a}.{b}" for a in ("n", "g") for b in ("scale", "shift")
        }
        directions = np.random.default_rng(2)
        for name, value in params.items():
            # A direction in which every element takes part.
            along = directions.standard_normal(value.shape)
            there, back = ({**params, name: value + e * along} for e in (1e-5, -1e-5))
            slope = (height(there) - height(back)) / 2e-5
            np.testing.assert_allclose(np.vdot(slopes[name], along), slope, rtol=1e-6, atol=1e-9, err_msg=name)


def spreads(layers: str, shape: str) -> dict[str, float]:
    init, _ = shapecheck.build(loads(layers, shape))
    return {name: float(jnp.std(value)) for name, value in once(init)(jax.random.key(0)).items() if "kernel" in name}


def test_first_values_keep_the_size_of_what_flows() -> None:
    found = spreads(
        """
  - {name: a, op: conv, out_channels: 64, kernel_size: 3, bias: false}
  - {op: batch_norm}
  - {op: relu}
  - {name: b, op: conv, out_channels: 64, kernel_size: 3, groups: 4}
  - {op: tanh}
  - {name: up, op: conv_transpose, out_channels: 32, kernel_size: 4, stride: 2}
  - {op: max_pool, kernel_size: 2}
  - {op: relu}
  - {op: global_avg_pool, keep_dims: false}
  - {name: y, op: linear, out_features: 400}""",
        "[1, 50, 9, 9]",
    )
    wanted = {"a": 2 / (50 * 9), "b": 1 / (16 * 9), "up": 2 / (64 * 16 / 4), "y": 1 / 32}
    assert found == {f"{name}.kernel": pytest.approx(variance**0.5, rel=0.03) for name, variance in wanted.items()}


def test_keys_draw_and_can_be_mapped() -> None:
    init, apply = shapecheck.build(loads("  - {name: y, op: linear, out_features: 5}\n", "[2, 3]"))
    many = once(jax.vmap(init))(jax.random.split(jax.random.key(0), 4))
    assert many["y.kernel"].shape == (4, 3, 5)
    assert len(np.unique(many["y.kernel"])) == 60
    out = once(jax.vmap(apply, (0, None)))(many, jnp.ones((2, 3)))
    assert out.shape == (4, 2, 5)
    eager, compiled = (function(jax.random.key(3))["y.kernel"] for function in (init, once(init)))
    np.testing.assert_allclose(eager, compiled, rtol=1e-5)


def test_dropout_drops_only_with_a_key() -> None:
    _, apply = shapecheck.build(
        loads("  - {name: d, op: dropout, p: 0.25}\n  - {name: e, op: dropout, p: 0}\n", "[1, 40000]")
    )
    x = jnp.full((1, 40000), 3.0)
    np.testing.assert_array_equal(apply({}, x), x)
    dropped = jax.jit(lambda key: apply({}, x, key=key))(jax.random.key(0))
    np.testing.assert_allclose(np.unique(dropped), [0, 4])
    assert float(jnp.mean(dropped == 0)) == pytest.approx(0.25, abs=0.01)
    assert not np.array_equal(dropped, apply({}, x, key=jax.random.key(1)))
    np.testing.assert_array_equal(dropped, apply({}, x, key=jax.random.key(0)))


def test_every_dropout_draws_its_own_numbers() -> None:
    network = loads(
        "  - {name: a, op: dropout, from: x}\n  - {name: b, op: dropout, from: x}\n"
        "  - {name: c, op: dropout, p: 1, from: x}\noutputs: {a: a, b: b, c: c}\n",
        "[1, 1000]",
    )
    _, apply = shapecheck.build(network)
    found = apply({}, jnp.ones((1, 1000)), key=jax.random.key(0))
    assert list(found) == ["a", "b", "c"]
    assert 400 < int(jnp.sum(found["a"] != found["b"])) < 600
    assert not jnp.any(found["c"])


def test_batch_norm_normalises_by_the_batch_or_by_what_it_is_given() -> None:
    init, apply = shapecheck.build(loads("  - {name: d, op: dropout}\n  - {name: n, op: batch_norm}\n"))
    params = init(jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (4, 3, 6, 6)) * jnp.array([1.0, 2, 3])[:, None, None] + 5
    normalised, moments = once(apply), once(apply.statistics)
    found = moments(params, x)
    assert set(found) == {"n.mean", "n.variance"}
    np.testing.assert_allclose(found["n.mean"], np.mean(x, (0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(found["n.variance"], np.var(x, (0, 2, 3)), rtol=1e-4)
    by_batch = normalised(params, x)
    np.testing.assert_allclose(np.mean(by_batch, (0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(np.var(by_batch, (0, 2, 3)), 1, rtol=1e-3)
    np.testing.assert_allclose(normalised(params, x, statistics=found), by_batch, atol=1e-5)
    other = {"n.mean": jnp.array([5.0, 4, 5]), "n.variance": jnp.array([4.0, 4, 9])}
    np.testing.assert_allclose(
        normalised(params, x, statistics=other),
        (x - other["n.mean"][:, None, None]) / np.sqrt(other["n.variance"][:, None, None] + 1e-5),
        rtol=1e-4,
        atol=1e-5,
    )
    assert float(moments(params, x, key=jax.random.key(2))["n.variance"][0]) > 10, "half of 10 s are zeroed"
    with pytest.raises(ValueError, match=r"^the statistic n.mean is missing$"):
        apply(params, x, statistics={})


TWO = "shapecheck: 1\ninputs: {a: [2, 3], b: [2, 3]}\nlayers: [{name: d, op: subtract, from: [a, b]}]\n"


def test_several_inputs_go_by_name_or_by_place() -> None:
    _, apply = shapecheck.build(shapecheck.loads(TWO))
    a, b = jnp.ones((2, 3)), jnp.zeros((2, 3))
    for inputs in ((a, b), [a, b], {"b": b, "a": a}):
        np.testing.assert_array_equal(apply({}, inputs), a)
    with pytest.raises(ValueError, match=r"^the network reads a and b, but was given 1 array$"):
        apply({}, a)
    with pytest.raises(ValueError, match=r"^the network has no input c; it reads a, b$"):
        apply({}, {"a": a, "c": b})
    with pytest.raises(ValueError, match=r"^the input b is missing$"):
        apply({}, {"a": a})


def test_what_does_not_fit_is_named() -> None:
    init, apply = shapecheck.build(loads("  - {name: y, op: linear, out_features: 5}\n", "[2, 3]"))
    params = init(jax.random.key(0))
    with pytest.raises(ValueError, match=r"^the input x is float32\[3, 3\], but the network reads float32\[2, 3\]$"):
        apply(params, jnp.ones((3, 3)))
    with pytest.raises(ValueError, match=r"^the parameter y.bias is missing$"):
        apply({"y.kernel": params["y.kernel"]}, jnp.ones((2, 3)))
    with pytest.raises(ValueError, match=r"^the parameter y.kernel is \[5, 3\], but the network has \[3, 5\]$"):
        apply({**params, "y.kernel": params["y.kernel"].T}, jnp.ones((2, 3)))


def test_a_network_that_cannot_be_built_says_why() -> None:
    advice = r"<string>: x: N has no size; give every dimension a size: load\(path, N=...\)$"
    with pytest.raises(ValueError, match=advice):
        shapecheck.build(loads("  - {op: relu}\n", "[N, 3]"))
    with pytest.raises(shapecheck.NetworkError, match="SC204 c: "):
        shapecheck.build(loads("  - {name: c, op: conv, out_channels: 1, kernel_size: 7}\n"))


def test_a_build_that_is_not_what_was_checked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from shapecheck.verification.reference import BUILDERS

    pool = BUILDERS["max_pool"]
    monkeypatch.setitem(BUILDERS, "max_pool", lambda call: pool(call)[:, :, 1:])
    with pytest.raises(ValueError, match="refuted: 1 of 1 layer disagrees"):
        shapecheck.build(loads("  - {name: p, op: max_pool, kernel_size: 2}\n"))


@pytest.mark.slow
def test_parameters_do_not_depend_on_the_batch() -> None:
    path = EXAMPLES / "lenet5.net.yaml"
    (init, many), (_, one) = (shapecheck.build(shapecheck.load(path, N=n)) for n in (4, 1))
    params = once(init)(jax.random.key(0))
    pictures, _ = digits(4, seed=5)
    np.testing.assert_allclose(once(many)(params, pictures)[:1], once(one)(params, pictures[:1]), rtol=1e-4, atol=1e-5)


def test_the_pair_is_typed_and_importing_the_package_loads_no_jax() -> None:
    made = shapecheck.build(loads("  - {op: relu}\n"))
    assert isinstance(made, Functions) and made == (made.init, made.apply)
    assert shapecheck.Functions is Functions
    code = "import sys, shapecheck; shapecheck.build; print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
