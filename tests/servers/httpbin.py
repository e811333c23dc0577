"""httpbin as a process of its own."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.servers.process import NotReady, free_port, listens, needs, running

needs_httpbin = needs(
    importlib.util.find_spec("httpbin") is not None, "httpbin is missing; `make install` brings it (PyPI, `httpbin`)"
)


@contextmanager
def httpbin() -> Iterator[str]:
    """Its base URL."""
    with TemporaryDirectory(prefix="fairlead-httpbin-") as name:
        for attempt in range(3):
            port = free_port()
            words = [sys.executable, "-W", "ignore", "-m", "httpbin.core", "--port", str(port)]
            try:
                with running(words, Path(name) / "output.log", lambda: listens(port)):  # noqa: B023  # used within this round
                    yield f"http://127.0.0.1:{port}"
                    return
            except NotReady:
                if attempt == 2:  # somebody else took the port between the look and the start
                    raise
