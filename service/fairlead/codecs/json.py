"""JSON: an answer is cut into records without decoding them (D1)."""

from __future__ import annotations

from collections.abc import Sequence

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
from fairlead.domain.paths import ALL, Path, Step, compile_path
from fairlead.engine.ports import ReadOptions, UnreadableBody

_BLANK = b" \t\r\n"


class JsonCodec:
    """``application/json`` in both directions (exports-imports.md 2.2, 9.3)."""

    media_type = "json"

    def parse(self, body: bytes, charset: str | None) -> Json:
        """The decoded body; ``None`` for an empty one. Raises ``UnreadableBody``."""
        text = to_utf8(body, charset)
        try:
            return None if _is_blank(text) else loads(text)
        except JsonError as error:
            raise UnreadableBody(f"the body is not JSON: {error}") from None

    def records(self, body: bytes, charset: str | None, options: ReadOptions) -> list[bytes] | None:
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


def _records_at(text: bytes, path: Path) -> list[bytes] | None:
    if not text.startswith(b"{") or not path.steps or path.steps[0] is ALL:
        well_formed(text)  # the first look into an object sees all of it; anything else may see a part only
    if path.steps is None:
        found = [dumps(match) for match in path.find(loads(text))]
        return _flattened(found) or None
    if ALL not in path.steps:
        value = _walk(text, path.steps)
        return None if value is None or value == b"null" else _records_of(value)
    first = path.steps.index(ALL)
    start = _walk(text, path.steps[:first])
    if start is None or start == b"null":
        return None
    values = [start]
    for step in path.steps[first:]:
        if step is ALL:
            values = [inner for value in values for inner in _spread(value)]
        else:
            values = [inner for value in values if (inner := _walk(value, (step,))) is not None]
    return _flattened(values)


def _walk(value: bytes, steps: Sequence[Step]) -> bytes | None:
    """The text at plain steps without ``[*]``, or ``None``."""
    for step in steps:
        inner: bytes | None = None
        if value.startswith(b"{"):
            inner = member(value, str(step))
        elif value.startswith(b"[") and isinstance(step, int):
            items = elements(value)
            inner = items[step] if -len(items) <= step < len(items) else None
        if inner is None:
            return None
        value = inner
    return value


def _spread(value: bytes) -> list[bytes]:
    if value.startswith(b"["):
        return elements(value)
    return [] if value == b"null" else [value]


def _records_of(value: bytes) -> list[bytes]:
    if value.startswith(b"["):
        return [_record(element) for element in elements(value)]
    well_formed(value)
    return [value] if value.startswith(b"{") else []


def _flattened(values: Sequence[bytes]) -> list[bytes]:
    return [_record(inner) for value in values for inner in (elements(value) if value.startswith(b"[") else (value,))]


def _record(element: bytes) -> bytes:
    """Objects and rows as they are, a scalar as ``{"value":...}``."""
    return element if element.startswith((b"{", b"[")) else b'{"value":' + element + b"}"
