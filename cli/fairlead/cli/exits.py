"""Exit codes that scripts can use, the same for every command."""

from __future__ import annotations

from typing import Final

OK: Final = 0
"""Done."""
FAILED: Final = 1
"""The call was carried out and its outcome is bad: a ping that failed, a record that was not imported."""
USAGE: Final = 2
"""Wrong words on the command line, a wrong setting, an unreadable file."""
REFUSED: Final = 3
"""fairlead answered with an error (4xx, 5xx); the error is on stderr."""
UNREACHABLE: Final = 4
"""fairlead did not answer."""
READER_GONE: Final = 141
"""Whoever read stdout has seen enough (``| head``): what a shell shows for a command that SIGPIPE ended (128 + 13)."""


class Stop(Exception):
    """Ends the command with a sentence on stderr and an exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
