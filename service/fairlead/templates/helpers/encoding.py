"""Encodings of bytes, URIs, markup and JSON (handlebars.md 6.5)."""

from __future__ import annotations

import base64
import binascii
import html
import re
from typing import Final
from urllib.parse import unquote_to_bytes

from fairlead.domain.charset import encodable
from fairlead.domain.jsonvalue import JsonError, loads
from fairlead.engine.ports import TemplateError
from fairlead.templates.budget import bounded
from fairlead.templates.escaping import encode_json, encode_markup, encode_uri
from fairlead.templates.helpers.arguments import Arguments, Helper, Known, known_text, one_of
from fairlead.templates.values import JsonText, UriText, Value, XmlText, json_of, text_of, type_name

_BYTE_ENCODINGS: Final = ("utf8", "ascii", "latin1", "binary", "ucs2", "utf16le", "base64", "hex")
_SPELLINGS: Final = {"utf-8": "utf8", "utf-16le": "utf16le", "ucs-2": "ucs2"}
_NOT_BASE64: Final = re.compile(r"[^A-Za-z0-9+/]")
_BAD_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SCHEME_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-")


def bytes_of(text: str, encoding: str) -> bytes:
    """The bytes that a text stands for in one of the encodings (those of Node.js' ``Buffer``)."""
    match encoding:
        case "utf8":
            return encodable(text).encode()
        case "ascii" | "latin1" | "binary":
            return text.encode("utf-16-le", "surrogatepass")[::2]
        case "ucs2" | "utf16le":
            return text.encode("utf-16-le", "surrogatepass")
        case "base64":
            return lenient_base64(text)
        case "hex":
            return _lenient_hex(text)
    raise one_of("encoding", encoding, _BYTE_ENCODINGS)


def text_in(data: bytes, encoding: str) -> str:
    """Bytes shown in one of the encodings; what is no valid UTF-8 or UTF-16 becomes U+FFFD."""
    match encoding:
        case "utf8":
            return data.decode("utf-8", "replace")
        case "ascii":
            return bytes(byte & 0x7F for byte in data).decode("ascii")
        case "latin1" | "binary":
            return data.decode("latin-1")
        case "ucs2" | "utf16le":
            return data[: len(data) & ~1].decode("utf-16-le", "replace")
        case "base64":
            return base64.b64encode(data).decode("ascii")
        case "hex":
            return data.hex()
    raise one_of("encoding", encoding, _BYTE_ENCODINGS)


def lenient_base64(text: str) -> bytes:
    """Base64 or base64url, padded or not, other characters skipped, up to the first ``=``."""
    clean = _NOT_BASE64.sub("", text.partition("=")[0].replace("-", "+").replace("_", "/"))
    usable = clean[: len(clean) - (len(clean) % 4 == 1)]
    return binascii.a2b_base64(usable + "=" * (-len(usable) % 4))


def _lenient_hex(text: str) -> bytes:
    match = re.match(r"(?:[0-9A-Fa-f]{2})*", text)
    return bytes.fromhex(match.group()) if match else b""


def _encoding_name(word: str) -> str:
    name = word.lower() or "utf8"
    return _SPELLINGS.get(name, name)


def _base64_encode(arguments: Arguments) -> Value:
    text, encoding = arguments.text(0), _encoding_name(arguments.text(1))
    if encoding == "hex":
        return bytes_of(text, "utf8").hex()
    return base64.b64encode(bytes_of(text, encoding)).decode("ascii")


def _base64_decode(arguments: Arguments) -> Value:
    return text_in(lenient_base64(arguments.text(0)), _encoding_name(arguments.text(1)))


def _decode_uri(arguments: Arguments) -> Value:
    text = arguments.text(0)
    if "%" not in text or _BAD_PERCENT.search(text):
        return text
    try:
        return unquote_to_bytes(encodable(text)).decode("utf-8")
    except UnicodeDecodeError:
        return text


def _json_encode(arguments: Arguments) -> Value:
    value = arguments.value(0)
    if type_name(value) in ("object", "array") and value is not None:
        return "[object Object]"
    return JsonText(encode_json(text_of(value)))


def _json_serialize(arguments: Arguments) -> Value:
    return JsonText(json_of(arguments.value(0)))


def _json_parse(arguments: Arguments) -> Value:
    try:
        return loads(encodable(arguments.text(0)))
    except JsonError as error:
        raise TemplateError(f"jsonParse: the text is no JSON ({error})") from None


def _strip_protocol(arguments: Arguments) -> Value:
    text = arguments.text(0)
    end = text.find("://")
    start = end
    while start > 0 and text[start - 1] in _SCHEME_CHARACTERS:
        start -= 1
    return text[:start] + text[end + 1 :] if 0 <= start < end else text


def _html_encode(arguments: Arguments) -> Value:
    encoded = encode_markup(arguments.text(0))
    bounded(len(encoded))
    return XmlText(encoded)


def _check_encoding(known: Known) -> None:
    word = known_text(known, 1)
    if word is not None and _encoding_name(word) not in _BYTE_ENCODINGS:
        raise one_of("encoding", word, _BYTE_ENCODINGS)


HELPERS: Final = {
    "base64Encode": Helper(_base64_encode, _check_encoding),
    "base64Decode": Helper(_base64_decode, _check_encoding),
    "encodeURI": Helper(lambda arguments: UriText(encode_uri(arguments.text(0)))),
    "decodeURI": Helper(_decode_uri),
    "htmlEncode": Helper(_html_encode),
    "htmlDecode": Helper(lambda arguments: html.unescape(arguments.text(0))),
    "jsonEncode": Helper(_json_encode),
    "jsonSerialize": Helper(_json_serialize),
    "jsonStringify": Helper(_json_serialize),
    "jsonParse": Helper(_json_parse),
    "stripProtocol": Helper(_strip_protocol),
    "stripQuerystring": Helper(lambda arguments: arguments.text(0).partition("?")[0]),
}
