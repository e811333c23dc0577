"""A large JSON text cut piece by piece: nothing but the piece in hand is in memory beside the text (contract.md 1.15).

The decoder tells where a value ends by refusing what comes after it, so that a value is neither decoded nor copied to find its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from fairlead.domain.jsonvalue import Json, JsonError, checked, loads, well_formed, without_surrogates

WALKED_FROM: Final = 8 * 1024 * 1024
"""Bytes from which on a text is walked: below it all pieces at once are faster, and small unless there are too many."""
MOST_AT_ONCE: Final = 250_000
"""Commas, and therefore elements or members, up to which all pieces may be in memory at once: each takes some hundred bytes."""
MOST_BY_TURNS: Final = 1_000_000
"""Commas up to which a text is decoded by turns: the pieces of one container are in memory at once."""

_SPLIT_FROM: Final = 256 * 1024
_SPLIT_LEVELS: Final = 4
_BLANKS: Final = re.compile(rb"[ \t\r\n]*")
_BLANK: Final = b" \t\r\n"
_TRAILING: Final = re.compile(r"trailing characters \(byte (\d+)\)")
_any: Final = msgspec.json.Decoder(msgspec.Raw)
_array: Final = msgspec.json.Decoder(list[msgspec.Raw])
_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def is_large(text: bytes) -> bool:
    """Whether a text is better walked than cut at once."""
    return len(text) >= WALKED_FROM or text.count(b",") > MOST_AT_ONCE


def loads_by_turns(text: bytes) -> Json:
    """The same as ``loads``. A large text is decoded container by container: the decoder lets no other thread go on before it is done.
    Raises ``JsonError``."""
    if len(text) < WALKED_FROM or text.count(b",") > MOST_BY_TURNS:
        return loads(text)
    body = checked(text)
    try:
        return _by_turns(memoryview(body), _SPLIT_LEVELS)
    except (msgspec.DecodeError, JsonError):
        return loads(body)  # what msgspec refuses although it is JSON, or the place of an error in the whole


def _by_turns(text: memoryview, levels: int) -> Json:
    if levels and len(text) >= _SPLIT_FROM:
        start = bytes(text[:_SPLIT_FROM]).lstrip(_BLANK)[:1]
        if start == b"[":
            return [_by_turns(memoryview(piece), levels - 1) for piece in _array.decode(text)]
        if start == b"{":
            return {key: _by_turns(memoryview(piece), levels - 1) for key, piece in _object.decode(text).items()}
    return loads(bytes(text))


def walked_elements(text: bytes) -> Iterator[bytes]:
    """The elements of a JSON array, verbatim, of a text that is ``checked`` already. Raises ``JsonError``, before the first of them, also
    when it is no array."""
    text = _checked(text, b"[", "an array is expected")
    return (text[start:end] for start, end in _pieces(text, 1))


def walked_member(text: bytes, key: str) -> bytes | None:
    """The value of one member of a JSON object, verbatim, of a text that is ``checked`` already; the last of equal keys counts. ``None``
    when there is none. Raises ``JsonError``, also when it is no object."""
    text = _checked(text, b"{", "an object is expected")
    found: tuple[int, int] | None = None
    pieces = _pieces(text, 1)
    for (start, end), value in zip(pieces, pieces, strict=True):
        if end - start >= len(key) + 2 and loads(text[start:end]) == key:
            found = value
    return None if found is None else text[slice(*found)]


def _checked(text: bytes, opening: bytes, expected: str) -> bytes:
    well_formed(text)
    text = text.strip(_BLANK)
    if not text.startswith(opening):
        raise JsonError(expected)
    return text


def _pieces(text: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Where the values of a well-formed container begin and end, in an object keys and values in turn."""
    # Half a surrogate pair is JSON, and refused by the decoder: as any other letter of the same length it says where texts end.
    shown = memoryview(without_surrogates(text))
    at = _after_blanks(text, at)
    while at < len(text) - 1:
        try:
            _any.decode(shown[at:])
        except msgspec.DecodeError as error:
            found = _TRAILING.search(str(error))
            if found is None:  # after `well_formed` there is always something behind a value: the end of its container
                raise JsonError("JSON is malformed", at) from None
            end = at + int(found[1]) - 1
        following = end + 1
        while text[end - 1] in _BLANK:
            end -= 1
        yield at, end
        at = _after_blanks(text, following)


def _after_blanks(text: bytes, at: int) -> int:
    found = _BLANKS.match(text, at)
    return at if found is None else found.end()
