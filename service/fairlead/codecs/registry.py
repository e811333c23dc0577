"""The media types of this build. A new one is its own file and one line here."""

from __future__ import annotations

from typing import Final

from fairlead.codecs.json import JsonCodec
from fairlead.codecs.xml import XmlCodec
from fairlead.domain.registry import Registry
from fairlead.engine.ports import Codec

codecs: Final[Registry[Codec]] = Registry("media type")
codecs.add(JsonCodec.media_type, JsonCodec())
codecs.add(XmlCodec.media_type, XmlCodec())
