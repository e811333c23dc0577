"""One service per test, on an empty store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.unit.engine.serving import Service, serving


@pytest_asyncio.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """Everything real but the wire and the clock."""
    async with serving(tmp_path) as opened:
        yield opened
