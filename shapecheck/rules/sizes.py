"""Rules on every input size at once: codes SC5xx."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from shapecheck.analysis.ambiguity import resolve
from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.analysis.quasi import value
from shapecheck.analysis.remainders import Varying, varying
from shapecheck.analysis.size_set import EVERYTHING, SizeSet, TooLarge, cyclic
from shapecheck.analysis.sizes import Analysis, Cause, Sizes, analyse
from shapecheck.diagnostics import Finding, Related, Severity
from shapecheck.rules.base import reported
from shapecheck.rules.shapes import unsized
from shapecheck.shape import channel_axis
from shapecheck.spec.network import Network

# Above this many layers the sizes are looked at only where the file promises some.
LARGEST_NETWORK = 5_000


@reported("SC501")
def promise_broken(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The file promises, by accepts, sizes at which the network does not work.

    ## What it does

    Finds, without trying sizes one by one, every size of each named dimension at which all layers fit, and
    compares them with what `accepts` promises. The first promised size that does not work is named, the
    layer that refuses it, and the widest promise that would be true.

    ## Why it matters

    A U-Net on a ResNet-34 encoder works at 640 x 960 and fails at 160 x 240: "Certain image sizes seem to
    work, certain don't. Any ideas?" A size that no test tries fails at the first user who has it.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims:
      H: {size: 64, accepts: {min: 32, max: 128}}  # here
    layers:
      - {op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {op: concat, from: [image, up]}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims:
      H: {size: 64, accepts: {min: 32, max: 128, multiple_of: 2}}
    layers:
      - {op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {op: concat, from: [image, up]}
    ```

    ## Instead

    Promise what the help says is true, or make the network follow its input: `like` on an upsample,
    `transpose_of` on a transposed convolution.

    ## Source

    https://github.com/qubvel-org/segmentation_models.pytorch/issues/57
    """
    return finding


@reported("SC502", Severity.INFO)
def promise_too_narrow(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The network works at more sizes than the file promises by accepts.

    ## What it does

    Notes the first size between `min` and `max` that works and that `accepts` does not promise. A list of
    `sizes` is left alone: it says which are tried, not which work.

    ## Why it matters

    Pictures are padded to a multiple of 32 where the network needs a multiple of 8: up to 31 rows are
    computed in place of up to 7.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims:
      H: {size: 64, accepts: {multiple_of: 32}}  # here
    layers:
      - {op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {op: concat, from: [image, up]}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims:
      H: {size: 64, accepts: {multiple_of: 2}}
    layers:
      - {op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {op: concat, from: [image, up]}
    ```

    ## Instead

    Promise all that works, unless the narrower promise has a reason of its own.

    ## Source

    The language reference, "Top level": dims.
    """
    return finding


@reported("SC503")
def no_size_works(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """There is no size of a dimension at which the network works.

    ## What it does

    Reports a named dimension whose conditions contradict each other, though each can be met by itself.

    ## Why it matters

    With the size left open each layer passes: H even for the one skip, H odd for the other. Every size that
    is tried fails at one of two layers, by turns.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}  # here
    layers:
      - {name: down, op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {name: even, op: concat, from: [image, up]}
      - {name: grown, op: pad, padding: [[0, 1], [0, 0]], from: image}
      - {name: down2, op: max_pool, kernel_size: 2}
      - {name: up2, op: upsample, scale_factor: 2}
      - {name: odd, op: concat, from: [grown, up2]}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims:
      H: {accepts: {multiple_of: 2}}
    layers:
      - {name: down, op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {name: even, op: concat, from: [image, up]}
      - {name: grown, op: pad, padding: [[0, 2], [0, 0]], from: image}
      - {name: down2, op: max_pool, kernel_size: 2}
      - {name: up2, op: upsample, scale_factor: 2}
      - {name: odd, op: concat, from: [grown, up2]}
    ```

    ## Instead

    Look at the layers that are named: one of their conditions has to go. `shapecheck sizes` prints them
    all.

    ## Source

    Dumoulin and Visin, chapter 2: axes do not interact, so each dimension is a question of its own.
    """
    return finding


@reported("SC504", Severity.INFO)
def neighbour_works(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The size given for a dimension does not work, but a neighbour does.

    ## What it does

    Where the network fails at its own size, notes the nearest sizes below and above at which it works. It
    stands beside the error of the layer that does not fit.

    ## Why it matters

    700 x 700 fails in a U-Net of depth 4. Knowing that 688 and 704 work saves the rest of the search:
    resize the pictures, or pad 4 rows.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims: {H: 65}  # here
    layers:
      - {op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {op: concat, from: [image, up]}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims:
      H: {size: 64, accepts: {multiple_of: 2}}
    layers:
      - {op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {op: concat, from: [image, up]}
    ```

    ## Instead

    Feed one of the sizes, or mend the layer that the error names.

    ## Source

    https://github.com/bigmb/Unet-Segmentation-Pytorch-Nest-of-Unets/issues/52
    """
    return finding


@reported("SC505", Severity.INFO)
def bounded_above(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Only finitely many sizes of a dimension work.

    ## What it does

    Notes a dimension of which no size beyond some bound works, and the sizes that do. Usually a flatten in
    front of a linear layer with a given number of features.

    ## Why it matters

    ResNet-50 with its pooling replaced by a flatten to 2,048 features takes pictures of 193 to 224 rows: 32
    sizes give a 7 x 7 map, and the next one does not. Such a network cannot be used on larger pictures, and
    nothing in it says so.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [1, 8, H, 4]}
    dims: {H: 16}  # here
    layers:
      - {op: max_pool, kernel_size: 2}
      - {op: flatten}
      - {op: linear, in_features: 128, out_features: 10}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 8, H, 4]}
    dims: {H: 16}
    layers:
      - {op: max_pool, kernel_size: 2, padding: 1}
      - {op: global_avg_pool, keep_dims: false}
      - {op: linear, in_features: 8, out_features: 10}
    ```

    ## Instead

    Pool to one element (`global_avg_pool`) or to a fixed size (`adaptive_avg_pool`) in front of the linear
    layer, or state the sizes under `accepts`.

    ## Source

    Lin, Chen and Yan, Network in Network (arXiv:1312.4400), section 3.2: global average pooling.
    """
    return finding


@reported("SC506", Severity.INFO)
def sizes_not_decided(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Some condition on a dimension could not be decided for every size.

    ## What it does

    Notes a dimension for which the answer is partial: a layer has no exact form for every size, or the
    search ran out of its budget. The network was checked at the size which is given.

    ## Why it matters

    ⌊1.4 · 45⌋ is 63, and in floating point 62.99..., so 62: what a framework makes of such a factor is no
    rule that holds for every size. An answer that hides this would promise too much.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims: {H: 45}  # here
    layers:
      - {op: upsample, scale_factor: 1.4}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims: {H: 45}
    layers:
      - {op: upsample, scale_factor: 1.5}
    ```

    ## Instead

    Use a ratio that binary fractions hold, such as 1.5, or `size` or `like` in place of `scale_factor`.

    ## Source

    https://github.com/pytorch/pytorch/issues/71877
    """
    return finding


@reported("SC507", Severity.INFO)
def valid_sizes(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The sizes of a dimension at which the network works, where that is not every size.

    ## What it does

    Notes the exact condition on a dimension that has no `accepts`. Dimensions with one condition are told
    together.

    ## Why it matters

    The condition is part of the network and stands in no line of it: multiples of 16 for a padded U-Net of
    depth 4, 188 and every 16th size from there for the U-Net of 2015.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims: {H: 64}  # here
    layers:
      - {op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {op: concat, from: [image, up]}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims:
      H: {size: 64, accepts: {multiple_of: 2}}
    layers:
      - {op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {op: concat, from: [image, up]}
    ```

    ## Instead

    Write the condition down as a promise under `accepts`: it is then checked, and the note is gone.
    `shapecheck sizes` says which layer is the cause of each part.

    ## Source

    Dumoulin and Visin, chapter 2. Ronneberger, Fischer and Brox, U-Net (arXiv:1505.04597), section 2.
    """
    return finding


def size_findings(shapes: Shapes) -> Iterator[Finding]:
    """Return what is worth knowing of the valid sizes of each named dimension of a network that could be read."""
    network = shapes.network
    named = [dim for dim in network.dims.values() if any(dim.name in node.dims for node in network.inputs)]
    if not named or (len(network.nodes) > LARGEST_NETWORK and all(dim.accepts is None for dim in named)):
        return
    if shapes.troubles:
        ambiguity = resolve(shapes)
        # Where an output_padding mends everything, another input size would be the wrong advice.
        if ambiguity is None or ambiguity.shapes.troubles:
            yield from _neighbours(network, analyse(network))
        return
    analysis = analyse(network)
    told = unsized(shapes)  # dimension-without-size says it of these
    for dim in named:
        found = analysis.dims[dim.name]
        if found.unresolved:
            if dim.name not in told:
                yield _undecided(network, found)
        elif found.set.empty:
            if any(cause.constant for cause in found.causes):
                # What holds at no size of any dimension is a mistake of its own, told where it is.
                continue
            yield _at(network, found, "no-size-works", f"no size of {dim.name} works", _why(network, found.causes[:3]))
        elif dim.accepts is not None:
            yield from _promise(network, found, dim.accepts)
    yield from _notes(network, [analysis.dims[dim.name] for dim in named if dim.accepts is None])


def _at(
    network: Network, found: Sizes, rule: str, message: str, related: tuple[Related, ...] = (), help: str | None = None
) -> Finding:
    return Finding(rule, message, network.dims[found.name].span, None, help, related)


def _why(network: Network, causes: list[Cause]) -> tuple[Related, ...]:
    return tuple(
        Related(f"{cause.layer} needs {cause.allows.condition}: {cause.message}", network.nodes[cause.node].source.span)
        for cause in causes
    )


def _neighbours(network: Network, analysis: Analysis) -> Iterator[Finding]:
    for found in analysis.dims.values():
        if found.given is None or found.set.empty or found.given in found or found.unresolved:
            continue
        if any(
            channel_axis(len(n.dims), network.channels_last) == n.dims.index(found.name)
            for n in network.inputs
            if found.name in n.dims
        ):
            # Channels are no size that a writer would change to make a network fit.
            continue
        below, above = found.set.nearest(found.given)
        near = " and ".join(str(n) for n in (below, above) if n is not None)
        yield _at(
            network,
            found,
            "neighbour-works",
            f"{found.name} = {found.given} does not work; the nearest that {'do are' if ' and ' in near else 'does is'}"
            f" {near}: {found.condition}",
        )


def _undecided(network: Network, found: Sizes) -> Finding:
    more = f", and {len(found.unresolved) - 1} more" if len(found.unresolved) > 1 else ""
    return _at(
        network,
        found,
        "sizes-not-decided",
        f"which sizes of {found.name} work was not decided in full: {found.unresolved[0]}{more}; as far as it was:"
        f" {found.condition}",
    )


def accepted(name: str, accepts: Any) -> SizeSet:
    """Return the sizes that ``accepts`` promises."""
    listed = accepts.get("sizes")
    if listed is not None:
        return SizeSet(name, 1, 0, extra=listed)
    multiple = accepts.get("multiple_of", 1)
    periodic = cyclic(0, 1, multiple) if multiple > 1 else EVERYTHING
    return SizeSet(name, accepts.get("min", 1), accepts.get("max"), periodic)


def _promise(network: Network, found: Sizes, accepts: Any) -> Iterator[Finding]:
    promised = accepted(found.name, accepts)
    wrong = promised.first_outside(found.set)
    if wrong is not None:
        varies = varying(network, found.name, _period_of(found, promised, wrong))
        if varies:
            yield from (_no_constant(promised, v) for v in varies)
        else:
            yield _broken(network, found, promised, wrong)
        return
    if accepts.get("sizes") is not None:
        return
    within = found.set.intersection(SizeSet(found.name, accepts.get("min", 1), accepts.get("max")))
    more = within.first_outside(promised)
    if more is not None:
        yield _at(
            network,
            found,
            "promise-too-narrow",
            f"{found.name} works at more sizes than accepts promises, {more} among them: {found.condition}",
        )


def _period_of(found: Sizes, promised: SizeSet, wrong: int) -> Iterator[int]:
    """Yield the promised sizes of one period around the first that does not work."""
    period = math.lcm(found.set.periodic.period, promised.periodic.period)
    first = promised.above(1)
    while first is not None and first < wrong and wrong - first > period:
        first = promised.above(first + period)
    n = first
    while n is not None and first is not None and n < max(first + period, wrong + 1):
        yield n
        n = promised.above(n + 1)


def _no_constant(promised: SizeSet, v: Varying) -> Finding:
    span = v.node.source.keys.get("output_padding", v.node.source.span)
    return Finding(
        "no-constant-output-padding",
        f"{v.node.name}: no output_padding serves all of {promised.condition} on {v.axis}: a = {v.table}",
        span,
        v.node.name,
        "write transpose_of, the convolution whose input this layer gives back: it follows the input at every size",
    )


def _broken(network: Network, found: Sizes, promised: SizeSet, wrong: int) -> Finding:
    name = found.name
    cause = next((c for c in found.causes if wrong not in c.allows), None)
    try:
        true = promised.intersection(found.set)
        widest = (
            "no size of those promised works"
            if true.empty
            else f"the widest promise that is true here: {true.condition}"
        )
    except TooLarge:
        widest = f"the sizes that work: {found.condition}"
    message = f"accepts promises {promised.condition}, but {name} = {wrong} does not work"
    related: tuple[Related, ...] = ()
    if cause is not None:
        numbers = f"{value(cause.question.left, name, wrong)} against {value(cause.question.right, name, wrong)}"
        message += f": {cause.layer} needs {cause.allows.condition}"
        related = (
            Related(f"at {name} = {wrong}: {cause.message}, which is {numbers}", network.nodes[cause.node].source.span),
        )
    return _at(network, found, "promise-broken", message, related, f"{widest}; all sizes that work: {found.condition}")


def _notes(network: Network, dims: list[Sizes]) -> Iterator[Finding]:
    """Note the valid sizes where they are not every size, dimensions with one condition together."""
    groups: dict[str, list[Sizes]] = {}
    for found in dims:
        if not found.set.every and not found.set.empty and not found.unresolved:
            groups.setdefault(found.condition.replace(found.name, "?"), []).append(found)
    for members in groups.values():
        first = members[0]
        alike = f"; {' and '.join(m.name for m in members[1:])} likewise" if len(members) > 1 else ""
        rule = "bounded-above" if first.set.bounded_above else "valid-sizes"
        only = "only " if first.set.bounded_above else ""
        yield _at(network, first, rule, f"{first.name} works {only}where {first.condition}{alike}")
