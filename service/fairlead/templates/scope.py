"""What a name means while a template renders: the names at the top level, scopes of blocks, ``@`` variables (handlebars.md 2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from fairlead.domain.jsonvalue import NOTHING
from fairlead.engine.ports import Scope
from fairlead.templates.values import Value, unit_length

_SIGNING: Final = frozenset({"hashOptions", "hmacOptions"})
_LONGEST_KEPT_PATH: Final = 200
"""Characters of a path text that is worth keeping in the cache."""


def member(value: Value, name: str) -> Value:
    """The member of an object, the element of an array, or the length of an array or text (in UTF-16 units); else ``NOTHING``."""
    if isinstance(value, dict):
        return value.get(name, NOTHING)
    if isinstance(value, list):
        if name.isdecimal() and len(name) < 10:
            index = int(name)
            return value[index] if index < len(value) else NOTHING
        return len(value) if name == "length" else NOTHING
    if name == "length" and isinstance(value, str):
        return unit_length(value)
    return NOTHING


def walk(value: Value, parts: tuple[str, ...]) -> Value:
    """The value at the end of the parts."""
    for part in parts:
        value = member(value, part)
        if value is NOTHING:
            break
    return value


@dataclass(frozen=True, slots=True)
class Loop:
    """The ``@`` variables of one turn of ``#each``; ``outer`` for ``@../index``."""

    index: int
    key: str | int
    first: bool
    last: bool
    outer: Loop | None

    def variable(self, name: str) -> Value:
        """The value of ``@name``."""
        match name:
            case "index":
                return self.index
            case "key":
                return self.key
            case "first":
                return self.first
            case "last":
                return self.last
        return NOTHING


Params = tuple[tuple[Value, ...], "Params | None"]
"""Values of block parameters, innermost first."""


class Frame:
    """One scope: ``this``, the scope above, the loop around it, the block parameters."""

    __slots__ = ("loop", "params", "this", "up")

    def __init__(self, this: Value, up: Frame | None, loop: Loop | None, params: Params | None) -> None:
        self.this = this
        self.up = up
        self.loop = loop
        self.params = params

    def find(self, parts: tuple[str, ...]) -> Value:
        """What a path means here."""
        return walk(self.this, parts)

    def enter(self, this: Value, loop: Loop | None, values: tuple[Value, ...] | None) -> Frame:
        """The scope of a block's body. A block over the very same container adds no step for ``../``; ``values`` are its parameters."""
        params = self.params if values is None else (values, self.params)
        if isinstance(this, (dict, list)) and this is self.this:
            return _Same(self, loop, params)
        return Frame(this, self, loop, params)

    def unnamed(self) -> Frame:
        """The same scope for a body whose block parameters have no values (``{{#if x as |y|}}``)."""
        return _Same(self, self.loop, ((), self.params))


class _Same(Frame):
    """A scope with the ``this`` of another one, and the same meaning of names."""

    __slots__ = ("_origin",)

    def __init__(self, origin: Frame, loop: Loop | None, params: Params | None) -> None:
        super().__init__(origin.this, origin.up, loop, params)
        self._origin = origin

    def find(self, parts: tuple[str, ...]) -> Value:
        return self._origin.find(parts)


class Root(Frame):
    """The top level: names of the context, then the members of the record (its first row when it is an array).

    ``this`` is the record where its members are names, else the context. Everywhere that has a record, ``data`` is the batch and ``0``
    its first record, also where the context holds neither.
    """

    __slots__ = ("_scope", "_signed")

    def __init__(self, scope: Scope) -> None:
        context = scope.context
        record = context.get("record", NOTHING) if scope.record_names else NOTHING
        this = record if record is not NOTHING else context
        super().__init__(this if isinstance(this, (dict, list)) else dict(context), None, None, None)
        self._scope = scope
        self._signed: Value = None

    def find(self, parts: tuple[str, ...]) -> Value:
        if not parts:
            return self.this
        value = self._scope.context.get(parts[0], NOTHING)
        if value is NOTHING:
            value = self._beyond_context(parts[0])
        if parts[:2] == ("data", "0") and isinstance(value, dict) and "0" not in value:
            return walk(value, parts[2:])
        return walk(value, parts[1:])

    def _beyond_context(self, name: str) -> Value:
        scope = self._scope
        if name in _SIGNING and scope.signing:
            return self.signed()
        record = scope.context.get("record", NOTHING)
        if record is NOTHING:
            return NOTHING
        row = record[0] if isinstance(record, list) and record else record
        if scope.record_names:
            value = member(row, name) if isinstance(row, dict) else NOTHING
            if value is not NOTHING:
                return value
        if name == "data":
            return record if isinstance(record, list) else [record]
        if name.isdecimal():
            batch = scope.context.get("data", NOTHING)
            batch = batch if isinstance(batch, list) else record if isinstance(record, list) else [record]
            return member(batch, name)
        return NOTHING

    def signed(self) -> Value:
        """The members of ``hashOptions`` and ``hmacOptions``, built once a rendering; ``NOTHING`` where no request is in the making."""
        if self._signed is None:
            built = self._scope.signing() if self._scope.signing else NOTHING
            self._signed = dict(built) if isinstance(built, Mapping) and not isinstance(built, dict) else built
        return self._signed


def parts_of(text: str) -> tuple[str, ...]:
    """The parts of a path given as text (``getValue``, ``pluck``, ``#filter``): dots, slashes and brackets as in templates."""
    return _kept_parts(text) if len(text) <= _LONGEST_KEPT_PATH else _split(text)


def _split(text: str) -> tuple[str, ...]:
    parts, at = [], 0
    while at < len(text):
        if text[at] == "[" and (end := text.find("]", at)) > 0:
            parts.append(text[at + 1 : end])
            at = end + 1
            continue
        if text[at] in "./":
            at += 1
            continue
        end = at
        while end < len(text) and text[end] not in "./[":
            end += 1
        if end == at:
            return ()
        parts.append(text[at:end])
        at = end
    return tuple(parts)


_kept_parts = lru_cache(maxsize=1024)(_split)
