"""Media types, both directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from fairlead.engine.ports.values import Json


class UnreadableBody(Exception):
    """A body is not what its media type says. ``message`` names the position, never the content."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Codec(Protocol):
    """Reads the answers of one media type, for paths into them (connections.md 5.1)."""

    media_type: str
    """The word of the contract: ``json``."""

    def parse(self, body: bytes, charset: str | None) -> Json:
        """The decoded body; ``None`` for an empty one. Raises ``UnreadableBody``."""


@runtime_checkable
class RecordCodec(Codec, Protocol):
    """A media type whose answers become records, and records bodies (connections.md 13.3, exports-imports.md 2)."""

    def records(self, body: bytes, charset: str | None, resource_path: str | None) -> list[bytes] | None:
        """The records at ``resource_path`` as raw JSON text each, verbatim where the format is JSON (exports-imports.md 2.2).
        ``None`` when the path finds nothing. Raises ``UnreadableBody``."""

    def write(self, record: bytes) -> bytes:
        """A request body from one record (raw JSON text)."""

    def write_batch(self, records: Sequence[bytes]) -> bytes:
        """A request body from several records."""
