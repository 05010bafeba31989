"""Rules on transposed layers: codes SC3xx."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shapecheck.analysis.ambiguity import Ambiguity, AxisVerdict, Verdict, what_if
from shapecheck.analysis.blame import floored_axes
from shapecheck.analysis.propagation import Shapes, Trouble, propagate
from shapecheck.analysis.remainders import by_remainder
from shapecheck.analysis.solve import Blocked
from shapecheck.analysis.symmetry import pairs
from shapecheck.diagnostics import Finding, Fix, Related, Severity
from shapecheck.edits import add_key
from shapecheck.layers.convolution import ConvTranspose
from shapecheck.layers.pooling import MaxUnpool
from shapecheck.layers.window import Window
from shapecheck.rules.base import checked, reported
from shapecheck.rules.shapes import with_cause
from shapecheck.shape import show_sizes, spatial_name
from shapecheck.spec.network import Node


@reported("SC301")
def output_padding_out_of_range(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """output_padding is not smaller than the stride or the dilation."""
    return finding


@reported("SC302")
def ambiguous_transposed_size(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A transposed layer with stride s > 1 has s possible output sizes and nothing says which is meant."""
    return finding


@checked("SC303", Severity.WARNING)
def output_padding_at_least_stride(shapes: Shapes) -> Iterable[Finding]:
    """output_padding reaches the stride: legal in PyTorch under dilation, refused by Keras and by the guide."""
    for node in shapes.network.layers:
        if not isinstance(node.layer, ConvTranspose) or node.layer.output_padding is None:
            continue
        windows = shapes.windows(node)
        for j, w in enumerate(windows):
            if isinstance(w.a, int) and w.a >= w.s:
                yield Finding(
                    "output-padding-at-least-stride",
                    f"{node.name}: output_padding {w.a} on {spatial_name(j, len(windows))} is not smaller than stride {w.s}; only"
                    f" PyTorch allows it, because dilation {w.d} is larger",
                    node.source.keys.get("output_padding", node.source.span),
                    node.name,
                    f"a selects one of {w.s} sizes, 0 to {w.s - 1}; pad the output explicitly if more zeros are meant",
                )
                break


@reported("SC304")
def output_size_unreachable(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """No output_padding leads to the size that output_size, transpose_of or pool asks for."""
    return finding


@reported("SC305")
def transpose_of_not_a_convolution(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """transpose_of names something that is no conv."""
    return finding


@checked("SC306", Severity.ERROR)
def pair_broken(shapes: Shapes) -> Iterable[Finding]:
    """A decoder layer does not give back the size that the encoder layer it mirrors was given."""
    if not shapes.network.symmetry:
        return
    for pair in pairs(shapes):
        if (
            pair.decoder.index not in shapes.network.symmetry
            or pair.encoder_input is None
            or pair.decoder_output is None
        ):
            continue
        if pair.status != "broken":
            continue
        sizes_differ = pair.encoder_input != pair.decoder_output
        yield Finding(
            "pair-broken",
            f"{pair.decoder.name} is declared to mirror {pair.encoder.name}, but {pair.message}",
            pair.decoder.source.span,
            pair.decoder.name,
            f"write transpose_of: {pair.encoder.name} on {pair.decoder.name}, which takes all of it from there",
            (Related(f"{pair.encoder.name} takes {show_sizes(pair.encoder_input)}", pair.encoder.source.span),),
            severity=None if sizes_differ else Severity.WARNING,
        )


@checked("SC307", Severity.WARNING)
def uneven_overlap(shapes: Shapes) -> Iterable[Finding]:
    """A transposed layer's kernel is no multiple of its stride, so outputs get unequal numbers of contributions."""
    for node in shapes.network.layers:
        # The kernel of a layer with transpose_of is that of the convolution which it undoes.
        if not isinstance(node.layer, ConvTranspose) or node.layer.transpose_of is not None:
            continue
        windows = shapes.windows(node)
        uneven = [j for j, w in enumerate(windows) if w.s > 1 and w.k > 1 and w.k % w.s and w.d == 1]
        if not uneven:
            continue
        w = windows[uneven[0]]
        axes = " and ".join(spatial_name(j, len(windows)) for j in uneven)
        few, many = w.k // w.s, -(-w.k // w.s)
        yield Finding(
            "uneven-overlap",
            f"{node.name}: kernel_size {w.k} is no multiple of stride {w.s} on {axes}: an output gets {few} or {many} contributions"
            " by turns, which shows as a checkerboard",
            node.source.keys.get("kernel_size", node.source.span),
            node.name,
            _even_kernel(w),
        )


def _even_kernel(w: Window) -> str:
    """Return the smallest change that makes the kernel a multiple of the stride and keeps the output size."""
    k = -(-w.k // w.s) * w.s
    grown = k - w.k
    if w.form != "transposed" or not isinstance(w.a, int):
        return f"take kernel_size {k}"
    # s(i − 1) + a + k − 2p stays where a and 2p take up what k gains.
    for a in range(w.a, -1, -1):
        padded = w.before + w.after + grown - (w.a - a)
        if padded % 2 == 0:
            return f"kernel_size {k}, padding {padded // 2}, output_padding {a} gives the same size without it"
    return f"take kernel_size {k}, or upsample and convolve with stride 1"


@checked("SC308", Severity.WARNING)
def floored_padding(shapes: Shapes) -> Iterable[Finding]:
    """Padding is (kernel_size - stride) // 2 of an odd difference, so the output is one more than stride times input."""
    if shapes.troubles:
        return
    for node in shapes.network.layers:
        for axis, w in floored_axes(shapes, node):
            yield Finding(
                "floored-padding",
                f"{node.name}: padding {w.before} is half of kernel_size − stride = {w.k - w.s} rounded down, so {w.i} becomes"
                f" {w.o} = {w.s}·{w.i} + {w.k - w.s - 2 * w.before} on {axis}",
                node.source.keys.get("padding", node.source.span),
                node.name,
                f"padding {w.before + 1} with output_padding {w.k - w.s - 2 * w.before} gives {w.s}·{w.i} = {w.i * w.s}",
            )
            break


@checked("SC309", Severity.INFO)
def transposed_output_cropped(shapes: Shapes) -> Iterable[Finding]:
    """Padding is larger than kernel_size - 1, so the equivalent direct convolution has negative padding: it crops."""
    for node in shapes.network.layers:
        if not isinstance(node.layer, ConvTranspose):
            continue
        for j, w in enumerate(windows := shapes.windows(node)):
            widest = max(w.before, w.after)
            if w.form == "transposed" and widest > w.reach - 1:
                yield Finding(
                    "transposed-output-cropped",
                    f"{node.name}: padding {widest} on {spatial_name(j, len(windows))} exceeds kernel_size − 1 = {w.reach - 1}:"
                    f" p′ = k − p − 1 = {w.reach - 1 - widest}, so {widest - w.reach + 1} of the input is never used at that edge",
                    node.source.keys.get("padding", node.source.span),
                    node.name,
                    f"padding up to {w.reach - 1} uses the whole input; crop explicitly if cropping is meant",
                )
                break


@checked("SC310", Severity.WARNING)
def unpool_without_pool(shapes: Shapes) -> Iterable[Finding]:
    """max_unpool does not name the pooling that it undoes, so there are no indices to put the maxima back at."""
    for node in shapes.network.layers:
        if isinstance(node.layer, MaxUnpool) and node.layer.pool is None:
            yield Finding(
                "unpool-without-pool",
                f"{node.name}: max_unpool names no pool, so the places of the maxima and the size are not known",
                node.source.span,
                node.name,
                "write pool: LAYER, the max_pool that it undoes, in place of kernel_size, stride and padding",
            )


def ambiguous_findings(ambiguity: Ambiguity, shapes: Shapes) -> Iterator[Finding]:
    """Return a finding for every open layer that deserves one; ``shapes`` are those with a = 0."""
    gone = _consequences(ambiguity, shapes)
    gross = {blocked.demand for blocked in ambiguity.gross}
    last = {b.demand: v.node.index for v in ambiguity.verdicts for b in v.blocked}
    for verdict in ambiguity.verdicts:
        near = [b for b in verdict.blocked if b.demand not in gross and last[b.demand] == verdict.node.index]
        finding = _finding(verdict, near, shapes, gone)
        if finding is not None:
            yield finding._replace(fix=_fix(verdict, ambiguity))


def _consequences(ambiguity: Ambiguity, shapes: Shapes) -> list[Trouble]:
    """Return the rules that are broken with a = 0 and hold with what the network demands."""
    left = {(t.node, t.problem.rule) for t in ambiguity.shapes.troubles}
    return [t for t in shapes.troubles if (t.node, t.problem.rule) not in left]


def _finding(verdict: Verdict, near: list[Blocked], shapes: Shapes, gone: list[Trouble]) -> Finding | None:
    node = verdict.node
    axes = verdict.axes
    span = node.source.keys.get("stride", node.source.span)
    opening = f"{node.name}: {_sizes(axes)}"
    if near:
        finding = Finding("ambiguous-transposed-size", f"{opening}; {_miss(near[0], shapes)}", span, node.name)
        return _blamed(finding, shapes, near[0])
    wrong = [axis for axis in axes if axis.values and 0 not in axis.values and axis.status in ("unique", "several")]
    if wrong:
        demanded = _by_values(wrong)
        message = f"{opening}; shapes go on with a = 0, but the network demands {demanded}"
        finding = Finding("ambiguous-transposed-size", message, span, node.name, _mend(verdict, shapes))
        return _with_consequence(finding, shapes, gone)
    several = [axis for axis in axes if axis.status == "several"]
    if several:
        message = f"{opening}; {_by_values(several)} all fit, and the sizes differ"
        help = "say which is meant: output_padding, output_size, or transpose_of"
        return Finding("ambiguous-transposed-size", message, span, node.name, help, severity=Severity.WARNING)
    undecided = [axis for axis in axes if axis.status == "undecided"]
    if undecided:
        message = f"{opening}; which of them the network demands was not decided within the budget"
        return Finding(
            "ambiguous-transposed-size", message, span, node.name, "say it: output_padding", severity=Severity.INFO
        )
    if any(axis.status == "free" for axis in axes):
        message = f"{opening}; nothing in the network depends on it, so the choice is yours; shapes go on with a = 0, as in PyTorch"
        help = "write output_padding: 0 to say that it is meant, or transpose_of the layer that this one undoes"
        return Finding("ambiguous-transposed-size", message, span, node.name, help, severity=Severity.INFO)
    return None


def _sizes(axes: tuple[AxisVerdict, ...]) -> str:
    first = axes[0].window
    alike = all(axis.window[1:] == first[1:] for axis in axes)
    shown = axes[:1] if alike else axes
    names = " and ".join(axis.axis for axis in axes) if alike else ""
    parts = []
    for axis in shown:
        w = axis.window
        least = w.o - w.a
        kernel = f" + {w.reach}" if w.form == "transposed" else " + 1"
        padding = "" if w.form != "transposed" or not w.before + w.after else f" − {w.before + w.after}"
        parts.append(
            f"stride {w.s} leaves {w.s} sizes open on {names or axis.axis}, {_list([least + a for a in range(w.s)], 'or')}"
            f" ({w.s}·({w.i} − 1) + a{kernel}{padding})"
        )
    return "; ".join(parts)


def _list(values: list[object], word: str) -> str:
    texts = [str(value) for value in values]
    if len(texts) > 4:
        return f"{texts[0]} to {texts[-1]}"
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {word} {texts[-1]}"


def _by_values(axes: list[AxisVerdict]) -> str:
    groups: dict[tuple[int, ...], list[AxisVerdict]] = {}
    for axis in axes:
        groups.setdefault(axis.values, []).append(axis)
    parts = []
    for values, members in groups.items():
        sizes = _list([members[0].window.o + a for a in values], "or")
        parts.append(f"a = {_list(list(values), 'or')} on {' and '.join(m.axis for m in members)} (size {sizes})")
    return ", ".join(parts)


def _miss(blocked: Blocked, shapes: Shapes) -> str:
    at = shapes.network.nodes[blocked.demand.at]
    sizes = str(blocked.low) if blocked.low == blocked.high else f"{blocked.low} to {blocked.high}"
    return (
        f"none of them meets {at.name}, which needs {blocked.needed} where {sizes} can be had:"
        f" off by {blocked.distance} at best"
    )


def _blamed(finding: Finding, shapes: Shapes, blocked: Blocked) -> Finding:
    nodes = shapes.network.nodes
    at = nodes[blocked.demand.at]
    finding = finding._replace(related=(Related(f"{at.name} demands it", at.source.span),))
    if blocked.demand.right is None:
        return finding
    trouble = next((t for t in shapes.troubles if t.node == at.index and t.problem.axis is not None), None)
    if trouble is None or trouble.problem.axis is None:
        return finding
    return with_cause(finding, shapes, blocked.demand.right, blocked.demand.left, trouble.problem.axis)


def _with_consequence(finding: Finding, shapes: Shapes, gone: list[Trouble]) -> Finding:
    """Show where the wrong size comes to light, and the strided layer at which it was lost."""
    for trouble in gone[:1]:
        node = shapes.network.nodes[trouble.node]
        span = trouble.expectation.span if trouble.expectation is not None else node.source.span
        finding = finding._replace(related=(*finding.related, Related(f"{node.name}: {trouble.problem.message}", span)))
        ends = _ends(trouble, node)
        if ends is not None and trouble.problem.axis is not None:
            finding = with_cause(finding, shapes, *ends, trouble.problem.axis)
    return finding


def _ends(trouble: Trouble, node: Node) -> tuple[int, int] | None:
    if trouble.expectation is not None:
        return None if trouble.expectation.same_as is None else (trouble.expectation.same_as, node.index)
    if trouble.problem.against is None:
        return None
    return node.inputs[trouble.problem.against], node.inputs[trouble.problem.operand]


def _padding(verdict: Verdict, ambiguity: Ambiguity | None = None) -> str | None:
    """Return the output_padding that is demanded as it would be written, or None where it is not one value."""
    if any(axis.status not in ("unique", "free") for axis in verdict.axes):
        return None
    by_place = {axis.place: axis.values[0] if axis.status == "unique" else 0 for axis in verdict.axes}
    count = max(len(by_place), max(by_place) + 1)
    values = [by_place.get(place, 0) for place in range(count)]
    if ambiguity is not None:
        values += [0] * (len(ambiguity.shapes.windows(verdict.node)) - count)
    return str(values[0]) if len(set(values)) == 1 else str(values)


def _mend(verdict: Verdict, shapes: Shapes) -> str:
    padding = _padding(verdict)
    help = f"write output_padding: {padding}" if padding else "write the output_padding that is meant"
    table = by_remainder(shapes.network, verdict)
    if table:
        return (
            f"{help} for this size; but a depends on the input: {table}; transpose_of the encoder's layer is right at"
            " every size"
        )
    return f"{help}, or transpose_of the encoder's layer, which follows the input at every size"


def _fix(verdict: Verdict, ambiguity: Ambiguity) -> Fix | None:
    """Offer output_padding where one value is demanded, and it is the same for every copy of the layer."""
    node = verdict.node
    wanted = {_padding(v, ambiguity) for v in ambiguity.verdicts if v.node.source.span == node.source.span}
    mapping = node.source.mapping
    padding = wanted.pop() if len(wanted) == 1 else None
    if (
        padding is None
        or padding == "0"
        or mapping is None
        or node.layer is None
        or not isinstance(node.layer, ConvTranspose)
    ):
        return None
    copies = sum(1 for other in ambiguity.shapes.network.layers if other.source.span == node.source.span)
    if copies != sum(1 for v in ambiguity.verdicts if v.node.source.span == node.source.span):
        return None
    edit = add_key(mapping, "stride", "output_padding", padding)
    return None if edit is None else Fix(f"add output_padding: {padding}", "safe", (edit,))


def mended_by_padding(shapes: Shapes, findings: list[Finding]) -> list[Finding]:
    """Say at a size that differs which other output_padding of a layer above would mend it."""
    if not any(finding.rule in ("merge-mismatch", "expectation-differs") for finding in findings):
        return findings
    mend = what_if(shapes)
    if mend is None:
        return findings
    left = {t.node for t in propagate(shapes.network, mend.layers).troubles}
    nodes = shapes.network.nodes
    names = {nodes[t.node].name for t in shapes.troubles if t.node not in left}
    places = tuple(
        Related(
            f"output_padding {_written(padding)} here would mend it",
            nodes[i].source.keys.get("output_padding", nodes[i].source.span),
        )
        for i, padding in list(mend.padding.items())[:3]
    )
    wanted = ", ".join(f"{_written(padding)} on {nodes[i].name}" for i, padding in list(mend.padding.items())[:3])
    result = []
    for finding in findings:
        if finding.rule in ("merge-mismatch", "expectation-differs") and finding.layer in names:
            help = (
                f"output_padding {wanted} gives the size that is asked for; or transpose_of, which follows the input at"
                " every size"
            )
            finding = finding._replace(related=(*finding.related, *places), help=help)
        result.append(finding)
    return result


def _written(padding: tuple[int, ...]) -> str:
    return str(padding[0]) if len(set(padding)) == 1 else str(list(padding))
