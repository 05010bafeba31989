"""Rules on the text of a file as a whole, and on its expressions: of codes SC0xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.findings.finding import Finding
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
