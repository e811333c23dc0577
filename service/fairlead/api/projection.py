"""Query rules of lists: window and projection (contract.md 1.11)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

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
        """The element as the client wants it; ``_id`` and ``name`` always stay."""
        if self.include:
            result: Tree = {name: tree[name] for name in _ALWAYS if name in tree}
            for path in self.include:
                _take(tree, result, path.split("."))
            return result
        if self.exclude:
            result = dict(tree)
            for path in self.exclude:
                if path not in _ALWAYS:
                    _drop(result, path.split("."))
            return result
        return tree


def _number(name: str, text: str, least: int, most: int | None, default: int) -> int:
    if not text:
        return default
    if not re.fullmatch(r"-?[0-9]{1,9}", text) or int(text) < least or (most is not None and int(text) > most):
        span = f"{least} to {most}" if most is not None else f"{least} or more"
        raise _bad(name, f"{name} must be a whole number, {span}")
    return int(text)


def _paths(name: str, text: str) -> tuple[str, ...]:
    if not _PATHS.fullmatch(text):
        raise _bad(name, f"{name} may hold letters, digits, dots, underscores and commas")
    return tuple(path for path in text.split(",") if path)


def _bad(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(Problem("invalid_query_params", message, field))


def _take(source: Mapping[str, Any], target: Tree, steps: list[str]) -> None:
    head, *rest = steps
    if head not in source:
        return
    value = source[head]
    if not rest:
        target[head] = value
    elif isinstance(value, Mapping):
        below = target.setdefault(head, {})
        _take(value, below, rest)
        if not below:
            del target[head]


def _drop(tree: Tree, steps: list[str]) -> None:
    head, *rest = steps
    if head not in tree:
        return
    if not rest:
        del tree[head]
    elif isinstance(tree[head], Mapping):
        tree[head] = dict(tree[head])
        _drop(tree[head], rest)
