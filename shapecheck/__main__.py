"""The command ``shapecheck``; also ``python -m shapecheck``."""

from __future__ import annotations

import atexit
import gc
import sys

from shapecheck._version import __version__


def main() -> int:
    """Run the command line and return its exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        # Answered here, so that asking for the version costs no imports.
        print(f"shapecheck {__version__}")
        return 0
    # What is loaded stays until the end. To look for garbage among it again and again, and once more at the end, took a
    # fifth of a short command.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)
    from shapecheck.cli.main import run

    return run()


if __name__ == "__main__":
    sys.exit(main())
