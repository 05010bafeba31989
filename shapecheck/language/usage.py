"""What a file declares and nobody uses: inputs, blocks, params, dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shapecheck.findings.finding import Finding
from shapecheck.graph.network import Dimension
from shapecheck.language.templates import BlockTemplate, FileTemplate, LayerTemplate
from shapecheck.language.values import Value


def unused(file: FileTemplate, placed: set[str], dims: Mapping[str, Dimension], read_inputs: set[str]) -> list[Finding]:
    """Return a finding for each declaration that has no effect.

    What stands in a block or in a layer that a ``when`` leaves out counts as used: other params may place it.
    """
    named = {name for value in _file_values(file) for name in value.names}
    named |= {name for block in file.blocks.values() for name in _named_inside(block) - set(block.params)}
    return [
        *_blocks(file, placed),
        *(finding for block in file.blocks.values() for finding in _params_of(block)),
        *(
            Finding.of("unused-param", f"nothing uses the param {param}", span, None, "use it in =..., or remove it")
            for param, span in file.param_spans.items()
            if param not in named
        ),
        *_dims(file, dims, named),
        *(
            Finding.of(
                "unused-input",
                f"nothing reads the input {template.name.text}",
                template.name.span,
                None,
                "read it with from:, or remove it",
            )
            for template in file.inputs
            if template.name.text not in read_inputs
        ),
    ]


def _blocks(file: FileTemplate, placed: set[str]) -> Iterator[Finding]:
    """Yield a finding for each block that no layer places or may place."""
    mentioned = {layer.block.text for layers in _all_layers(file) for layer in layers if layer.block is not None}
    for name, block in file.blocks.items():
        if name not in placed and name not in mentioned:
            help = f"place it with block: {name}, or remove it"
            yield Finding.of("unused-block", f"no layer places the block {name}", block.name.span, None, help)


def _params_of(block: BlockTemplate) -> Iterator[Finding]:
    """Yield a finding for each param that nothing in its block names."""
    inside = _named_inside(block)
    for param, span in block.param_spans.items():
        if param not in inside:
            message = f"nothing in block {block.name.text} uses its param {param}"
            yield Finding.of("unused-param", message, span, None, "use it in =..., or remove it")


def _named_inside(block: BlockTemplate) -> set[str]:
    """Return the names in the expressions of a block's layers and of its params' defaults."""
    inside = {name for template in block.layers for value in template.values() for name in value.names}
    return inside | {name for default in block.params.values() if default is not None for name in default.names}


def _dims(file: FileTemplate, dims: Mapping[str, Dimension], named: set[str]) -> Iterator[Finding]:
    """Yield a finding for each dimension that stands in no shape and in no expression."""
    lists = (value.data for value in _file_values(file) if isinstance(value.data, list))
    words = {item for data in lists for item in data if isinstance(item, str)}
    for name, dim in dims.items():
        if name not in words and name not in named:
            yield Finding.of(
                "unused-dimension",
                f"no input has a dimension called {name}, and nothing else names it",
                dim.span,
                None,
                "write it into the shape of an input, or remove it",
            )


def _all_layers(file: FileTemplate) -> list[list[LayerTemplate]]:
    return [file.layers, *(block.layers for block in file.blocks.values())]


def _file_values(file: FileTemplate) -> list[Value]:
    values = [value for layers in _all_layers(file) for template in layers for value in template.values()]
    values += [template.shape for template in file.inputs]
    values += [dim.size for dim in file.dims.values() if dim.size is not None]
    values += list(file.params.values())
    values += [output.expect for output in file.outputs or [] if output.expect is not None]
    return values
