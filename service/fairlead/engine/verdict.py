"""The one place where a response is judged (D7, connections.md 5.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fairlead.domain.paths import Path
from fairlead.engine.ports import Json


@dataclass(frozen=True, slots=True)
class PathRule:
    """A path with the values that count there; without values: truth of connections.md 5.2."""

    path: Path
    values: tuple[str, ...] | None
    any_element: bool = True


@dataclass(frozen=True, slots=True)
class ResponseRules:
    """What a resource says about its answers: ``ping.*`` for ping, ``http.response.*`` for exports and imports."""

    success: PathRule | None = None
    fail: PathRule | None = None
    error_path: Path | None = None
    success_media_type: str | None = None
    error_media_type: str | None = None
    end_statuses: frozenset[int] = frozenset()
    must_parse: bool = False

    @classmethod
    def of(
        cls,
        response: Mapping[str, Json],
        *,
        success_media_type: str | None = None,
        error_media_type: str | None = None,
        end_statuses: frozenset[int] = frozenset(),
        must_parse: bool = False,
    ) -> ResponseRules:
        """From the members successPath, successValues, failPath, failValues, errorPath and allowArrayforSuccessPath."""
        raise AssertionError("written with the attempt loop")
