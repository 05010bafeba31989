"""What check has to say of many files: looked up where it was found before, worked out on several cores where not."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from shapecheck import config
from shapecheck.cache.answers import Cache, report_of_bytes, report_to_bytes
from shapecheck.cache.codec import to_line
from shapecheck.cli.options import (
    Rules,
    check_rules,
    chosen,
    configuration,
    folder_of,
    parse_assignments,
    report_of,
)
from shapecheck.config import Config
from shapecheck.findings.checked import Report, Settings
from shapecheck.findings.finding import Finding
from shapecheck.language.source import decode, read_bytes
from shapecheck.output.progress import Tell

# What a check takes at least, and how much of that must be there for each process that takes part: to start one takes
# a tenth of a second. Measured with tests/benchmarks/many_files.py, and generously rounded.
SECONDS_A_FILE = 0.005
SECONDS_A_BYTE = 1e-6
SECONDS_A_PROCESS = 0.4


class Request(NamedTuple):
    """What a run of check asks of every file. ``jobs`` is None where as many processes are wanted as pay."""

    config_path: str | None = None
    assignments: tuple[str, ...] = ()
    rules: Rules = (None, (), ())
    stdin_name: str = "<stdin>"
    jobs: int | None = None


class FileRequest(NamedTuple):
    """A file and what is asked of it. ``text`` is a finding where there is none; ``key`` is of its answer."""

    path: str
    settings: Settings
    line: str
    data: bytes
    text: str | Finding
    key: str | None


class Scheduler:
    """Answers one request, of any files and as often as wanted, with a cache or without one."""

    def __init__(self, request: Request, cache: Cache | None) -> None:
        """Answer ``request``. Raises click.BadParameter for values that are none."""
        self.request = request
        self.cache = cache
        self.values = parse_assignments(request.assignments)
        self._settings: dict[str, Config] = {}
        self._loaded: dict[Path, Config] = {}
        self._rules_checked = False

    def settings(self, path: str) -> Config:
        """Return the configuration for a file, read once. Raises ConfigError."""
        folder = folder_of(path)
        known = self._settings.get(folder)
        if known is None:
            known = self._settings[folder] = configuration(self.request.config_path, Path(folder), self._load)
        return known

    def _load(self, path: Path) -> Config:
        if path not in self._loaded:
            self._loaded[path] = config.load(path) if self.cache is None else self.cache.configuration(path)
        return self._loaded[path]

    def baseline(self, given: str | None) -> Path | None:
        """Return where the findings are that are not shown: the file that is named, or that of the configuration."""
        return Path(given) if given is not None else self.settings("-").baseline

    def forget_settings(self) -> None:
        """Read every configuration anew when it is next needed."""
        self._settings.clear()
        self._loaded.clear()

    def of(self, paths: Sequence[str], tell: Tell) -> list[Report]:
        """Return the reports of some files, in their order; ``tell`` hears of each that had to be worked out.

        Raises ConfigError, click.BadParameter for a value that a dimension cannot have, and WorkerLost.
        """
        answers: list[Report | None] = []
        missing: list[tuple[int, FileRequest]] = []
        for at, path in enumerate(paths):
            asked = self._ask(path)
            answer = self._known(asked)
            answers.append(answer)
            if answer is None:
                missing.append((at, asked))
        if missing:
            for (at, _), answer in zip(missing, self._work([asked for _, asked in missing], tell), strict=True):
                answers[at] = answer
            if self.cache is not None:
                self.cache.prune()
        return [answer for answer in answers if answer is not None]

    def _ask(self, path: str) -> FileRequest:
        settings = self.settings(path)
        limits = settings.limits
        if path == "-":
            name: str = self.request.stdin_name
            data: bytes | Finding = sys.stdin.buffer.read(limits.file_bytes + 1)
        else:
            name, data = path, read_bytes(path, limits)
        asked = Settings(name, self.values, limits, chosen(settings, name, self.request.rules))
        if isinstance(data, Finding):
            return FileRequest(path, asked, "", b"", data, None)
        line = to_line(asked)
        key = None if self.cache is None else self.cache.key(line, data)
        return FileRequest(path, asked, line, data, decode(data, limits), key)

    def _known(self, asked: FileRequest) -> Report | None:
        if self.cache is None or asked.key is None or isinstance(asked.text, Finding):
            return None
        report = self.cache.get(asked.key, asked.settings, asked.text)
        return None if report is None else _ready(report, asked)

    def _work(self, missing: list[FileRequest], tell: Tell) -> list[Report]:
        if not self._rules_checked:
            # Where every answer is known, they were worked out with the same words, and these are right.
            check_rules(self.request.rules)
            self._rules_checked = True
        spread = [at for at, asked in enumerate(missing) if isinstance(asked.text, str)]
        count = processes([len(missing[at].data) for at in spread], self.request.jobs)
        found: list[bytes | None] = [None] * len(missing)
        if count > 1:
            from shapecheck.cli.workers import Task, spread_out  # only needed for many files

            tasks = [Task(missing[at].path, missing[at].line, missing[at].data) for at in spread]
            folder = None if self.cache is None else self.cache.folder
            for at, answer in zip(spread, spread_out(tasks, count, folder, tell), strict=True):
                found[at] = answer
        answers = []
        for at, (asked, data) in enumerate(zip(missing, found, strict=True)):
            if data is not None and isinstance(asked.text, str):
                answers.append(_ready(report_of_bytes(data, asked.settings, asked.text), asked))
            else:
                # Also where another process met trouble: here it is met again, and told as it is.
                answers.append(self._here(asked))
                tell(at + 1, len(missing), asked.path)
        return answers

    def _here(self, asked: FileRequest) -> Report:
        from shapecheck import pipeline  # loads every rule and layer

        report = pipeline.offered(report_of(asked.text, asked.settings))
        data = report_to_bytes(report)
        if self.cache is not None and asked.key is not None and isinstance(asked.text, str):
            self.cache.put(asked.key, data)
        # What was worked out here, elsewhere or before is the same; and thousands of networks need not be kept.
        return _ready(report_of_bytes(data, asked.settings, report.text), asked)


def processes(sizes: Sequence[int], jobs: int | None) -> int:
    """Return how many processes are to check files of these sizes, in bytes; 1 is this one alone."""
    if jobs is not None:
        return min(jobs, len(sizes))
    seconds = SECONDS_A_FILE * len(sizes) + SECONDS_A_BYTE * sum(sizes)
    return max(1, min(cores(), len(sizes), int(seconds / SECONDS_A_PROCESS)))


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _ready(report: Report, asked: FileRequest) -> Report:
    report.source = asked.path
    report.again = partial(_again, asked.settings)
    return report


def _again(settings: Settings, text: str) -> Report:
    from shapecheck import pipeline  # only needed where something is mended

    return pipeline.check(text, settings)
