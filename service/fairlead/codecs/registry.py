"""The media types of this build. A new one is its own file and one line here."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from fairlead.codecs.json import JsonCodec
from fairlead.domain.registry import Registry
from fairlead.engine.ports import Codec

codecs: Final[Registry[Codec]] = Registry("media type")
codecs.add(JsonCodec.media_type, JsonCodec())

_WORDS: Final = (
    ("json", re.compile(r"(application|text)/(x-)?json|[^/]+/[^/]+\+json")),
    ("xml", re.compile(r"(application|text)/xml|[^/]+/[^/]+\+xml")),
    ("csv", re.compile(r"text/csv|application/csv")),
    ("urlencoded", re.compile(r"application/x-www-form-urlencoded")),
    ("form-data", re.compile(r"multipart/form-data")),
    ("plaintext", re.compile(r"text/(plain|html)")),
)
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')


@lru_cache(maxsize=512)
def codec_for_content_type(header: str) -> tuple[str | None, str | None]:
    """The contract's word for a ``Content-Type`` (``None``: it says nothing that we know) and its charset. The word may name a media
    type without a codec in this build; look it up in ``codecs``."""
    if len(header) > 1000:
        return None, None
    essence = header.partition(";")[0].strip().lower()
    word = next((word for word, pattern in _WORDS if pattern.fullmatch(essence)), None)
    charset = next((value for name, value in _PARAMETER.findall(header) if name.lower() == "charset"), "")
    return word, charset.strip().strip('"') or None
