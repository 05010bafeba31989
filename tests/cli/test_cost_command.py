"""``verify --cost``, ``--fit``, ``--dtype``, ``--batch``: what the compiler knows, against measuring every batch."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import click
import pytest
from amounts import sampled
from click.testing import CliRunner
from texts import check_text

from shapecheck import loads, verify
from shapecheck.cache.codec import decode, encode
from shapecheck.cli.main import main
from shapecheck.findings.checked import Report
from shapecheck.output import renderer
from shapecheck.output.cost_text import cost_lines
from shapecheck.output.verification_text import sentence
from shapecheck.text import show_bytes
from shapecheck.verification import Plan, Verification, crosscheck
from shapecheck.verification.fit import fit_of
from shapecheck.verification.memory_amount import parse_amount
from shapecheck.verification.records.compiler_cost import CompilerCost, Fit, Unavailable
from shapecheck.verification.reference.compiled_cost import on_device, training

NETWORK = """
shapecheck: 1
name: tiny
inputs: {x: [N, 2, 12, 12]}
dims: {N: DIM}
layers:
  - {op: conv, out_channels: 4, kernel_size: 3, padding: 1}
  - {op: relu}
  - {op: flatten}
  - {name: head, op: linear, out_features: 5EXPECT}
"""


def network(dim: str = "3", expect: str = "") -> str:
    return NETWORK.replace("DIM", dim).replace("EXPECT", expect)


def numbered(batch: int = 3, expect: str = "") -> str:
    return network(expect=expect).replace("dims: {N: 3}\n", "").replace("[N,", f"[{batch},")


def run(text: str, folder: Path, *options: str) -> tuple[int, str]:
    """The command, with the process that it starts."""
    path = folder / "tiny.net.yaml"
    path.write_text(text, encoding="utf-8")
    arguments = ["verify", str(path), "--device", "cpu", "--no-cache", *options]
    result = CliRunner().invoke(main, arguments, standalone_mode=False)
    if isinstance(result.exception, click.UsageError):
        return result.exception.exit_code, result.exception.format_message()
    assert result.exception is None, result.exception
    return int(result.return_value), result.stdout


def verified(text: str, **plan: Any) -> Report:
    """What the command finds, within this process."""
    report = check_text(text, "tiny.net.yaml")
    report.verification = crosscheck.verify(report, Plan(device="cpu", **plan))
    return report


def shown(report: Report, output_format: str) -> str:
    stream = io.StringIO()
    renderer(output_format).render([report], stream)
    return stream.getvalue()


def held(batch: int) -> int:
    made = loads(network(str(batch)))
    with on_device(made, "cpu") as platform:
        found = training(made, "momentum", platform).held
    assert found is not None
    return found


@pytest.fixture(scope="module")
def every_batch() -> dict[int, int]:
    return {batch: held(batch) for batch in range(1, 8)}


def fit(text: str, room: int, batch: int | None = None) -> Fit | Unavailable:
    made = loads(text) if batch is None else loads(text, N=batch)
    return fit_of(made, Plan(device="cpu", optimizer="momentum", fit=room))


@pytest.mark.parametrize("batch", sampled([1, 6], 2))
def test_the_largest_batch_is_that_of_trying_every_one(every_batch: dict[int, int], batch: int) -> None:
    assert sorted(every_batch.values()) == list(every_batch.values())
    for asked in (every_batch[3], every_batch[6] - 1):
        found = fit(network(), asked, batch)
        assert isinstance(found, Fit)
        fitting = [n for n, amount in every_batch.items() if amount <= asked]
        assert found.largest == (max(fitting), every_batch[max(fitting)])
        assert found.exceeds == (max(fitting) + 1, every_batch[max(fitting) + 1])
        assert found.fits == (every_batch[batch] <= asked) and found.held == every_batch[batch]
        assert found.closed and found.rising and len(found.measured) <= 8


def test_where_nothing_fits(every_batch: dict[int, int]) -> None:
    found = fit(network(), every_batch[1] - 1)
    assert isinstance(found, Fit) and not found.fits and found.largest is None and found.exceeds is not None
    assert found.exceeds == (1, every_batch[1])
    assert "no batch fits: the smallest, N = 1 holds 1 bytes too much" in "\n".join(cost_lines(found))


@pytest.mark.slow
def test_the_batch_is_bound_by_what_is_promised(every_batch: dict[int, int]) -> None:
    found = fit(network("{size: 2, accepts: {sizes: [2, 4, 6]}}"), every_batch[7])
    assert isinstance(found, Fit) and found.largest is not None
    assert found.largest.batch == 6 and found.exceeds is None and found.closed
    assert str(found.bound).startswith("accepts promises ")
    found = fit(network("{size: 2, accepts: {sizes: [2, 4, 6]}}"), every_batch[5])
    assert isinstance(found, Fit) and found.largest is not None and found.exceeds is not None
    assert (found.largest.batch, found.exceeds.batch) == (4, 6)


@pytest.mark.slow
def test_a_batch_that_is_a_number(every_batch: dict[int, int]) -> None:
    found = fit(numbered(), every_batch[7])
    assert isinstance(found, Fit) and found.largest == (7, every_batch[7]) and found.name == "batch"
    held_to_it = fit(numbered(expect=", expect: [3, 5]"), every_batch[7])
    assert isinstance(held_to_it, Fit) and held_to_it.largest == (3, every_batch[3]) and held_to_it.exceeds is None
    assert held_to_it.bound == "the network works where batch == 3 (head)"


def test_batches_that_work_are_found_by_trying_where_no_formula_says_which(every_batch: dict[int, int]) -> None:
    text = (
        "shapecheck: 1\nname: odd\ninputs: {x: [4, 6, 8]}\nlayers:\n  - {op: reshape, shape: [2, -1, 32]}\n"
        "  - {op: linear, out_features: 9}\n"
    )
    made = loads(text)
    found = fit_of(made, Plan(device="cpu", fit=20_000))
    assert isinstance(found, Fit) and found.closed and found.largest is not None and found.exceeds is not None
    assert found.largest.batch % 4 == 0 and found.exceeds.batch == found.largest.batch + 4
    assert found.largest.held <= 20_000 < found.exceeds.held


def test_inputs_without_a_batch_fit_or_do_not() -> None:
    text = (
        "shapecheck: 1\nname: two\ninputs: {x: [2, 6], y: [3, 6]}\nlayers: [{op: linear, from: x, out_features: 4}]\n"
    )
    found = fit(text, 10**6)
    assert isinstance(found, Fit) and found.fits and found.largest is None
    assert found.open is not None and "first axis is 2 in x, 3 in y" in found.open
    assert "not known" in cost_lines(found)[1]


def test_the_command_tells_cost_and_fit(tmp_path: Path) -> None:
    options = ("--cost", "--fit", "1GiB", "--optimizer", "adam", "--batch", "2", "--output-format", "json")
    code, out = run(network(), tmp_path, *options)
    assert code == 0
    (file,) = json.loads(out)["files"]
    cost, fits = file["verification"]["cost"], file["verification"]["fit"]
    assert cost["multiply_adds"] == 2 * 4 * 12 * 12 * 2 * 9 + 2 * 5 * 576
    # On an axis of 12, 3 taps at 12 places, of which the first and the last read padding.
    assert cost["on_padding"] == 2 * 4 * 2 * (12 * 12 * 9 - (12 * 3 - 2) ** 2)
    assert cost["same"] == 2 and cost["differing"] == []
    assert cost["forward"]["argument"] == 4 * (2 * 2 * 144 + 4 * 18 + 4 + 576 * 5 + 5)
    assert fits["fits"] is True and fits["batch"] == 2 and fits["optimizer"] == "adam"
    assert fits["largest"]["batch"] + 1 == fits["exceeds"]["batch"]


def test_the_command_fails_where_nothing_fits(tmp_path: Path) -> None:
    code, out = run(network(), tmp_path, "--fit", "1KiB")
    assert code == 1
    assert "but a training step of sgd at N = 3 does not fit into 1.00 KiB" in out


@pytest.mark.slow
def test_another_dtype_and_another_batch() -> None:
    def argument(**plan: Any) -> int:
        found = verified(network(), cost=True, **plan).verification
        assert found is not None and found.verdict == "proved" and isinstance(found.cost, CompilerCost)
        assert found.cost.dtype == (plan.get("dtype") or "float32")
        return found.cost.training.argument or 0

    whole = argument()
    assert argument(dtype="bfloat16") * 2 == argument(dtype="float16") * 2 == whole
    assert argument(batch=7) - whole == 4 * (7 - 3) * 2 * 144


def test_the_python_interface_asks_the_same() -> None:
    found = verify(loads(numbered()), device="cpu", fit="1KiB", optimizer="momentum", dtype="bfloat16", batch=2)
    assert isinstance(found.fit, Fit) and found.verdict == "refuted" and found.result == "proved"
    assert (found.fit.room, found.fit.batch, found.fit.dtype, found.fit.optimizer) == (1024, 2, "bfloat16", "momentum")
    with pytest.raises(ValueError, match="'lion' is none of sgd"):
        verify(loads(numbered()), optimizer="lion")  # type: ignore[arg-type]


def test_what_does_not_fit_passes_in_no_format() -> None:
    report = verified(network(), fit=2**10)
    for output_format, said in (("github", "::error"), ("junit", 'type="refuted"'), ("sarif", '"level": "error"')):
        assert said in shown(report, output_format), output_format
    assert "does not fit into 1.00 KiB" in shown(report, "markdown")


def test_a_network_that_is_refuted_has_no_cost() -> None:
    report = verified(network().replace("kernel_size: 3, padding: 1", "kernel_size: 15"), cost=True, fit=2**30)
    assert report.verification is not None and report.verification.result == "refuted"
    assert report.verification.cost == Unavailable("cost", "the network was refuted")
    assert report.verification.fit == Unavailable("fit", "the network was refuted")


def test_a_batch_that_the_network_contradicts() -> None:
    report = verified(numbered(expect=", expect: [3, 5]"), batch=8)
    assert report.verification is not None
    said = "not checked: the network does not take a batch of 8: head: the output is [8, 5]"
    assert sentence(report.verification).startswith(said)
    again = verified(numbered(), batch=8).verification
    assert again is not None and again.verdict == "proved"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--fit", "100"), "is no amount of memory"),
        (("--fit", "0GiB"), "is no memory at all"),
        (("--fit", "-1GiB"), "is no amount of memory"),
        (("--batch", "0"), "not in the range"),
        (("--dtype", "int8"), "is not one of"),
        (("--optimizer", "adam"), "give it with --cost or --fit"),
    ],
)
def test_misuse_is_told(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    code, message = run(network(), tmp_path, *options)
    assert code == 2 and said in message


def test_a_network_without_a_batch_takes_no_other(tmp_path: Path) -> None:
    text = (
        "shapecheck: 1\nname: two\ninputs: {x: [2, 6], y: [3, 6]}\nlayers: [{op: linear, from: x, out_features: 4}]\n"
    )
    code, message = run(text, tmp_path, "--batch", "4")
    assert code == 2 and "the inputs have no batch in common" in message


def test_amounts() -> None:
    assert parse_amount("16GiB") == 16 * 2**30 and parse_amount(" 24 gb") == 24 * 10**9
    assert parse_amount("1.5MiB") == 3 * 2**19 and parse_amount("80TB") == 80 * 10**12
    assert show_bytes(parse_amount("16GiB")) == "16.00 GiB"


def test_the_records_pass_through_json() -> None:
    found = fit(network(), 2**20)
    told = Verification(
        "compile", "cpu", "proved", 1, (), (), {}, 0.0, fit=found, cost=Unavailable("cost", "no device")
    )
    again = decode(Verification, json.loads(json.dumps(encode(told))))
    assert again == told and again.verdict == "not_checked"
    assert "cost: not known: no device" in sentence(again)
