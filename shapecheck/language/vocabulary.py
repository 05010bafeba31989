"""The keys of the language outside the ops, with their documentation: for reading, the schema and the reference."""

from __future__ import annotations

import re

LANGUAGE_VERSION = 1
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
ANY_SIZE = "_"

TOP_KEYS = {
    "shapecheck": "Language version: 1. Required.",
    "name": "Name of the network, free text.",
    "doc": "What the network is, free text.",
    "layout": "channels_first (default) or channels_last: where the channel axis of every feature map stands.",
    "params": "Named numbers or lists of numbers, usable in =...; --set NAME=VALUE overrides one.",
    "inputs": "The inputs: name to shape. A shape lists numbers (exact), names of dimensions (may vary) and =....",
    "dims": "What is known of the named dimensions: name to size, or to {size, accepts}.",
    "blocks": "Pieces of network used more than once: name to {params, inputs, layers, output}.",
    "layers": "The layers, in order.",
    "outputs": "A list of layers, or name to layer, or name to {from, expect, same_shape_as}. "
    "Default: every layer that nothing reads.",
    "symmetry": "Decoder layer to the encoder layer that it mirrors.",
    "sharding": "How arrays are split over several devices: the mesh, and what is split over its axes.",
}
LAYER_KEYS = {
    "name": "Name of the layer, unique in its scope; by default the op and a number.",
    "op": "What the layer does.",
    "from": "The layer or layers that it reads; by default the one above.",
    "expect": "The output shape that the writer believes in: numbers, names of dimensions, =..., _ for any.",
    "same_shape_as": "An input or layer whose shape the output must equal.",
    "when": "Leaves the layer out where false; its readers then read what it would have read.",
}
BLOCK_LAYER_KEYS = {
    "block": "The block that is placed here.",
    "with": "Values for the block's params.",
    "repeat": "How many copies are chained, 0 or more; index counts them from 0.",
}
BLOCK_KEYS = {
    "params": "The block's params with their defaults; null where the caller must give one.",
    "inputs": "Names for what the block is given, in the order of from; by default one, called input.",
    "layers": "The block's layers.",
    "output": "The layer whose output is the block's; by default the last.",
    "doc": "What the block is, free text.",
}
INPUT_KEYS = {"shape": "The shape.", "dtype": "The element type; float32 by default."}
DIM_KEYS = {
    "size": "The size at which shapes are shown and compiled.",
    "accepts": "The sizes that the file promises to work.",
}
ACCEPTS_KEYS = {
    "min": "Smallest promised size.",
    "max": "Largest promised size.",
    "multiple_of": "Promised sizes are multiples of this.",
    "sizes": "The promised sizes, one by one.",
}
SHARDING_KEYS = {
    "mesh": "The mesh of devices: axis to size; its product is the number of devices. --mesh overrides it.",
    "dims": "Dimension to mesh axis, or to a list of them: every input axis that is this dimension is split. "
    "--shard NAME=AXIS says the same.",
    "inputs": "Input to a list with a mesh axis, a list of them, or _ for each axis; overrides dims.",
    "channels": "The mesh axis over which the output channels of every layer's parameters are split. "
    "--shard channels=AXIS says the same.",
    "layers": "What is otherwise for a layer, or for all that is in a block: name to {channels, output}.",
}
LAYER_SHARDING_KEYS = {
    "channels": "The mesh axis over which the output channels of these parameters are split; _ for none.",
    "output": "What the output is split over: a list with a mesh axis, a list of them, or _ for each axis.",
}
OUTPUT_KEYS = {"from": "The layer.", "expect": LAYER_KEYS["expect"], "same_shape_as": LAYER_KEYS["same_shape_as"]}
DTYPES = ("float32", "float16", "bfloat16", "float64", "int32", "int64", "int8", "uint8", "bool")
