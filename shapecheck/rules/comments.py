"""Rules on comments that keep findings quiet: of codes SC0xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.findings.finding import Finding, Severity
from shapecheck.rules.base import reported


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
