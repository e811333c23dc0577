"""A TLS server that says why it hangs up: asyncio's own drops the alert."""

from __future__ import annotations

import socketserver
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread


class _Handler(socketserver.BaseRequestHandler):
    """One connection: a handshake, and an answer to whatever comes then."""

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, RefusingServer)
        try:
            with server.tls.wrap_socket(self.request, server_side=True) as connection:
                if connection.recv(65536):
                    server.served += 1
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        except OSError:
            server.refused += 1


class RefusingServer(socketserver.ThreadingTCPServer):
    """Counts whom it served, and connections that came to nothing."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tls = tls
        self.served = self.refused = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://localhost:{self.server_address[1]}/"


@contextmanager
def refusing_server(tls: ssl.SSLContext) -> Iterator[RefusingServer]:
    """The server, at work."""
    with RefusingServer(tls) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
