"""Rules on several devices: codes SC9xx."""

from __future__ import annotations

from collections.abc import Iterator

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.analysis.sharding import Uneven, uneven
from shapecheck.arithmetic.shape import axis_name, show
from shapecheck.findings.finding import Finding, Related, Severity
from shapecheck.graph.network import Sharding
from shapecheck.rules.base import checked, reported


@reported("SC901")
def unknown_mesh_axis(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Something is to be split over an axis that the mesh of devices does not have.

    ## What it does

    Reports every word under `sharding` that stands for a mesh axis and is none of those under `mesh`, or of
    those that `--mesh` gives in their place.

    ## Why it matters

    JAX raises `Resource axis: batch ... is not found in mesh` once the devices of the job are there and the
    first array is placed.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    dims: {N: 16}
    sharding:
      mesh: {data: 8}
      dims: {N: date}  # here
    layers:
      - {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    dims: {N: 16}
    sharding:
      mesh: {data: 8}
      dims: {N: data}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
    ```

    ## Instead

    Write one of the axes of the mesh, or give the mesh that axis.

    ## Source

    JAX, `jax.sharding.NamedSharding`: every name in the PartitionSpec is an axis of the mesh.
    """
    return finding


@reported("SC902")
def mesh_axis_twice(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Two axes of one array are split over the same mesh axis.

    ## What it does

    Reports an input or an output that names a mesh axis for two of its axes, or twice for one.

    ## Why it matters

    A mesh axis of 8 devices cuts an array into 8 parts. Cut along two axes at once, 8 devices would hold 8 of
    64 parts, and 56 would be nowhere; JAX raises `A single NamedSharding spec specification can map every mesh
    axis to at most one positional dimension`.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, H, 64]}
    dims: {N: 16, H: 64}
    sharding:
      mesh: {data: 8}
      inputs: {image: [data, _, data, _]}  # here
    layers:
      - {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, H, 64]}
    dims: {N: 16, H: 64}
    sharding:
      mesh: {data: 8}
      inputs: {image: [data, _, _, _]}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
    ```

    ## Instead

    Leave one of the two whole, with `_`, or give the mesh a second axis: `mesh: {data: 4, model: 2}`.

    ## Source

    JAX, `jax.sharding.PartitionSpec`.
    """
    return finding


@reported("SC903", Severity.WARNING)
def unused_mesh_axis(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Nothing is split over an axis of the mesh: its devices all do the same work.

    ## What it does

    Notes each axis of the mesh in the file that no dimension, no channels and no output is split over.

    ## Why it matters

    `mesh: {data: 4, model: 2}` with the batch over `data` alone keeps eight devices busy and is as fast as four.
    Nothing fails, and nothing looks idle.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    dims: {N: 16}
    sharding:
      mesh: {data: 4, model: 2}  # here
      dims: {N: data}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    dims: {N: 16}
    sharding:
      mesh: {data: 4, model: 2}
      dims: {N: [data, model]}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
    ```

    ## Instead

    Split a dimension or `channels` over it, list it beside another for a dimension (`[data, model]`), or take it
    out of the mesh.

    ## Source

    JAX, `jax.sharding.NamedSharding`: what no PartitionSpec names is replicated.
    """
    return finding


@checked("SC904", Severity.ERROR)
def uneven_sharding(shapes: Shapes) -> Iterator[Finding]:
    """An input, or a layer's parameters, cannot be divided among the devices as `sharding` asks.

    ## What it does

    Divides each axis of an input, and the output channels of each layer's parameters, by the number of devices
    that it is split over, and reports a remainder: the size, the layer that it comes from, and the sizes nearby
    that divide. A dimension without a size is left alone.

    ## Why it matters

    The last batch of a data set is where it shows: 1,281,167 pictures in batches of 256 leave one of 143, which
    8 devices do not divide. JAX raises `One of jit arguments ... should be evenly divisible by 8` hours into the
    run.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}  # here
    dims: {N: 30}
    sharding:
      mesh: {data: 8}
      dims: {N: data}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    dims: {N: 32}
    sharding:
      mesh: {data: 8}
      dims: {N: data}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
    ```

    ## Instead

    Take a size that divides, or leave the array whole: `_` in `inputs`, and for parameters
    `layers: {head: {channels: _}}`.

    ## Source

    JAX, `jax.sharding.NamedSharding.shard_shape`, which raises on the same sizes.
    """
    sharding = shapes.network.sharding
    if sharding is not None:
        yield from (_refused(shapes, sharding, found) for found in uneven(shapes, sharding) if found.of != "output")
        yield from _lengths(shapes, sharding)


@checked("SC905", Severity.WARNING)
def uneven_shards(shapes: Shapes) -> Iterator[Finding]:
    """A feature map inside the network does not divide among the devices: XLA pads or gathers it, and says nothing.

    ## What it does

    Follows each split axis of the inputs through the layers and reports the first layer behind which its size
    is no multiple of the devices: how many elements each device then holds, and how many of them are padding.
    `shapecheck verify` asks XLA what it did with that very array.

    ## Why it matters

    Nothing fails. Each device computes the padding as well, masks it, and exchanges wider halos: 9 rows over 8
    devices are 2 rows a device, so that three of the eight hold nothing but padding, and the layer takes as long
    as one of 16 rows. Or XLA gathers the map, and every device computes all of it.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [8, 3, 64, 64]}
    sharding:
      mesh: {model: 4}
      inputs: {image: [_, _, model, _]}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 3, padding: [0, 1]}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [8, 3, 64, 64]}
    sharding:
      mesh: {model: 4}
      inputs: {image: [_, _, model, _]}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 3, padding: [1, 1]}
    ```

    ## Instead

    Choose an input size or a padding with which the axis divides all the way down, split it over fewer devices,
    or gather it where it has become small: `layers: {NAME: {output: [data, _, _, _]}}`.

    ## Source

    Measured with JAX 0.10: an uneven shard inside a jitted function raises nothing; shards are ⌈size / devices⌉.
    """
    sharding = shapes.network.sharding
    if sharding is not None:
        yield from (_padded(shapes, found) for found in uneven(shapes, sharding) if found.of == "output")


def _refused(shapes: Shapes, sharding: Sharding, found: Uneven) -> Finding:
    node = found.node
    what = f"the {found.size} {found.of} of its parameters" if found.axis is None else _axis(shapes, found)
    help = f"sizes nearby that divide: {_near(found)}"
    if found.axis is None:
        help += f"; or leave these parameters whole: layers: {{{node.name}: {{channels: _}}}} under sharding"
    return Finding(
        "uneven-sharding",
        f"{node.name}: {what} cannot be split over {_over(found)}: {_formula(found)}",
        node.source.span,
        node.name,
        help,
        _places(found),
    )


def _padded(shapes: Shapes, found: Uneven) -> Finding:
    each = -(-found.size // found.parts)
    waste = each * found.parts - found.size
    return Finding(
        "uneven-shards",
        f"{found.node.name}: {_axis(shapes, found)} does not divide over {_over(found)}: {_formula(found)};"
        f" in parts of {each}, {waste} of {each * found.parts} are padding",
        found.node.source.span,
        found.node.name,
        f"XLA pads such an axis, or gathers it, and says nothing; sizes nearby that divide: {_near(found)}",
        _places(found),
    )


def _axis(shapes: Shapes, found: Uneven) -> str:
    shape = shapes.outputs[found.node.index] or ()
    assert found.axis is not None
    return f"{axis_name(found.axis, len(shape), shapes.network.channels_last)} of size {found.size}"


def _over(found: Uneven) -> str:
    axes = found.split.axes
    return f"the {found.parts} devices of mesh {'axis' if len(axes) == 1 else 'axes'} {' and '.join(axes)}"


def _formula(found: Uneven) -> str:
    return f"{found.size} % {found.parts} = {found.size % found.parts}"


def _near(found: Uneven) -> str:
    below = found.size // found.parts * found.parts
    return f"{below} and {below + found.parts}" if below else str(found.parts)


def _places(found: Uneven) -> tuple[Related, ...]:
    places = []
    if found.origin is not found.node:
        places.append(Related(f"{found.origin.name} makes it {found.size}", found.origin.source.span))
    if found.split.span is not None:
        places.append(Related("split here", found.split.span))
    return tuple(places)


def _lengths(shapes: Shapes, sharding: Sharding) -> Iterator[Finding]:
    """Yield a finding for each output whose split lists another number of axes than it has."""
    for index, splits in sharding.outputs.items():
        node, shape = shapes.network.nodes[index], shapes.outputs[index]
        if shape is not None and len(shape) != len(splits):
            place = next((split.span for split in splits if split.span is not None), node.source.span)
            yield Finding(
                "wrong-number-of-axes",
                f"{node.name}: sharding lists {len(splits)} axes, but the output is {show(shape)}",
                place,
                node.name,
                "write a mesh axis or _ for each axis of the output",
            )
