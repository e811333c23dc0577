"""Query rules of lists: window and projection (contract.md 1.11)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fairlead.domain import jsonvalue
from fairlead.domain.document import Tree
from fairlead.domain.errors import InvalidRequest, Problem

MAXIMUM: Final = 1000
_PATHS: Final = re.compile(r"[A-Za-z0-9._,]*")
_ALWAYS: Final = ("_id", "name")


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list, and what of each element."""

    skip: int = 0
    limit: int = MAXIMUM
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @classmethod
    def of(cls, limit: str, skip: str, include: str, exclude: str) -> Window:
        """Read the texts of the query; empty means not given. Raises ``InvalidRequest`` with ``invalid_query_params``."""
        if include and exclude:
            raise _bad("include", "include and exclude cannot be given together")
        return cls(
            _number("skip", skip, 0, None, 0),
            _number("limit", limit, 1, MAXIMUM, MAXIMUM),
            _paths("include", include),
            _paths("exclude", exclude),
        )

    def project(self, tree: Tree) -> Tree:
        """The element as the client wants it; ``_id`` and ``name`` always stay. Lists are entered element by element, open values
        are looked into like any other."""
        if self.include:
            kept = {name: tree[name] for name in _ALWAYS if name in tree}
            return {**kept, **(_only(tree, [path.split(".") for path in self.include]) or {})}
        if self.exclude:
            return _without(tree, [path.split(".") for path in self.exclude if path not in _ALWAYS])  # type: ignore[no-any-return]  # a tree stays one
        return tree


def _number(name: str, text: str, least: int, most: int | None, default: int) -> int:
    if not text:
        return default
    if not re.fullmatch(r"-?[0-9]{1,9}", text) or int(text) < least or (most is not None and int(text) > most):
        span = f"{least} to {most}" if most is not None else f"{least} or more"
        raise _bad(name, f"{name} must be a whole number, {span}, not {text[:40]!r}")
    return int(text)


def _paths(name: str, text: str) -> tuple[str, ...]:
    if not _PATHS.fullmatch(text):
        raise _bad(name, f"{name} may hold letters, digits, dots, underscores and commas")
    return tuple(path for path in text.split(",") if path)


def _bad(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(Problem("invalid_query_params", message, field))


def _only(value: Any, paths: list[list[str]]) -> Any:
    """What of ``value`` the paths select; ``None`` when that is nothing."""
    if any(not path for path in paths):
        return value
    if isinstance(value, bytes):
        found = _only(jsonvalue.loads(value), paths)
        return None if found is None else jsonvalue.dumps(found)
    if isinstance(value, list):
        elements = [found for element in value if (found := _only(element, paths)) is not None]
        return elements or None
    if not isinstance(value, Mapping):
        return None
    result = {}
    for name, inner in value.items():
        below = [path[1:] for path in paths if path[0] == name]
        found = _only(inner, below) if below else None
        if found is not None:
            result[name] = found
    return result or None


def _without(value: Any, paths: list[list[str]]) -> Any:
    """``value`` without what the paths select."""
    if not paths:
        return value
    if isinstance(value, bytes):
        return jsonvalue.dumps(_without(jsonvalue.loads(value), paths))
    if isinstance(value, list):
        return [_without(element, paths) for element in value]
    if not isinstance(value, Mapping):
        return value
    gone = {path[0] for path in paths if len(path) == 1}
    return {
        name: _without(inner, [path[1:] for path in paths if len(path) > 1 and path[0] == name])
        for name, inner in value.items()
        if name not in gone
    }
