"""Open values of a model on the way into a compiled mapping."""

from __future__ import annotations

from typing import Any

from fairlead.domain.jsonvalue import loads
from fairlead.engine.ports import Json


def opened(value: Any) -> Json:
    """An open value decoded: raw JSON text (``bytes``) or a value that is decoded already."""
    return loads(value) if isinstance(value, bytes) else value
