"""The media types of this build. A new one is its own file and one line here."""

from __future__ import annotations

from typing import Final

from fairlead.codecs.csv import CsvCodec
from fairlead.codecs.form_data import FormDataCodec
from fairlead.codecs.json import JsonCodec
from fairlead.codecs.plaintext import PlaintextCodec
from fairlead.codecs.urlencoded import UrlencodedCodec
from fairlead.codecs.xml import XmlCodec
from fairlead.domain.registry import Registry
from fairlead.engine.ports import Codec

codecs: Final[Registry[Codec]] = Registry("media type")
codecs.add(CsvCodec.media_type, CsvCodec())
codecs.add(FormDataCodec.media_type, FormDataCodec())
codecs.add(JsonCodec.media_type, JsonCodec())
codecs.add(PlaintextCodec.media_type, PlaintextCodec())
codecs.add(UrlencodedCodec.media_type, UrlencodedCodec())
codecs.add(XmlCodec.media_type, XmlCodec())
