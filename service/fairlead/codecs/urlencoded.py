"""``application/x-www-form-urlencoded`` in both directions (exports-imports.md 2.3, 9.3; URL Standard, 5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from fairlead.codecs.charset import codec_name, to_text
from fairlead.codecs.members import in_utf8, members_of, text_in_body, unwritable
from fairlead.domain import jsonvalue
from fairlead.domain.jsonvalue import Json
from fairlead.engine.ports import BodyTooLarge, ReadOptions, UnreadableBody

MAX_BYTES: Final = 20 * 1024 * 1024
"""Bytes of a body, which is one record: a larger one is not delivered (contract.md 1.15)."""
MAX_PAIRS: Final = 100_000
"""Pairs of a body; each may cost some hundred bytes."""
MAX_DEPTH: Final = 32
"""Brackets of a name, read or written."""

_NESTED: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")


class UrlencodedCodec:
    """One record a body. ``a[b]=`` is a member of an object; ``d[]=`` and indexes that count from 0 make an array; of a plain name that
    is repeated the values are an array; where a text meets an object the later one counts; other brackets are part of the name."""

    media_type = "urlencoded"

    def parse(self, body: bytes, charset: str | None) -> Json:
        """The object; ``None`` for an empty body. Raises ``UnreadableBody``."""
        return _parsed(body, charset, None)

    def records(self, body: bytes, charset: str | None, options: ReadOptions) -> list[bytes]:
        """The object as the only record, none of an empty body. Raises ``UnreadableBody``."""
        found = _parsed(body, charset, options.encoding)
        return [] if found is None else [jsonvalue.dumps(found)]

    def write(self, record: bytes) -> bytes:
        """``a=1&b[c]=2&d[0]=x``; null has no text, an empty object or array no pair. Raises ``InvalidContent``."""
        pairs = (
            pair
            for name, value in members_of(record, self.media_type).items()
            for pair in _pairs(_encoded(name), value)
        )
        return "&".join(f"{name}={_encoded(value)}" for name, value in pairs).encode()


def _encoded(text: str) -> str:
    return quote_plus(in_utf8(text, UrlencodedCodec.media_type), safe="*").replace("~", "%7E")


def _pairs(name: str, value: Json) -> Iterator[tuple[str, str]]:
    if name.count("[") > MAX_DEPTH:  # those that are part of a name are encoded
        raise unwritable("urlencoded", f"it is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for inner, item in value.items():
            yield from _pairs(f"{name}[{_encoded(inner)}]", item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _pairs(f"{name}[{index}]", item)
    else:
        yield name, text_in_body(value)


def _parsed(body: bytes, charset: str | None, encoding: str | None) -> dict[str, Json] | None:
    if len(body) > MAX_BYTES:
        raise BodyTooLarge(f"the body has {len(body)} bytes, a form at most {MAX_BYTES}")
    text = to_text(body, charset, encoding).strip()
    if not text:
        return None
    if text.count("&") >= MAX_PAIRS:
        raise BodyTooLarge(f"the body has more than {MAX_PAIRS} pairs")
    name_of = codec_name(charset, encoding)
    found: dict[str, Json] = {}
    for number, pair in enumerate(text.split("&"), 1):
        name, _, value = pair.partition("=")
        if pair:
            try:
                _set(found, unquote_plus(name, name_of, "strict"), unquote_plus(value, name_of, "strict"))
            except UnicodeError:
                raise UnreadableBody(f"pair {number} of the body is not valid {name_of} once it is decoded") from None
            except _TooDeep:
                raise UnreadableBody(
                    f"the name of pair {number} of the body has more than {MAX_DEPTH} brackets"
                ) from None
    return {name: _with_arrays(value) for name, value in found.items()}


class _TooDeep(Exception):
    """A name has too many brackets."""


def _set(found: dict[str, Json], name: str, value: str) -> None:
    nested = _NESTED.fullmatch(name)
    if nested is None:
        if name in found and not isinstance(found[name], dict):
            known = found[name]
            if isinstance(known, list):
                known.append(value)
            else:
                found[name] = [known, value]
        else:
            found[name] = value
        return
    inner = nested[2][1:-1].split("][")
    if len(inner) > MAX_DEPTH:
        raise _TooDeep
    place, at = found, nested[1]
    for step in inner:
        below = place.get(at)
        if not isinstance(below, dict):
            below = place[at] = {}
        place, at = below, step or str(len(below))
    place[at] = value


def _with_arrays(value: Json) -> Json:
    """Objects whose keys are 0, 1, ... in any order as arrays."""
    if not isinstance(value, dict):
        return value
    inner = {key: _with_arrays(item) for key, item in value.items()}
    indexes = [str(index) for index in range(len(inner))]
    return [inner[index] for index in indexes] if inner.keys() == set(indexes) else inner
