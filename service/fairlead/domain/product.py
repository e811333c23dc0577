"""What this program calls itself towards applications."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
USER_AGENT: Final = f"fairlead/{VERSION}"
"""``User-Agent`` of every request to an application (connections.md 13.2)."""
ACCEPT_ENCODING: Final = "gzip, deflate"
"""Content codings that answers may have (connections.md 13.2): what the transport inflates."""
