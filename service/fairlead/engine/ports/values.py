"""The type of decoded JSON."""

from __future__ import annotations

from typing import Any

Json = Any
"""A decoded JSON value (``fairlead.domain.jsonvalue``): dict, list, str, int, bool, None; a number that is no plain integer is a
``msgspec.Raw`` that keeps its digits."""
