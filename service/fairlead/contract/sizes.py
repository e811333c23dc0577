"""How large messages and their metadata may be: the same at both ends of a channel (contract.md 1.15, 1.17; D19)."""

from __future__ import annotations

from typing import Final

MESSAGE_BYTES: Final = 32 * 1024 * 1024

CHANNEL_SIZES: Final = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.max_metadata_size", 128 * 1024),
    ("grpc.absolute_max_metadata_size", 256 * 1024),
)
"""Options for a gRPC server or channel."""
