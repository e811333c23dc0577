"""What both stores' coordination documents have in common (D13)."""

from __future__ import annotations

import secrets
from typing import Final

_BITS: Final = 48


def first_version() -> int:
    """The version of a new document: far from those of any that had its key before."""
    return secrets.randbits(_BITS) + 1
