"""The text of a file, or why there is none."""

from __future__ import annotations

import os
import re
import stat

from shapecheck.findings.finding import Finding, Position, Span
from shapecheck.findings.limits import DEFAULT_LIMITS, Limits

FILE_START = Span(Position(1, 1), Position(1, 1))
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def read_bytes(path: str, limits: Limits = DEFAULT_LIMITS) -> bytes | Finding:
    """Return what is in a file, or the finding that says why that is not to be had."""
    try:
        with open(path, "rb") as stream:
            status = os.fstat(stream.fileno())
            if status.st_size > limits.file_bytes:
                return _too_large(limits)
            # A device or a pipe says nothing of its size, and may have no end.
            return stream.read() if stat.S_ISREG(status.st_mode) else stream.read(limits.file_bytes + 1)
    except IsADirectoryError:
        return Finding.of(
            "unreadable-file",
            "this is a folder, not a file",
            FILE_START,
            help="name a file in it, or give check the folder",
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Finding.of("unreadable-file", f"the file cannot be read: {reason.lower()}", FILE_START)


def read_file(path: str, limits: Limits = DEFAULT_LIMITS) -> str | Finding:
    """Return the text of a file, or the finding that says why there is none."""
    data = read_bytes(path, limits)
    return data if isinstance(data, Finding) else decode(data, limits)


def decode(data: bytes, limits: Limits) -> str | Finding:
    """Return the text of a file, or the finding that says why it is none."""
    if len(data) > limits.file_bytes:
        return _too_large(limits)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        return Finding.of(
            "unreadable-file",
            f"the file is not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start}",
            Span(Position(line, column), Position(line, column + 1)),
            help="save it as UTF-8",
        )
    bad = _CONTROL.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        column = bad.start() - (text.rfind("\n", 0, bad.start()) + 1) + 1
        return Finding.of(
            "unreadable-file",
            f"the file is not text: it holds the control character 0x{ord(bad.group()):02x}",
            Span(Position(line, column), Position(line, column + 1)),
            help="a network file is YAML text",
        )
    return text


def _too_large(limits: Limits) -> Finding:
    return Finding.of(
        "file-too-large",
        f"the file has more bytes than the limit of {limits.file_bytes:,}",
        FILE_START,
        help="raise limits.file_bytes in the configuration if it is meant to be this large",
    )
