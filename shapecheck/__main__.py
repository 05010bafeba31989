"""The command ``shapecheck``; also ``python -m shapecheck``."""

from __future__ import annotations

import sys

from shapecheck._version import __version__


def main() -> int:
    """Run the command line and return its exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        # Answered here, so that asking for the version costs no imports.
        print(f"shapecheck {__version__}")
        return 0
    from shapecheck.cli.main import run

    return run()


if __name__ == "__main__":
    sys.exit(main())
