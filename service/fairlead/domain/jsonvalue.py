"""JSON without loss: digits, key order and every record's bytes survive (D1).

Decoding keeps each number that is no plain integer as a ``msgspec.Raw``; encoding writes it back as it was. What msgspec refuses
although it is JSON (lone surrogates, ``-0``, integers of thousands of digits) is read by the standard library.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from enum import Enum
from operator import itemgetter
from typing import Any, Final, NoReturn

import msgspec

from fairlead.domain.charset import undecodable_at
from fairlead.domain.jsondepth import exceeds_depth

Json = Any
"""dict, list, str, int, bool, None, or a ``msgspec.Raw`` that holds the digits of one number."""

MAX_DEPTH: Final = 500
"""Levels of nesting of an application's JSON (contract.md 1.15)."""

_CAN_BE_EMPTY: Final = (str, list, dict)
_BLANKS: Final = " \t\r\n"
_BOM: Final = b"\xef\xbb\xbf"
_BYTE = re.compile(r" ?\(byte (\d+)\)")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATES: Final = [rb"\u%c%c" % (first, second) for first in b"dD" for second in b"89abcdefABCDEF"]
_MINUS_ZERO = re.compile(rb"-0(?![\d.eE])(?<![^\[,:\s]-0)")  # msgspec reads the number -0 as 0


class Nothing(Enum):
    """The type of ``NOTHING``, which is no JSON value."""

    NOTHING = "nothing"


NOTHING: Final = Nothing.NOTHING
"""What a path that finds nothing gives: not the same as a null that is there."""


class JsonError(ValueError):
    """A text is not JSON, or is nested too deeply. ``position``: byte offset after a byte order mark, when known. The message never
    shows content."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message if position is None else f"{message} at byte {position}")
        self.position = position


def _keep(digits: str) -> msgspec.Raw:
    return msgspec.Raw(digits.encode())


def _integer(digits: str) -> Json:
    if digits == "-0":
        return _keep(digits)
    try:
        return int(digits)
    except ValueError:  # more digits than the interpreter converts (4,300)
        return _keep(digits)


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


_decoder: Final = msgspec.json.Decoder(float_hook=_keep)
_array_decoder: Final = msgspec.json.Decoder(list[msgspec.Raw])
_object_decoder: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_any_decoder: Final = msgspec.json.Decoder(msgspec.Raw)
_encoder: Final = msgspec.json.Encoder()
_sorting_encoder: Final = msgspec.json.Encoder(order="sorted")
_lossless: Final = json.JSONDecoder(parse_float=_keep, parse_int=_integer, parse_constant=_no_constant)


def loads(data: bytes | str, *, max_depth: int = MAX_DEPTH) -> Json:
    """The value of a JSON text: the last of two equal keys counts, a leading byte order mark is skipped.

    Raises ``JsonError`` for everything that is no JSON (also ``NaN``, trailing text, invalid UTF-8) and for more than ``max_depth``
    levels.
    """
    body = checked(data, max_depth=max_depth)
    if b"-0" in body and _MINUS_ZERO.search(body):
        return _loads_lossless(body)
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError:
        return _loads_lossless(body)
    except msgspec.DecodeError as error:
        if _SURROGATE.search(body):
            return _loads_lossless(body)
        raise _malformed(error, body) from None
    except RecursionError:
        raise _too_deep(max_depth) from None


def _loads_lossless(body: bytes) -> Json:
    try:
        return _lossless.decode(body.decode())
    except json.JSONDecodeError as error:
        raise JsonError("JSON is malformed", len(error.doc[: error.pos].encode())) from None
    except ValueError as error:
        raise JsonError(f"JSON is malformed: {error}") from None
    except RecursionError:
        raise _too_deep(MAX_DEPTH) from None


def checked(data: bytes | str, *, max_depth: int = MAX_DEPTH) -> bytes:
    """The text as UTF-8 without a byte order mark; raises ``JsonError`` when it is no UTF-8 or deeper than ``max_depth``."""
    if isinstance(data, str):
        data = data.encode(errors="backslashreplace")  # a lone surrogate becomes its JSON escape
    elif not data.isascii():
        wrong = undecodable_at(data, "utf-8")
        if wrong is not None:
            raise JsonError("invalid UTF-8", wrong)
    body = data[3:] if data.startswith(_BOM) else data
    if exceeds_depth(body, max_depth):
        raise _too_deep(max_depth)
    return body


def dumps(value: Json) -> bytes:
    """Compact JSON; kept digits verbatim, lone surrogates escaped, all other letters as they are. Raises ``JsonError`` when the value
    nests too deeply for this process."""
    return _encode(value, _encoder.encode, sort=False)


def canonical(value: Json) -> bytes:
    """Compact JSON with the keys of every object sorted by code point; numbers as written. For digests and signatures."""
    return _encode(value, _sorting_encoder.encode, sort=True)


def _encode(value: Json, encode: Callable[[Json], bytes], *, sort: bool) -> bytes:
    try:
        return encode(value)
    except UnicodeEncodeError:
        return _escaped(value, sort=sort).encode(errors="backslashreplace")
    except RecursionError:
        raise JsonError("the value is nested too deeply") from None


class _Written(str):
    """A piece of JSON text among values that are still to be written."""


def _escaped(value: Json, *, sort: bool) -> str:
    """The slow way, for values with lone surrogates (msgspec refuses them; as bytes they become ``\\udXXX``). Not recursive: the value
    may have as many levels as msgspec reads."""
    written: list[str] = []
    waiting: list[Json] = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _Written):
            written.append(node)
        elif isinstance(node, dict):
            items = sorted(node.items(), key=itemgetter(0)) if sort else list(node.items())
            written.append("{")
            waiting.append(_Written("}"))
            for place, (key, item) in reversed(list(enumerate(items))):
                waiting += (item, _Written(f"{',' if place else ''}{_quoted(key)}:"))
        elif isinstance(node, list):
            written.append("[")
            waiting.append(_Written("]"))
            for place, item in reversed(list(enumerate(node))):
                waiting += (item, _Written("," if place else ""))
        else:
            written.append(_quoted(node) if isinstance(node, str) else _encoder.encode(node).decode())
    return "".join(written)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def split_array(data: bytes, *, max_depth: int = MAX_DEPTH) -> list[bytes]:
    """The elements of a JSON array, verbatim. Raises ``JsonError``, also when it is no array."""
    return elements(checked(data, max_depth=max_depth))


def well_formed(body: bytes) -> None:
    """Raises ``JsonError`` when ``body`` (already ``checked``) is not JSON; decodes nothing."""
    try:
        _any_decoder.decode(body)
    except msgspec.DecodeError as error:
        if not _SURROGATE.search(body):
            raise _malformed(error, body) from None
        try:
            _any_decoder.decode(without_surrogates(body))
        except msgspec.DecodeError as other:
            raise _malformed(other, body) from None


def without_surrogates(body: bytes) -> bytes:
    """A text of the same length and structure whose escaped halves of surrogate pairs are other letters."""
    if _SURROGATE.search(body):
        for escape in _SURROGATES:  # a pattern would gather a piece of text for each of them before it joins them
            body = body.replace(escape, rb"\u00")
    return body


def elements(body: bytes) -> list[bytes]:
    """The elements of a JSON array, verbatim, of a text that is ``checked`` already. Raises ``JsonError``."""
    try:
        return [bytes(element) for element in _array_decoder.decode(body)]
    except msgspec.ValidationError:
        raise JsonError("an array is expected") from None
    except msgspec.DecodeError as error:
        if _SURROGATE.search(body):
            return [text for _, text in _children(body, b"[")]
        raise _malformed(error, body) from None


def member(body: bytes, key: str) -> bytes | None:
    """The value of one member of a JSON object, verbatim, of a text that is ``checked`` already; the last of equal keys counts.
    ``None`` when there is none. Raises ``JsonError``, also when it is no object."""
    try:
        found = _object_decoder.decode(body).get(key)
        return None if found is None else bytes(found)
    except msgspec.ValidationError:
        raise JsonError("an object is expected") from None
    except msgspec.DecodeError as error:
        if _SURROGATE.search(body):
            return dict(_children(body, b"{")).get(key)
        raise _malformed(error, body) from None


def _children(body: bytes, opening: bytes) -> list[tuple[str, bytes]]:
    """Keys (empty in an array) and texts of the children of a container that holds lone surrogates."""
    _loads_lossless(body)
    text = body.decode().strip(_BLANKS)
    if not text.startswith(opening.decode()):
        raise JsonError("an array is expected" if opening == b"[" else "an object is expected")
    found: list[tuple[str, bytes]] = []
    at, key = _skip(text, 1, _BLANKS), ""
    while at < len(text) - 1:
        if opening == b"{":
            key, at = _lossless.raw_decode(text, at)
            at = _skip(text, at, _BLANKS + ":")
        _, end = _lossless.raw_decode(text, at)
        found.append((key, text[at:end].encode()))
        at = _skip(text, end, _BLANKS + ",")
    return found


def _skip(text: str, at: int, letters: str) -> int:
    while text[at] in letters:
        at += 1
    return at


def join_array(elements: Sequence[bytes]) -> bytes:
    """One JSON array of elements that are JSON texts already."""
    return b"[" + b",".join(elements) + b"]"


def text_of(value: Json) -> str:
    """The text of a value for comparison and for texts that are put together (connections.md 5.2): a string is itself, digits as in
    the source, ``true``, ``false``, ``null``, compact JSON of objects and arrays."""
    return value if isinstance(value, str) else dumps(value).decode()


def is_empty(value: Json) -> bool:
    """Null, missing, ``""``, ``[]`` or ``{}``; 0 and false are values (exports-imports.md 9.4, 10.3)."""
    return value is None or (not value and isinstance(value, _CAN_BE_EMPTY)) or value is NOTHING


def number_of(value: Json) -> float | int | None:
    """The number for comparing and counting, ``None`` when the value is no JSON number. An integer is exact; ``1E400`` is infinite."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, msgspec.Raw):
        try:
            return float(bytes(value))
        except ValueError:
            return None
    return None


def number_text(number: float) -> str:
    """A finite double as JavaScript prints it: ``1.5``, ``7``, ``1e+21``, ``1e-7`` (ECMA-262, Number::toString)."""
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{point - 1:+d}"


def _malformed(error: msgspec.DecodeError, body: bytes) -> JsonError:
    message = str(error)
    found = _BYTE.search(message)
    if found:
        beyond = "trailing characters" in message  # msgspec has read the first of them
        return JsonError(_BYTE.sub("", message), int(found[1]) - beyond)
    return JsonError("JSON ends too early", len(body))


def _too_deep(bound: int) -> JsonError:
    return JsonError(f"JSON is nested deeper than {bound} levels")
