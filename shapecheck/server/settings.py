"""The configuration that is in force for a file, read again when it has changed, and what an editor sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from shapecheck import config
from shapecheck.config import Config
from shapecheck.findings import baseline
from shapecheck.findings.baseline import BaselineError

WATCHED = ("**/shapecheck.toml", "**/pyproject.toml")


class Options(NamedTuple):
    """What an editor may set, as initialization options or settings under ``shapecheck``."""

    inlay_hints: bool = True
    # Milliseconds without a keystroke before a text is checked.
    debounce: int = 60


def options(settings: Any, before: Options) -> Options:
    """Return the options after an editor has sent its settings; what is no option, or of no use, is left as it was."""
    if not isinstance(settings, dict):
        return before
    own = settings.get("shapecheck", settings)
    own = own if isinstance(own, dict) else {}
    hints = own.get("inlayHints", before.inlay_hints)
    pause = own.get("debounce", before.debounce)
    return Options(
        hints if isinstance(hints, bool) else before.inlay_hints,
        pause if type(pause) is int and 0 <= pause <= 10_000 else before.debounce,
    )


class Configurations:
    """Finds the configuration of files; ``complaint`` says what was wrong with the last one, None where nothing was."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int], Config]] = {}
        self.complaint: str | None = None

    def of(self, folder: Path) -> Config:
        """Return the settings for the files of a folder; the defaults where they cannot be read."""
        self.complaint = None
        try:
            path = config.find(folder)
            if path is None:
                return Config()
            state = path.stat()
            stamp = (state.st_mtime_ns, state.st_size)
            known = self._known.get(path)
            if known is None or known[0] != stamp:
                known = self._known[path] = (stamp, config.load(path))
            settings = known[1]
            if settings.baseline is not None:
                baseline.read(settings.baseline)
            return settings
        except BaselineError as error:
            self.complaint = str(error)
            return settings._replace(baseline=None)
        except (config.ConfigError, OSError) as error:
            self.complaint = str(error)
            return Config()
