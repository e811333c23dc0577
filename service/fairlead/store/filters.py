"""What lists filter by (contract.md 1.11)."""

from __future__ import annotations

import re
from typing import Final

_PATH: Final = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")


def steps(path: str) -> list[str]:
    """The member names of a dotted filter path. Raises ``ValueError``: paths come from code, so a wrong one is a bug."""
    if not _PATH.fullmatch(path):
        raise ValueError(f"{path!r} is no path to filter by")
    return path.split(".")
