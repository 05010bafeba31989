"""Rules on the text of a file: codes SC0xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.diagnostics import Finding, Severity
from shapecheck.rules.base import reported


@reported("SC001")
def unreadable_file(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    r"""The file cannot be opened, is a folder, is not UTF-8, or holds bytes that no text has.

    ## What it does

    Reads the file as UTF-8 text, with or without a byte order mark. A byte that is not UTF-8 is shown with
    its value, its line and its column; so is a control character other than tab and line break, the usual
    sign of a binary file.

    ## Why it matters

    An editor that saves in Latin-1 turns the é of a layer's name into one byte, 0xe9. A reader that guesses
    the encoding finds another name on another machine, and `from:` no longer finds its layer.

    ## An example that fails

    ```bytes fails line=2
    b"shapecheck: 1\nname: caf\xe9\ninputs: {image: [N, 3, 32, 32]}\nlayers: [{op: relu}]\n"
    ```

    ## An example that passes

    ```bytes passes
    b"shapecheck: 1\nname: caf\xc3\xa9\ninputs: {image: [N, 3, 32, 32]}\nlayers: [{op: relu}]\n"
    ```

    ## Instead

    Save the file as UTF-8. Where a folder is meant, give it to `shapecheck check`, which searches it for
    `*.net.yaml`.

    ## Source

    YAML 1.2.2, section 5.2, "Character Encodings"; UTF-8 alone is read here.
    """
    return finding


@reported("SC002")
def yaml_syntax(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The text is not YAML, or holds more than one document.

    ## What it does

    Reports the first place at which the YAML parser cannot go on, where the list, mapping or text began
    that is still open there, and, for an expression without quotes inside `{...}` or `[...]`, the quotes
    that it needs.

    ## Why it matters

    YAML ends a value at a comma or a bracket inside `{...}`: `{channels: =widths[index]}` is cut at
    `=widths`, and what follows is no YAML. A second document behind `---` would be left out without a word
    by a reader that takes the first.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    params: {widths: [16, 32]}
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: =widths[0], kernel_size: 3}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    params: {widths: [16, 32]}
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: "=widths[0]", kernel_size: 3}
    ```

    ## Instead

    Quote an expression that holds a comma or a bracket, or write the layer in block style, one key a line.
    Indent with spaces. Put a second network into a file of its own.

    ## Source

    YAML 1.2.2, section 7.3.3, "Plain Style", and section 7.4, "Flow Collection Styles".
    """
    return finding


@reported("SC003")
def empty_file(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """There is nothing in the file.

    ## What it does

    Reports a file without a value: no text, blank lines, or comments alone.

    ## Why it matters

    An empty file is what a failed download, a full disk or an interrupted script leaves behind. It has no
    layer that could be wrong, so a check that let it pass would call 0 of 0 layers right.

    ## An example that fails

    ```yaml fails
    # A small network, to be written.  # here
    ```

    ## An example that passes

    ```yaml passes
    # A small network, to be written.
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers: [{op: relu}]
    ```

    ## Instead

    Write at least the keys `shapecheck`, `inputs` and `layers`, or leave the file out of the check.

    ## Source

    The language reference, "Top level".
    """
    return finding


@reported("SC004")
def file_too_large(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The file has more bytes than `limits.file_bytes` allows.

    ## What it does

    Compares the file's size with `limits.file_bytes`, 64,000,000 by default, before anything of it is read.

    ## Why it matters

    A network file that people or scripts write has some kilobytes; with 100,000 layers written out one by
    one it has 8 MB. Ten times that is a weight file under a wrong name, and reading it would take the
    memory of the machine that checks.

    ## An example that fails

    ```yaml fails limits.file_bytes=80
    shapecheck: 1  # here
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3}
    ```

    ## An example that passes

    ```yaml passes limits.file_bytes=80
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers: [{op: relu}]
    ```

    ## Instead

    Write what repeats as a block with `repeat`. If the file is meant to be that large, raise the limit in
    `shapecheck.toml` or `pyproject.toml`.

    ## Source

    The configuration reference, "limits".
    """
    return finding


@reported("SC005")
def nesting_too_deep(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Lists and mappings stand inside each other deeper than `limits.nesting` allows.

    ## What it does

    Counts how many lists and mappings are open at one place and stops at `limits.nesting`, 64 by default.

    ## Why it matters

    The deepest place that the language knows is at level 7. A file of 100,000 opening brackets is 100 kB
    small, and exhausts the stack of every parser that recurses: the process ends without a message.

    ## An example that fails

    ```yaml fails limits.nesting=6
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: [[[[3]]]]}  # here
    ```

    ## An example that passes

    ```yaml passes limits.nesting=6
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: [3, 3]}
    ```

    ## Instead

    Take the brackets away that say nothing. A kernel of one size on every axis is one number.

    ## Source

    Common Weakness Enumeration 674, "Uncontrolled Recursion".
    """
    return finding


@reported("SC006")
def alias_expansion(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The file's aliases expand to more values than `limits.nodes` allows, or an alias holds itself.

    ## What it does

    Counts how many values the file has once every alias `*name` is replaced by what its anchor `&name`
    marks, without replacing any, and compares the number with `limits.nodes`, 10,000,000 by default. An
    alias inside its own anchor has no end.

    ## Why it matters

    Each line of ten aliases multiplies by ten: nine such lines stand for 10⁹ values. Whatever walks the
    file, a checker, a converter, a training script, runs out of memory over half a kilobyte of text.

    ## An example that fails

    ```yaml fails limits.nodes=100
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    params:
      a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
      b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]  # here
    layers: [{op: relu}]
    ```

    ## An example that passes

    ```yaml passes limits.nodes=100
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - &look {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      - *look
      - *look
    ```

    ## Instead

    Give what repeats a name under `blocks` and place it with `repeat`.

    ## Source

    Common Weakness Enumeration 776, the billion laughs attack.
    """
    return finding


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


@reported("SC014")
def unknown_version(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The file's language version is not one that this release reads.

    ## What it does

    Compares `shapecheck:` with the versions that this release knows: the number 1.

    ## Why it matters

    A later version may give a key another default. Reading its file by the rules of an older one would
    report shapes that the network does not have.

    ## An example that fails

    ```yaml fails
    shapecheck: 2  # here
    inputs: {image: [N, 3, 32, 32]}
    layers: [{op: relu}]
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers: [{op: relu}]
    ```

    ## Instead

    Write `shapecheck: 1`, without quotes, or use a release that reads the file's version.

    ## Source

    The language reference, "Top level".
    """
    return finding


@reported("SC015")
def bad_expression(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The arithmetic behind = cannot be read, holds something that is not allowed, or has no value.

    ## What it does

    Reports an expression that does not parse, an operator or call that expressions do not have, a division
    by zero, an index outside its list, and a comparison whose answer depends on a dimension without a size.
    The mark stands where it happens.

    ## Why it matters

    Files come from other people. An expression that could call or import would run their program; one that
    could raise to a power would run out of memory at `9 ** 9 ** 9`. What is allowed is bounded: numbers,
    lists, `+ - * // %`, comparisons, `and or not`, `a if c else b`, `min`, `max`, `list[index]`.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    params: {width: 64}
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: =width / 2, kernel_size: 3}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    params: {width: 64}
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: =width // 2, kernel_size: 3}
    ```

    ## Instead

    Divide with `//`, which rounds down; round up with `(a + b - 1) // b`. Python 2 did the first where 3D
    ResNets meant the second: ceil(112 / 32) became 3 instead of 4, and the classifier was given 2,048
    features for its 512.

    ## Source

    https://github.com/kenshohara/3D-ResNets-PyTorch/issues/44
    """
    return finding


@reported("SC016", Severity.WARNING)
def unused_suppression(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A comment keeps a rule quiet that has nothing to say there.

    ## What it does

    Reports a `# shapecheck: ignore[...]` or `file-ignore[...]` whose rule finds nothing on its line, the line below,
    or in the file. Rules that are not selected are not counted.

    ## Why it matters

    What the comment excused is gone; the next mistake of that kind on the line would go by in silence.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3}  # shapecheck: ignore[SC204] small input  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 2, 2]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3}  # shapecheck: ignore[SC204] grown later
    ```

    ## Instead

    Remove the comment; `--fix` does it where it names one rule.

    ## Source

    The same rule of ruff (RUF100) and ESLint (`--report-unused-disable-directives`).
    """
    return finding


@reported("SC017", Severity.WARNING)
def wrong_suppression(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A comment that is to keep a rule quiet names no rule, or one that does not exist.

    ## What it does

    Reads `# shapecheck: ignore[...]` and `file-ignore[...]`; between the brackets stand codes, beginnings of codes or
    names of rules, parted by commas.

    ## Why it matters

    A misspelt code keeps nothing quiet, and a comment without brackets would hide what nobody meant to hide.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3}  # shapecheck: ignore everything  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 2, 2]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3}  # shapecheck: ignore[kernel-exceeds-input] grown later
    ```

    ## Instead

    Write the code of the rule, which stands at every finding: `# shapecheck: ignore[SC204] why`.

    ## Source

    README, "Keeping findings quiet".
    """
    return finding
