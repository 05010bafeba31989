"""``shapecheck check --watch``: checks again whatever changes, until it is interrupted.

Files are looked at by size and time a few times a second, which works on every file system; what seems to have
changed is read, and counts only where its text, or what is found in it, is another.
"""

from __future__ import annotations

import copy
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import click

from shapecheck import config
from shapecheck.cli.options import folder_of, network_files, require_used, use_color
from shapecheck.cli.scheduler import Scheduler
from shapecheck.findings import baseline
from shapecheck.findings.baseline import BaselineError
from shapecheck.findings.checked import Report
from shapecheck.output import renderer
from shapecheck.output.progress import Progress
from shapecheck.output.summary import summary_line
from shapecheck.text import and_more, plural

# Seconds between two looks, at least; more where a look takes long, so that this takes a small part of a core.
PAUSE = 0.3
SHARE = 20
# A file that was written so few seconds ago may be written again without its time becoming another.
UNSURE = 2.0


class Stamp(NamedTuple):
    """What shows that a file has changed."""

    size: int
    time: int


class Look(NamedTuple):
    """What there is to watch at one moment: the network files, and the files that settings are read from."""

    files: dict[str, Stamp | None]
    settings: dict[str, Stamp | None]


class Watch:
    """Watches the files that ``paths`` name, and tells what is found in them."""

    def __init__(
        self, scheduler: Scheduler, paths: tuple[str, ...], baseline_path: str | None, output_format: str
    ) -> None:
        self.scheduler = scheduler
        self.paths = paths
        self.baseline_path = baseline_path
        self.module: Any = renderer(output_format)
        self.known: dict[str, Report] = {}
        self.shown: dict[str, Report] = {}
        self.trouble = ""

    def run(self) -> NoReturn:
        """Check everything, and then what changes. Ends by KeyboardInterrupt; raises what a check raises at first."""
        last = self.look()
        network_files(self.paths)
        self.check(last.files, "")
        unsure = _unsure(last)
        while True:
            started = time.monotonic()
            now = self.look()
            anew = now.settings != last.settings or unsure & now.settings.keys()
            if anew or now.files != last.files or unsure:
                self.follow(now, last, unsure, bool(anew))
                unsure = _unsure(now)
                last = now
            time.sleep(max(PAUSE, SHARE * (time.monotonic() - started)))

    def look(self) -> Look:
        """Return what is there now."""
        try:
            files = network_files(self.paths)
        except click.UsageError:
            files = []  # the last file of a folder has gone; others may come
        settings: set[str] = set()
        for folder in {folder_of(path) for path in (*files, "-")}:
            given = self.scheduler.request.config_path
            found = Path(given) if given else config.find(Path(folder).resolve())
            settings |= set() if found is None else {os.fspath(found)}
        try:
            known = self.scheduler.baseline(self.baseline_path)
        except config.ConfigError:
            known = None
        settings |= set() if known is None else {os.fspath(known)}
        return Look({path: _stamp(path) for path in files}, {path: _stamp(path) for path in sorted(settings)})

    def follow(self, now: Look, last: Look, unsure: set[str], anew: bool) -> None:
        """Check what is not as it was, and tell of it; trouble with the settings is told, and waited out."""
        try:
            gone = [path for path in last.files if path not in now.files]
            for path in gone:
                self.known.pop(path, None)
                self.shown.pop(path, None)
            if anew:
                self.scheduler.forget_settings()
            changed = [
                path
                for path, stamp in now.files.items()
                if anew or path in unsure or path not in self.known or stamp != last.files.get(path)
            ]
            self.check(changed, _list([f"{path} is gone" for path in gone]))
            self.trouble = ""
        except (config.ConfigError, BaselineError, click.ClickException) as error:
            said = error.format_message() if isinstance(error, click.ClickException) else str(error)
            if said != self.trouble:
                click.echo(f"shapecheck: {said}", err=True)
            self.trouble = said

    def check(self, paths: Iterable[str], said: str) -> None:
        """Check some files and tell what is new of them."""
        first = not self.known and not said
        paths = list(paths)
        progress = Progress(sys.stderr)
        try:
            found = dict(zip(paths, self.scheduler.of(paths, progress.of("checking")), strict=True))
        finally:
            progress.stop()
        every = {**self.known, **found}
        require_used(self.scheduler.values, every.values())
        outcomes, hidden = self.without_baseline(found)
        new = [path for path in paths if path not in self.shown or _differs(outcomes[path], self.shown[path])]
        self.known = every
        self.shown.update(outcomes)
        if new or said or self.trouble:
            self.tell([outcomes[path] for path in new], hidden, "" if first else said or _list(new))

    def without_baseline(self, found: dict[str, Report]) -> tuple[dict[str, Report], int]:
        """Return what there is to show of some files, and how many findings of the baseline are left out."""
        outcomes = {path: copy.copy(report) for path, report in found.items()}
        known = self.scheduler.baseline(self.baseline_path)
        hidden = 0 if known is None else baseline.apply(known, baseline.read(known), list(outcomes.values()))
        return outcomes, hidden

    def tell(self, outcomes: list[Report], hidden: int, why: str) -> None:
        """Print the findings of what has changed, and how things stand in all."""
        click.clear()
        if why:
            click.echo(f"{time.strftime('%H:%M:%S')} {why}", err=True)
        stream = sys.stdout
        self.module.findings(outcomes, stream, use_color(stream))
        stream.write(summary_line([self.shown[path] for path in sorted(self.shown)]) + "\n")
        stream.flush()
        if hidden:
            click.echo(f"{plural(hidden, 'finding')} of the baseline not shown", err=True)
        click.echo(f"watching {plural(len(self.shown), 'file')}; Ctrl-C ends", err=True)


def _stamp(path: str) -> Stamp | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return Stamp(status.st_size, status.st_mtime_ns)


def _unsure(look: Look) -> set[str]:
    now = time.time_ns()
    both = {**look.files, **look.settings}
    return {path for path, stamp in both.items() if stamp is not None and now - stamp.time < UNSURE * 1e9}


def _differs(one: Report, other: Report) -> bool:
    return (one.text, one.diagnostics) != (other.text, other.diagnostics)


def _list(said: list[str]) -> str:
    return and_more(said, 3)
