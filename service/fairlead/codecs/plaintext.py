"""``text/plain`` in both directions (exports-imports.md 2.3, 9.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fairlead.codecs.charset import to_text
from fairlead.codecs.members import in_utf8, text_in_body
from fairlead.domain import jsonvalue
from fairlead.engine.ports import BodyTooLarge, ReadOptions

MAX_BYTES: Final = 20 * 1024 * 1024
"""Bytes of a text that is one record: a larger one is not delivered (contract.md 1.15)."""


class PlaintextCodec:
    """The whole text is one record."""

    media_type = "plaintext"

    def parse(self, body: bytes, charset: str | None) -> str:
        """The text: paths find nothing in it, ``$`` finds all of it (connections.md 5.1). Raises ``UnreadableBody``."""
        return to_text(body, charset)

    def records(self, body: bytes, charset: str | None, options: ReadOptions) -> list[bytes]:
        """``{"value":"<text>"}``; none of an empty body. Raises ``UnreadableBody``."""
        if len(body) > MAX_BYTES:
            raise BodyTooLarge(f"the body has {len(body)} bytes, a text at most {MAX_BYTES}")
        text = to_text(body, charset, options.encoding)
        return [jsonvalue.dumps({"value": text})] if text else []

    def write(self, record: bytes) -> bytes:
        """The text of the only member, else the record's JSON text, compact (exports-imports.md 14): a line, whatever it looked like.
        Raises ``InvalidContent``."""
        value = jsonvalue.loads(record)
        if isinstance(value, dict) and len(value) == 1:
            (value,) = value.values()
            return in_utf8(text_in_body(value), self.media_type)
        return jsonvalue.dumps(value)

    def write_batch(self, records: Sequence[bytes]) -> bytes:
        """A line a record, without a line feed at the end."""
        return b"\n".join(map(self.write, records))
