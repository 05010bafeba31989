"""Running ``shapecheck diff`` in a folder of a test's own, and the networks that it compares."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
from click_runner import runner

from shapecheck.cli.main import main

OLD = """shapecheck: 1
name: small
inputs: {image: [1, 3, H, W]}
dims:
  H: {size: 64, accepts: {min: 16, multiple_of: 16}}
  W: 64
layers:
  - {name: enc, op: conv, out_channels: 8, kernel_size: 3, padding: 1}
  - {name: act, op: relu}
  - {name: down, op: max_pool, kernel_size: 2}
  - {name: mid, op: conv, out_channels: 16, kernel_size: 3, padding: 1}
  - {name: up, op: upsample, scale_factor: 2}
  - {name: join, op: concat, from: [act, up]}
  - {name: head, op: conv, out_channels: 2, kernel_size: 1}
outputs: {mask: head}
"""
DEEPER = (
    OLD.replace("name: act, op: relu", "name: act, op: gelu")
    .replace("kernel_size: 2}", "kernel_size: 4}")
    .replace("scale_factor: 2", "scale_factor: 4")
    .replace("name: mid", "name: bottom")
    .replace("accepts: {min: 16, multiple_of: 16}", "accepts: {min: 32, multiple_of: 32}")
    .replace("out_channels: 2,", "out_channels: 3,")
    .replace("  - {name: head", "  - {name: drop, op: dropout}\n  - {name: head")
)
BROKEN = OLD.replace("scale_factor: 2", "scale_factor: 3")
UNREADABLE = "shapecheck: 1\ninputs: {x: [1\n"
RENAMED = OLD.replace("name: mid", "name: bottom")
WIDER = OLD.replace("out_channels: 16", "out_channels: 17")
REPEATED = OLD.replace("op: relu", "op: gelu")
LESS = OLD.replace("accepts: {min: 16, multiple_of: 16}", "accepts: {min: 32, multiple_of: 16}")
SHIFTED = OLD.replace("outputs: {mask: head}", "outputs: {map: head}")
SLIMMER = OLD.replace("out_channels: 16", "out_channels: 15")
FREED = OLD.replace("{name: up, op: upsample, scale_factor: 2}", "{name: up, op: upsample, like: act}")


class Shell:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        monkeypatch.chdir(folder)

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return name

    def run(self, *arguments: str, text: str | None = None) -> tuple[int, str, str]:
        result = runner().invoke(main, ["diff", *arguments], standalone_mode=False, input=text)
        assert result.exception is None, result.exception
        return int(result.return_value), result.stdout, result.stderr

    def refused(self, *arguments: str) -> str:
        result = runner().invoke(main, ["diff", *arguments], standalone_mode=False)
        assert isinstance(result.exception, click.UsageError), result.exception or result.output
        return result.exception.format_message()

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--output-format", "json")[1])

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.invalid", "-c", "commit.gpgsign=false"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        command = ["git", *identity, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()
