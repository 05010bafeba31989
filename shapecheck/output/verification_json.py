"""What a cross-check found, as JSON has it."""

from __future__ import annotations

import math
from typing import Any

from shapecheck.verification import LevelOutcome, Verification
from shapecheck.verification.records.compiler_cost import CompiledFigures, CompilerCost, Fit, Unavailable
from shapecheck.verification.records.number_comparison import NumberComparison
from shapecheck.verification.records.partition import Partition, PartitionPass
from shapecheck.verification.records.training_run import TrainingRun


def verification_json(found: Verification) -> dict[str, Any]:
    """Return an outcome as the interface has it; a part that was not asked for is null."""
    return {
        "level": found.level,
        "backend": found.backend,
        "result": found.result,
        "layers": {
            "agree": found.agree,
            "disagree": len(found.disagreements),
            "not_checked": len(found.not_checked),
        },
        "disagreements": [
            {"layer": d.layer, "propagated": _list(d.propagated), "witnessed": _list(d.built), "reason": d.reason}
            for d in found.disagreements
        ],
        "not_checked": [{"layer": n.layer, "reason": n.reason} for n in found.not_checked],
        "dims": found.dims,
        "levels": [_level(outcome) for outcome in found.levels],
        "cached": found.cached,
        "lowered_for": found.lowered_for,
        "stopped": found.stopped,
        "run": None if found.run is None else run_json(found.run),
        "numbers": None if found.numbers is None else numbers_json(found.numbers),
        "mesh": None if found.mesh is None else mesh_json(found.mesh),
        "cost": None if found.cost is None else cost_json(found.cost),
        "fit": None if found.fit is None else fit_json(found.fit),
    }


def _list(shape: tuple[int, ...] | None) -> list[int] | None:
    return None if shape is None else list(shape)


def _level(outcome: LevelOutcome) -> dict[str, Any]:
    return {**outcome._asdict(), "seconds": round(outcome.seconds, 3)}


def run_json(run: TrainingRun) -> dict[str, Any]:
    """Return what a training step on random numbers showed."""
    return {
        "draws": run.draws,
        "layers": run.layers,
        "parameters": run.parameters,
        "reached": run.reached,
        "not_finite": None if run.not_finite is None else run.not_finite._asdict(),
        "without_gradient": [
            {**lost._asdict(), "parameters": list(lost.parameters), "layers": list(lost.layers)} for lost in run.lost
        ],
        "cancelled": [{"parameter": name, "by": norm} for name, norm in run.cancelled],
        "dropout": "off" if run.dropout else None,
        "forward_only": run.forward_only,
    }


def numbers_json(compared: NumberComparison) -> dict[str, Any]:
    """Return how the numbers of two devices compare; a difference that is null is infinite."""
    differing = [{**each._asdict(), "difference": _finite(each.difference)} for each in compared.differing]
    found = {**compared._asdict(), "closest": _finite(compared.closest), "differing": differing}
    return {**found, "result": compared.result}


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def mesh_json(found: Partition) -> dict[str, Any]:
    """Return the outcome for a mesh. Bytes and flops are those of one device."""
    return {
        "axes": found.mesh,
        "devices": found.devices,
        "level": found.level,
        "result": found.result,
        "reason": found.reason,
        "note": found.note,
        "refused": [{**refusal._asdict(), "layer": refusal.layer or ""} for refusal in found.refusals],
        "argument_bytes": found.argument,
        "passes": [_pass(one) for one in found.passes],
        "layers": [
            {
                "layer": split.layer,
                "shape": list(split.shape),
                "split": [list(axes) for axes in split.split],
                "uneven_axes": list(split.uneven),
                "repeated_over": list(split.repeated),
            }
            for split in found.splits
        ],
        "unpadded": list(found.unpadded),
        "seconds": round(found.seconds, 3),
    }


def _pass(one: PartitionPass) -> dict[str, Any]:
    return {
        "pass": one.name,
        "one_device": _of_device(one.whole),
        "each_device": _of_device(one.each),
        "speed_up": one.speed_up,
        "collectives": one.collectives,
        "exchanges": [
            {**exchange._asdict(), "axes": None if exchange.axes is None else list(exchange.axes)}
            for exchange in one.exchanges
        ],
    }


def _of_device(figures: CompiledFigures) -> dict[str, Any]:
    return {
        "flops": figures.flops,
        "argument_bytes": figures.argument,
        "output_bytes": figures.output,
        "temporary_bytes": figures.temporary,
    }


def _unavailable(found: Unavailable) -> dict[str, Any]:
    return {"status": "not_known", "reason": found.reason}


def cost_json(cost: CompilerCost | Unavailable) -> dict[str, Any]:
    """Return what the compiler knows of cost; null is not known."""
    if isinstance(cost, Unavailable):
        return _unavailable(cost)
    size = cost.parameter_bytes
    return {
        "status": "known",
        "backend": cost.backend,
        "dtype": cost.dtype,
        "itemsize": cost.itemsize,
        "optimizer": cost.optimizer,
        "slots": cost.slots,
        "parameters": cost.parameters,
        "multiply_adds": cost.multiply_adds,
        "on_padding": cost.on_padding,
        "activations": cost.activations,
        "same": cost.same,
        "differing": [d._asdict() for d in cost.differing],
        "beside": None if cost.other is None else [one._asdict() for one in cost.other],
        "optimised": cost.optimised,
        "largest": [d._asdict() for d in cost.largest],
        "forward": _figures(cost.forward),
        "training": _figures(cost.training),
        "counted_flops": cost.counted,
        "ratio": cost.ratio,
        "counted_bytes": {
            "parameters": size,
            "gradients": size,
            "slots": cost.slots * size,
            "outputs": cost.activation_bytes,
        },
    }


def _figures(figures: CompiledFigures) -> dict[str, Any]:
    return {**figures._asdict(), "held": figures.held}


def fit_json(fit: Fit | Unavailable) -> dict[str, Any]:
    """Return what fits into memory."""
    if isinstance(fit, Unavailable):
        return _unavailable(fit)
    return {
        "status": "known",
        "fits": fit.fits,
        **fit._asdict(),
        "largest": None if fit.largest is None else fit.largest._asdict(),
        "exceeds": None if fit.exceeds is None else fit.exceeds._asdict(),
        "measured": [m._asdict() for m in fit.measured],
        "seconds": round(fit.seconds, 3),
    }
