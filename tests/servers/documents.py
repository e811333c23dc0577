"""An application whose answers are documents made by name, in a process of its own: ``python -m tests.servers.documents MODULE PORT``.

``MODULE`` has a mapping ``DOCUMENTS`` from names to ``Document``. Any method of ``/NAME`` answers it; ``/asked`` says how often each was.
"""

from __future__ import annotations

import importlib
import json
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from tests.servers.process import free_port, listens, running

ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Document:
    """One answer: its ``Content-Type``, how its bytes are made, and headers that it has besides. ``short``: so many bytes fewer are sent
    than announced."""

    content_type: str
    make: Callable[[], bytes]
    headers: tuple[tuple[str, str], ...] = ()
    status: int = 200
    short: int = 0


@contextmanager
def application(module: str, folder: Path) -> Iterator[str]:
    """The URL of an application with the documents of a module."""
    port = free_port()
    words: list[str | Path] = [sys.executable, "-c", _START, str(ROOT), module, str(port)]
    with running(words, folder / "documents.log", lambda: listens(port)):
        yield f"http://127.0.0.1:{port}"


def asked(url: str) -> Counter[str]:
    """How often each document was asked for."""
    with urllib.request.urlopen(f"{url}/asked") as answer:
        return Counter(json.load(answer))


_START: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); from tests.servers.documents import main; main(*sys.argv[2:])"
)


def main(module: str, port: str) -> None:
    """Serve until the process is stopped."""
    documents: dict[str, Document] = importlib.import_module(module).DOCUMENTS
    counts: Counter[str] = Counter()

    @lru_cache(maxsize=1)
    def body_of(name: str) -> bytes:
        return documents[name].make()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            name = self.path.partition("?")[0].strip("/")
            if name == "asked":
                return self.write(Document("application/json", lambda: b""), json.dumps(counts).encode())
            counts[name] += 1
            return self.write(documents[name], body_of(name))

        def write(self, document: Document, body: bytes) -> None:
            self.send_response(document.status)
            self.send_header("Content-Type", document.content_type)
            self.send_header("Content-Length", str(len(body)))
            for header in document.headers:
                self.send_header(*header)
            self.end_headers()
            try:
                self.wfile.write(body[: len(body) - document.short])
            except OSError:  # the service hangs up on what is too much
                self.close_connection = True
            self.close_connection |= bool(document.short)

        do_GET = do_POST = do_PUT = answer

        def log_message(self, *arguments: Any) -> None:
            """Nothing: the tests count."""

    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
