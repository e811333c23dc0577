"""What double and triple braces print at each place (handlebars.md 3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Final
from urllib.parse import quote, quote_plus

from msgspec import Raw

from fairlead.domain.charset import encodable
from fairlead.domain.jsonvalue import NOTHING
from fairlead.engine.ports import Place, TemplateError
from fairlead.templates.numbers import digits_of, print_double
from fairlead.templates.values import MadeText, PrintedList, Value, json_of, text_of

Formatter = Callable[[Value], str]

_URI_SAFE: Final = "-_.!~*'()"
_URI_CLEAN: Final = re.compile(r"[A-Za-z0-9\-_.!~*'()]*").fullmatch
_JSON_CLEAN: Final = re.compile(r'[^"\\\x00-\x1f\ud800-\udfff]*').fullmatch
_MARKUP_CLEAN: Final = re.compile(r"""[^&<>"']*""").fullmatch
_NO_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LONE_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


def encode_uri(text: str) -> str:
    """Percent-encoding of everything but ``A-Z a-z 0-9 - _ . ! ~ * ' ( )``."""
    return text if _URI_CLEAN(text) else quote(encodable(text), safe=_URI_SAFE)


def encode_form(text: str) -> str:
    """``application/x-www-form-urlencoded`` of one value: a blank is ``+`` (URL standard, 5.2)."""
    return quote_plus(encodable(text), safe="*").replace("~", "%7E")


def encode_json(text: str) -> str:
    """As inside a JSON string, without the quotes; lone surrogates as ``\\udxxx``."""
    if _JSON_CLEAN(text):
        return text
    quoted = encode_basestring_ascii(text) if _LONE_SURROGATES.search(text) else encode_basestring(text)
    return quoted[1:-1]


def encode_markup(text: str) -> str:
    """``& < > " '`` as entities."""
    return text if _MARKUP_CLEAN(text) else text.translate(_ENTITIES)


def _xml(text: str) -> str:
    """As in a text of an XML body, which has no control characters (XML 1.0, 2.2). Raises ``TemplateError``."""
    found = _NO_XML.search(text)
    if found:
        raise TemplateError(f"a text holds U+{ord(found[0]):04X}, which XML does not have")
    return encode_markup(text)


def _unchanged(text: str) -> str:
    return text


_ENCODERS: Final[dict[Place, Callable[[str], str]]] = {
    Place.URI: encode_uri,
    Place.JSON: encode_json,
    Place.XML: _xml,
    Place.FORM: encode_form,
    Place.PLAIN: _unchanged,
}


def double_braces(place: Place) -> Formatter:
    """The printer of ``{{ }}`` at that place."""
    encode = _ENCODERS[place]
    encode_tree = _unchanged if place is Place.JSON else encode

    def formatted(value: Value) -> str:
        kind = type(value)
        if kind is str:
            return encode(value)
        if value is None or value is NOTHING:
            return ""
        if kind is int:
            return str(value)
        if isinstance(value, MadeText) and value.place is place:
            return str(value)
        if kind is Raw or kind is float:
            # the plus sign of an exponent is a blank to whoever reads a query
            return encode(digits_of(value) if kind is Raw else print_double(value))
        if kind is list or kind is dict:
            return encode_tree(json_of(value))
        if isinstance(value, PrintedList) and place is Place.JSON:
            return json_of(list(value))
        if kind is bool or isinstance(value, (str, PrintedList)):
            return encode(text_of(value))
        return ""

    return formatted


triple_braces: Formatter = text_of
"""The printer of ``{{{ }}}``: as JavaScript turns a value into text."""
