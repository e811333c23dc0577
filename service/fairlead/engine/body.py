"""The body of an answer, read by the right media type, at most once and only when somebody looks (connections.md 1.2, 5.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fairlead.domain.charset import readable
from fairlead.domain.http import HttpResponse
from fairlead.domain.paths import NOTHING
from fairlead.domain.registry import Registry
from fairlead.engine.ports import Codec, Json, UnreadableBody

_UNREAD = object()
_SHOWN: Final = 1 << 20


class Body:
    """One answer's body. ``codec`` is ``None`` when the configured media type is not one that this build reads."""

    __slots__ = ("_response", "_value", "charset", "codec")

    def __init__(self, response: HttpResponse, codec: Codec | None, charset: str | None) -> None:
        self._response = response
        self.codec = codec
        self.charset = charset
        self._value: object = _UNREAD

    def value(self) -> Json:
        """The decoded body; raises ``UnreadableBody``. An answer without a codec has no values."""
        if self._value is _UNREAD:
            if self.codec is None:
                raise UnreadableBody("the answer's media type has no values")
            self._value = self.codec.parse(self._response.body, self.charset)
        return self._value

    def value_or_nothing(self) -> Json:
        """The decoded body, or ``NOTHING`` when it cannot be read: a path into it finds nothing."""
        try:
            return self.value()
        except UnreadableBody:
            return NOTHING

    def text(self) -> str:
        """The first mebibyte of the body as text for a message, whatever it is: bytes that do not decode are replaced."""
        return readable(self._response.body[:_SHOWN], self.charset)


@dataclass(frozen=True, slots=True)
class BodyReader:
    """Chooses the codec: the resource's or connection's success or error media type first, without one the answer's
    ``Content-Type``, then the connection's ``mediaType`` (connections.md 5.1)."""

    codecs: Registry[Codec]
    by_content_type: Callable[[str], tuple[str | None, str | None]]
    """``Content-Type`` -> (media type word, charset)."""
    media_type: str
    success_media_type: str | None = None
    error_media_type: str | None = None

    def read(self, response: HttpResponse, success: str | None, error: str | None) -> Body:
        """The body of ``response`` for a resource that says ``success`` and ``error``."""
        good = success or self.success_media_type
        configured = good if response.status < 400 else error or self.error_media_type or good
        word, charset = self.by_content_type(response.headers.get("Content-Type") or "")
        return Body(response, self.codecs.get(configured or word or self.media_type), charset)
