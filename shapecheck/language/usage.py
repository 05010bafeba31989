"""What a file declares and nobody uses: inputs, blocks, params, dimensions."""

from __future__ import annotations

from collections.abc import Mapping

from shapecheck.findings.finding import Finding
from shapecheck.graph.network import Dimension
from shapecheck.language.templates import FileTemplate, LayerTemplate
from shapecheck.language.values import Value


def unused(file: FileTemplate, placed: set[str], dims: Mapping[str, Dimension], read_inputs: set[str]) -> list[Finding]:
    """Return a finding for each declaration that has no effect.

    What stands in a block or in a layer that a ``when`` leaves out counts as used: other params may place it.
    """
    findings = []
    mentioned = {
        template.block.text for layers in _all_layers(file) for template in layers if template.block is not None
    }
    for name, block in file.blocks.items():
        if name not in placed and name not in mentioned:
            findings.append(
                Finding.of(
                    "unused-block",
                    f"no layer places the block {name}",
                    block.name.span,
                    None,
                    f"place it with block: {name}, or remove it",
                )
            )
    everywhere = {name for value in _file_values(file) for name in value.names}
    words = {
        item
        for value in _file_values(file)
        if isinstance(value.data, list)
        for item in value.data
        if isinstance(item, str)
    }
    for block in file.blocks.values():
        inside = {name for template in block.layers for value in template.values() for name in value.names}
        inside |= {name for default in block.params.values() if default is not None for name in default.names}
        for param, span in block.param_spans.items():
            if param not in inside:
                findings.append(
                    Finding.of(
                        "unused-param",
                        f"nothing in block {block.name.text} uses its param {param}",
                        span,
                        None,
                        "use it in =..., or remove it",
                    )
                )
        everywhere |= inside - set(block.params)
    for param, span in file.param_spans.items():
        if param not in everywhere:
            findings.append(
                Finding.of(
                    "unused-param", f"nothing uses the param {param}", span, None, "use it in =..., or remove it"
                )
            )
    for name, dim in dims.items():
        if name not in words and name not in everywhere:
            findings.append(
                Finding.of(
                    "unused-dimension",
                    f"no input has a dimension called {name}, and nothing else names it",
                    dim.span,
                    None,
                    "write it into the shape of an input, or remove it",
                )
            )
    findings += [
        Finding.of(
            "unused-input",
            f"nothing reads the input {template.name.text}",
            template.name.span,
            None,
            "read it with from:, or remove it",
        )
        for template in file.inputs
        if template.name.text not in read_inputs
    ]
    return findings


def _all_layers(file: FileTemplate) -> list[list[LayerTemplate]]:
    return [file.layers, *(block.layers for block in file.blocks.values())]


def _file_values(file: FileTemplate) -> list[Value]:
    values = [value for layers in _all_layers(file) for template in layers for value in template.values()]
    values += [template.shape for template in file.inputs]
    values += [dim.size for dim in file.dims.values() if dim.size is not None]
    values += list(file.params.values())
    values += [output.expect for output in file.outputs or [] if output.expect is not None]
    return values
