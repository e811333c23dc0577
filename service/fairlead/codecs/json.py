"""JSON: an answer is cut into records without decoding them (D1)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from fairlead.codecs.charset import to_utf8
from fairlead.domain.jsonvalue import (
    Json,
    JsonError,
    checked,
    dumps,
    elements,
    join_array,
    loads,
    member,
    well_formed,
)
from fairlead.domain.jsonwalk import is_large, loads_by_turns, walked_elements, walked_member
from fairlead.domain.paths import ALL, Path, Step, compile_path
from fairlead.engine.ports import BodyTooLarge, ReadOptions, UnreadableBody

MAX_MARKS: Final = 4_000_000
"""Signs ``,``, ``{`` and ``[`` of a body that paths look into: each stands for a value in memory, of some hundred bytes."""

_MARKS: Final = (b",", b"{", b"[")
_BLANK: Final = b" \t\r\n"


class JsonCodec:
    """``application/json`` in both directions (exports-imports.md 2.2, 9.3)."""

    media_type = "json"

    def parse(self, body: bytes, charset: str | None) -> Json:
        """The decoded body; ``None`` for an empty one. Raises ``UnreadableBody``."""
        text = to_utf8(body, charset)
        if len(text) > MAX_MARKS:
            _check_size(text)
        try:
            return None if _is_blank(text) else loads_by_turns(text)
        except JsonError as error:
            raise UnreadableBody(f"the body is not JSON: {error}") from None

    def records(self, body: bytes, charset: str | None, options: ReadOptions) -> Iterable[bytes] | None:
        """The records at ``options.resource_path``, byte for byte (exports-imports.md 2.2).

        ``None``: nothing or null at the path. Without a path, or with one to a scalar, a scalar gives no records. Raises
        ``UnreadableBody``, and ``PathError`` for a path that does not compile.
        """
        path = compile_path(options.resource_path) if options.resource_path else None
        text = to_utf8(body, charset, options.encoding)
        try:
            if _is_blank(text):
                return [] if path is None else None
            text = checked(text).strip(_BLANK)
            return _records_of(text) if path is None else _records_at(text, path)
        except JsonError as error:
            raise UnreadableBody(f"the body is not JSON: {error}") from None

    def write(self, record: bytes) -> bytes:
        """The record as it is."""
        return record

    def write_batch(self, records: Sequence[bytes]) -> bytes:
        """One array of the records as they are."""
        return join_array(records)


def _is_blank(text: bytes) -> bool:
    return not text.strip(_BLANK) if len(text) < 64 else False


def _records_at(text: bytes, path: Path) -> Iterable[bytes] | None:
    if not text.startswith(b"{") or not path.steps or path.steps[0] is ALL:
        well_formed(text)  # the first look into an object sees all of it; anything else may see a part only
    if path.steps is None:
        _check_size(text)
        found = [dumps(match) for match in path.find(loads(text))]
        return list(_flattened(found)) or None
    if ALL not in path.steps:
        value = _walk(text, path.steps)
        return None if value is None or value == b"null" else _records_of(value)
    first = path.steps.index(ALL)
    start = _walk(text, path.steps[:first])
    if start is None or start == b"null":
        return None
    records = _flattened(_spread(start, path.steps[first:]))
    return records if is_large(start) else list(records)


def _walk(value: bytes, steps: Sequence[Step]) -> bytes | None:
    """The text at plain steps without ``[*]``, or ``None``."""
    for step in steps:
        inner: bytes | None = None
        if value.startswith(b"{"):
            inner = walked_member(value, str(step)) if is_large(value) else member(value, str(step))
        elif value.startswith(b"[") and isinstance(step, int):
            inner = _element(value, step)
        if inner is None:
            return None
        value = inner
    return value


def _element(value: bytes, at: int) -> bytes | None:
    if not is_large(value):
        items = elements(value)
        return items[at] if -len(items) <= at < len(items) else None
    if at >= 0:
        return next(islice(walked_elements(value), at, None), None)
    last = deque(walked_elements(value), maxlen=-at)
    return last[0] if len(last) == -at else None


def _spread(value: bytes, steps: Sequence[Step]) -> Iterator[bytes]:
    """The texts at steps of which the first is ``[*]``."""
    if not steps:
        yield value
    elif steps[0] is not ALL:
        inner = _walk(value, steps[:1])
        if inner is not None:
            yield from _spread(inner, steps[1:])
    elif value.startswith(b"["):
        for element in _elements(value):
            yield from _spread(element, steps[1:])
    elif value != b"null":
        yield from _spread(value, steps[1:])


def _elements(value: bytes) -> Iterable[bytes]:
    return walked_elements(value) if is_large(value) else elements(value)


def _records_of(value: bytes) -> Iterable[bytes]:
    if value.startswith(b"["):
        if is_large(value):
            return map(_record, walked_elements(value))
        return [_record(element) for element in elements(value)]
    well_formed(value)
    return [value] if value.startswith(b"{") else []


def _flattened(values: Iterable[bytes]) -> Iterator[bytes]:
    for value in values:
        if value.startswith(b"["):
            yield from map(_record, _elements(value))
        else:
            yield _record(value)


def _record(element: bytes) -> bytes:
    """Objects and rows as they are, a scalar as ``{"value":...}``."""
    return element if element.startswith((b"{", b"[")) else b'{"value":' + element + b"}"


def _check_size(text: bytes) -> None:
    marks = sum(map(text.count, _MARKS))
    if marks > MAX_MARKS:
        raise BodyTooLarge(f"the body is too large for a look into it: {len(text)} bytes of JSON with {marks} values")
