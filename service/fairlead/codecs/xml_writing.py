"""Members of a record as elements, attributes and text (exports-imports.md 9.3)."""

from __future__ import annotations

import re
from typing import Final

from fairlead.codecs.members import shown, text_in_body, unwritable
from fairlead.domain.jsonvalue import Json

_START: Final = "A-Z_a-z\xc0-\xd6\xd8-\xf6\xf8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
_NCNAME: Final = rf"[{_START}][{_START}\-.0-9\xb7\u0300-\u036f\u203f-\u2040]*"
_NAME: Final = re.compile(rf"{_NCNAME}(?::{_NCNAME})?")
"""Names in XML 1.0, 2.3, one prefix allowed: who maps to ``soap:Body`` maps to ``@xmlns:soap`` too."""
_NO_LETTER: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_IN_ATTRIBUTE: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
)
_MAX_DEPTH: Final = 256


def element_text(name: str, value: Json) -> str:
    """One element. Raises ``InvalidContent`` for names and letters that XML does not have."""
    written: list[str] = []
    _element(written, name, value, _MAX_DEPTH)
    return "".join(written)


def _element(written: list[str], name: str, value: Json, depth: int) -> None:
    _check_name(name)
    if depth == 0:
        raise unwritable("xml", f"it has more than {_MAX_DEPTH} levels")
    written.append(f"<{name}")
    if isinstance(value, dict):
        for key, item in value.items():
            if key.startswith("@"):
                _check_name(key[1:])
                written.append(f' {key[1:]}="{_text(item, key).translate(_IN_ATTRIBUTE)}"')
    written.append(">")
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "#text":
                written.append(_text(item, key).translate(_ENTITIES))
            elif not key.startswith("@"):
                for one in item if isinstance(item, list) else (item,):
                    _element(written, key, one, depth - 1)
    elif isinstance(value, list):
        for item in value:
            _element(written, name, item, depth - 1)
    else:
        written.append(_text(value, name).translate(_ENTITIES))
    if written[-2:] == [">", ""]:
        written[-2:] = ["/>"]
    elif written[-1] == ">":
        written[-1] = "/>"
    else:
        written.append(f"</{name}>")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise unwritable("xml", f"{shown(name)} is no name of an element or attribute")


def _text(value: Json, name: str) -> str:
    text = text_in_body(value)
    found = _NO_LETTER.search(text)
    if found:
        raise unwritable("xml", f"the text at {shown(name)} holds U+{ord(found[0]):04X}, which XML does not have")
    return text
