"""Rules on keys and their values: of codes SC0xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.findings.finding import Finding
from shapecheck.rules.base import reported


@reported("SC007")
def duplicate_key(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A mapping gives one key twice. Most readers keep the last one without a word.

    ## What it does

    Reports every key that stands twice in one mapping, at every level of the file, and where it stood
    first.

    ## Why it matters

    `padding: 2, stride: 1, padding: 0` is a layer with padding 0 for PyYAML. On 64 x 64 pictures a 5 x 5
    convolution then makes 60 x 60 where 64 x 64 was meant, and the first padding still stands there for
    people to read.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    layers:
      - op: conv
        out_channels: 16
        kernel_size: 5
        padding: 2
        stride: 1
        padding: 0  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    layers:
      - op: conv
        out_channels: 16
        kernel_size: 5
        padding: 2
        stride: 1
    ```

    ## Instead

    Remove one of the two. What was read so far used the first.

    ## Source

    YAML 1.2.2, section 3.2.1.1: mapping keys are unique. https://github.com/yaml/pyyaml/issues/165
    """
    return finding


@reported("SC008")
def unknown_key(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A key that the language does not have at this place.

    ## What it does

    Reports each key that is not one of those which this op, block, input or dimension takes, with the
    nearest one that is.

    ## Why it matters

    A loader that takes what it knows reads `strides: 2` as no stride at all. The layer keeps its size with
    stride 1, the network costs four times the multiply-adds from there on, and nothing fails.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    layers:
      - {op: conv, out_channels: 32, kernel_size: 3, strides: 2, padding: 1}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    layers:
      - {op: conv, out_channels: 32, kernel_size: 3, stride: 2, padding: 1}
    ```

    ## Instead

    Write the key that the help names. The layer reference lists the keys of every op.

    ## Source

    The language reference, "Ops".
    """
    return finding


@reported("SC009")
def missing_key(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A key that is required at this place is not there.

    ## What it does

    Reports an op without a key that has no default, a layer without `op` or `block`, and a file without
    `shapecheck`, `inputs` or `layers`. A key that is there under a misspelt name is not reported again as
    missing.

    ## Why it matters

    There is no channel count or kernel size that would be right by default. A number that a tool makes up
    is a network that nobody wrote.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 8}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3}
    ```

    ## Instead

    Add the key that the message names; the help says what it means.

    ## Source

    The language reference, "Ops": a key without a default is required.
    """
    return finding


@reported("SC010")
def wrong_type(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A mapping, a list or a single value stands where another of the three belongs.

    ## What it does

    Reports a list under `params`, a mapping under `layers`, an input that is no list of sizes, a layer that
    is a bare word, a list or mapping that is empty where it must not be, and a YAML tag such as
    `!!python/object`.

    ## Why it matters

    `layers: {a: {...}, b: {...}}` has no order that YAML promises, and "the layer above" would mean
    whatever the parser made of it.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      look: {op: conv, out_channels: 8, kernel_size: 3}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {name: look, op: conv, out_channels: 8, kernel_size: 3}
    ```

    ## Instead

    Write a list as `- ...` lines or in `[...]`, a mapping as `key: value` lines or in `{...}`.

    ## Source

    The language reference, "Top level". YAML 1.2.2, section 3.2.2.1: the order of a mapping's keys means
    nothing.
    """
    return finding


@reported("SC011")
def wrong_value(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A value is not of the kind that its key takes: no whole number, too small, an unknown word.

    ## What it does

    Reads each value as its key asks for it, and says what was expected and what was found. An expression is
    judged by its value, which is shown.

    ## Why it matters

    Squeeze-and-excitation divides the channels by a reduction of 16. With 4 channels `4 // 16` is 0, and
    PyTorch stops at the first forward pass: "expected weight to be at least 1 at dimension 0, but got
    weight of size [0, 4, 1, 1]".

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    params: {channels: 4, reduction: 16}
    inputs: {features: [N, =channels, 16, 16]}
    layers:
      - {op: conv, out_channels: =channels // reduction, kernel_size: 1}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    params: {channels: 4, reduction: 16}
    inputs: {features: [N, =channels, 16, 16]}
    layers:
      - {op: conv, out_channels: "=max(1, channels // reduction)", kernel_size: 1}
    ```

    ## Instead

    Write a value of the kind that the message names. Whole numbers are plain decimal; `8.0` and `"8"` are
    none. `//` rounds down.

    ## Source

    https://github.com/qubvel-org/segmentation_models.pytorch/issues/982
    """
    return finding


@reported("SC012")
def contradicting_keys(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Two keys of one layer answer the same question, or exclude each other.

    ## What it does

    Reports `output_padding` beside `output_size` or `transpose_of`; a kernel, stride, padding or dilation
    that differs from that of the convolution which `transpose_of` names; `size` beside `scale_factor` or
    `like`; `cropping` beside `like`; and `op` beside `block`.

    ## Why it matters

    Where two keys fix one size, one of them is not obeyed. With i′ = 16, k = 3, s = 2, p = 1,
    `output_padding: 0` makes 31 and `output_size: 32` asks for 32; which of the two a framework follows is
    its secret.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 8, 16, 16]}
    layers:
      - op: conv_transpose
        out_channels: 4
        kernel_size: 3
        stride: 2
        padding: 1
        output_padding: 0
        output_size: 32  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 8, 16, 16]}
    layers:
      - op: conv_transpose
        out_channels: 4
        kernel_size: 4
        stride: 2
        padding: 1
        output_size: 32
    ```

    ## Instead

    Keep the key that says what is meant. `transpose_of` is the one that stays right when the input's size
    changes.

    ## Source

    Dumoulin and Visin, section 4.6, Relationship 14: o′ = s(i′ − 1) + a + k − 2p. Once o′ is given, a
    follows.
    """
    return finding


@reported("SC013")
def unknown_op(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """An op that the language does not have.

    ## What it does

    Reports the word, with the nearest op that exists.

    ## Why it matters

    Each library has words of its own: Keras says `MaxPooling2D`, ONNX `MaxPool`, PyTorch `MaxPool2d`. A
    layer that is skipped because its word is not known leaves a network of which every shape may fit, and
    which is another network.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    layers:
      - {op: MaxPooling2D, kernel_size: 2}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    layers:
      - {op: max_pool, kernel_size: 2}
    ```

    ## Instead

    Write the op that the help names. One op serves 1, 2 and 3 spatial axes; their number comes from the
    input.

    ## Source

    The language reference, "Ops".
    """
    return finding
