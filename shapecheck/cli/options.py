"""Options that several commands share, and what they mean."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from shapecheck import config
from shapecheck.cache.answers import Cache
from shapecheck.cache.store import default_folder
from shapecheck.findings.checked import Report, Settings
from shapecheck.findings.finding import Finding
from shapecheck.findings.limits import Limits
from shapecheck.findings.selection import Selection, UnknownRule, check_word
from shapecheck.language.source import decode, read_file
from shapecheck.text import suggest

if TYPE_CHECKING:
    from shapecheck.pipeline import Prepare

Command = Callable[..., Any]
# The words of --select, or None where it is not given, of --extend-select and of --ignore.
Rules: TypeAlias = tuple[tuple[str, ...] | None, tuple[str, ...], tuple[str, ...]]
NO_RULES: Rules = (None, (), ())
SUFFIXES = (".net.yaml", ".net.yml")


def set_option(function: Command) -> Command:
    """Add --set and --config."""
    configure = click.option(
        "--config",
        "config_path",
        type=click.Path(dir_okay=False, exists=True),
        help="Read this configuration file instead of the nearest one.",
    )
    assign = click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="NAME=VALUE",
        help="Give a param or a dimension another value; repeatable.",
    )
    return assign(configure(function))


def format_option(*words: str) -> Callable[[Command], Command]:
    """Add --output-format."""
    return click.option(
        "--output-format",
        "output_format",
        type=click.Choice(words),
        default="text",
        show_default=True,
        help="How to print the result.",
    )


def use_color(stream: Any) -> bool:
    """Say whether a stream takes colours: a terminal, and NO_COLOR is not set."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and bool(stream.isatty())


def configuration(
    config_path: str | None, near: Path, load: Callable[[Path], config.Config] | None = None
) -> config.Config:
    """Return the configuration that is named, or the nearest one, by another way to load it if given.

    Raises ConfigError.
    """
    path = Path(config_path) if config_path else config.find(near.resolve())
    return (load or _loaded)(path) if path is not None else config.Config()


def folder_of(path: str) -> str:
    """Return the folder whose configuration is that of a file, or of standard input for ``-``."""
    return os.curdir if path == "-" else os.path.dirname(path) or os.curdir


@functools.lru_cache(maxsize=64)
def _loaded(path: Path) -> config.Config:
    return config.load(path)


def rule_options(function: Command) -> Command:
    """Add --select, --extend-select and --ignore, given to the command as one ``rules``."""

    @functools.wraps(function)
    def command(*args: Any, select: str | None, extend_select: str | None, ignore: str | None, **kwargs: Any) -> Any:
        rules = (
            None if select is None else _words(select),
            _words(extend_select),
            _words(ignore),
        )
        return function(*args, rules=rules, **kwargs)

    for flag, help in (
        ("--ignore", "Leave out these rules: codes, beginnings of codes, or names, parted by commas."),
        ("--extend-select", "Report these rules besides."),
        ("--select", "Report these rules only."),
    ):
        command = click.option(flag, metavar="RULES", help=help)(command)
    return command


def cache_options(function: Command) -> Command:
    """Add --no-cache and --cache-dir, given to the command as one ``cache``."""

    @functools.wraps(function)
    def command(*args: Any, no_cache: bool, cache_dir: str | None, **kwargs: Any) -> Any:
        return function(*args, cache=None if no_cache else cache_at(cache_dir), **kwargs)

    for option in (
        click.option(
            "--cache-dir",
            type=click.Path(file_okay=False),
            help="Keep what is found here, not where the system keeps such things.",
        ),
        click.option(
            "--no-cache", is_flag=True, envvar="SHAPECHECK_NO_CACHE", help="Work everything out anew, and keep nothing."
        ),
    ):
        command = option(command)
    return command


def cache_at(folder: str | None) -> Cache | None:
    """Return what was found before, kept in a folder or where the system keeps such things; None where it cannot be."""
    try:
        return Cache(Path(folder) if folder is not None else default_folder())
    except RuntimeError:
        return None  # there is no home to keep anything in


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def check_rules(rules: Rules) -> None:
    """Refuse a word of --select and its kin that is no rule; this loads the rules. Raises click.BadParameter."""
    for option, words in zip(("--select", "--extend-select", "--ignore"), rules, strict=True):
        for word in words or ():
            try:
                check_word(word)
            except UnknownRule as error:
                raise click.BadParameter(str(error), param_hint=option) from None


def chosen(settings: config.Config, path: str, rules: Rules) -> Selection:
    """Return the choice of rules for a file: the configuration's, changed by the command line's."""
    select, extend, ignore = rules
    selection = settings.selection_for(path)
    return selection._replace(
        select=selection.select if select is None else select,
        extend_select=(*selection.extend_select, *extend),
        ignore=(*selection.ignore, *ignore),
    )


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Return the values of --set. Raises click.BadParameter."""
    values: dict[str, Any] = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--set")
        values[name.strip()] = _literal(value.strip(), text)
    return values


def _literal(value: str, text: str) -> Any:
    if value.startswith("[") and value.endswith("]"):
        return [_literal(item.strip(), text) for item in value[1:-1].split(",") if item.strip()]
    if value in ("true", "false"):
        return value == "true"
    for kind in (int, float):
        try:
            number = kind(value)
        except ValueError:
            continue
        if number == number and abs(number) != float("inf"):
            return number
    raise click.BadParameter(f"{text!r}: expected a number, true, false or a list of numbers", param_hint="--set")


def require_used(values: dict[str, Any], reports: Iterable[Report]) -> None:
    """Refuse a name of --set that none of the checked files has. Raises click.BadParameter."""
    every = [report.names for report in reports if report.names is not None]
    for name in values:
        if every and not any(name in names for names in every):
            known = sorted(frozenset().union(*every))
            raise click.BadParameter(
                f"no param or dimension is called {name}; {suggest(name, known, 'names')}", param_hint="--set"
            )


def network_files(paths: Iterable[str]) -> list[str]:
    """Return the files that paths name, each once, folders searched. Raises click.UsageError where there are none."""
    files: list[str] = []
    for path in paths:
        if path != "-" and Path(path).is_dir():
            found = sorted(str(p) for p in Path(path).rglob("*") if p.name.endswith(SUFFIXES) and p.is_file())
            if not found:
                raise click.UsageError(f"no {SUFFIXES[0]} file in {path}")
            files += found
        else:
            files.append(path)
    once: dict[str, str] = {}
    for path in files:
        once.setdefault(path if path == "-" else os.path.abspath(path), path)
    return list(once.values())


def read_source(path: str, stdin_name: str, limits: Limits) -> tuple[str, str | Finding]:
    """Return the shown name and the text of a file, or of standard input for ``-``."""
    if path == "-":
        return stdin_name, decode(sys.stdin.buffer.read(limits.file_bytes + 1), limits)
    return path, read_file(path, limits)


def report_of(text: str | Finding, asked: Settings, prepare: Prepare | None = None) -> Report:
    """Check a text, or what stands in its place. Raises click.BadParameter for a value that a dimension cannot have."""
    from shapecheck import pipeline  # loads every rule and layer; what only looks answers up stays without

    try:
        return pipeline.check(text, asked, prepare)
    except pipeline.UnusableValue as error:
        raise click.BadParameter(str(error), param_hint="--set") from None


def one_network(path: str, assignments: tuple[str, ...], config_path: str | None) -> Report:
    """Check the one file of a command that shows a network."""
    values = parse_assignments(assignments)
    settings = configuration(config_path, Path(folder_of(path)))
    name, text = read_source(path, "<stdin>", settings.limits)
    report = report_of(text, Settings(name, values, settings.limits, chosen(settings, name, NO_RULES)))
    require_used(values, [report])
    return report
