"""Documents from files and records from streams."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from fairlead.cli.exits import USAGE, Stop


def read_document(path: Path, *, or_array: bool = False) -> msgspec.Raw:
    """The JSON object, ``or_array``, of a file, or of stdin for ``-``, as written; raises ``Stop`` that names file and position."""
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise Stop(f"{path}: {error.strerror}", USAGE) from None
    wanted: Any = dict[str, msgspec.Raw] | list[msgspec.Raw] if or_array else dict[str, msgspec.Raw]
    try:
        msgspec.json.decode(content, type=wanted)
    except msgspec.DecodeError as error:
        what = "neither a JSON object nor an array" if or_array else "not a JSON object"
        raise Stop(f"{path}: {what}: {error}", USAGE) from None
    return msgspec.Raw(content)


def read_records() -> Iterator[msgspec.Raw]:
    """The records of stdin, one JSON value a line; raises ``Stop`` that names the line."""
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if not line.strip():
            continue
        try:
            msgspec.json.decode(line, type=dict[str, msgspec.Raw] | list[msgspec.Raw])
        except msgspec.DecodeError as error:
            raise Stop(f"stdin, line {number}: not a record: {error}", USAGE) from None
        yield msgspec.Raw(line.strip())


def write_line(content: bytes) -> None:
    """One line to stdout, bytes as they are."""
    sys.stdout.buffer.write(content + b"\n")
