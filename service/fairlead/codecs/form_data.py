"""``multipart/form-data``, written only (exports-imports.md 9.3; RFC 7578)."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from fairlead.codecs.members import in_utf8, members_of, text_in_body
from fairlead.domain.jsonvalue import Json
from fairlead.engine.ports import UnreadableBody

_NAME: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""The form-data encoding of names (HTML Standard, multipart form data)."""


class FormDataCodec:
    """One part per member of the record. The boundary is the digest of the parts: no part can hold it, and a request that is made twice
    is the same request."""

    media_type = "form-data"

    def parse(self, body: bytes, charset: str | None) -> Json:
        """Answers in parts are not read: raises ``UnreadableBody`` unless the body is empty."""
        if body:
            raise UnreadableBody("the body is multipart/form-data, which is written and not read")
        return None

    def write(self, record: bytes) -> bytes:
        """The parts; objects and arrays as JSON text, null as an empty part. Raises ``InvalidContent``."""
        parts = [_part(name, value) for name, value in members_of(record, self.media_type).items()]
        boundary = b"fairlead-" + sha256(b"".join(parts)).hexdigest()[:40].encode()
        return b"".join(b"--%b\r\n%b" % (boundary, part) for part in parts) + b"--%b--\r\n" % boundary


def _part(name: str, value: Json) -> bytes:
    head = f'Content-Disposition: form-data; name="{name.translate(_NAME)}"\r\n\r\n'
    return in_utf8(f"{head}{text_in_body(value)}\r\n", FormDataCodec.media_type)
