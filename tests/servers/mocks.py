"""Mocks of well-known applications that check each request against the application's own description, and a SOAP service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.servers.process import command, free_port, listens, needs, program, running

HERE: Final = Path(__file__).parent
MODULES: Final = HERE / "openapi" / "node_modules"
STRIPE: Final = HERE / "openapi" / "target" / "stripe-mock"
SOAP: Final = HERE / "soap"
READY: Final = re.compile(r"^ready (\S+)$", re.M)

_MAKE: Final = "install Node.js 20 with npm, and Go, then `make mocks`"
needs_github = needs(
    program("node") is not None and (MODULES / "@octokit").is_dir(), f"the mock of GitHub is missing; {_MAKE}"
)
needs_stripe = needs(STRIPE.is_file(), f"the mock of Stripe is missing; {_MAKE}")
needs_soap = needs(
    program("node") is not None and (SOAP / "node_modules" / "soap").is_dir(), f"the SOAP service is missing; {_MAKE}"
)


@contextmanager
def github() -> Iterator[str]:
    """Prism with the published description of GitHub's API; its base URL."""
    port = free_port()
    prism = MODULES / "@stoplight" / "prism-cli" / "dist" / "index.js"
    document = MODULES / "@octokit" / "openapi" / "generated" / "api.github.com.json"
    with TemporaryDirectory(prefix="fairlead-github-") as name:
        words = command("node", prism, "mock", "--errors", "--port", str(port), document)
        with running(words, Path(name) / "output.log", lambda: listens(port)):
            yield f"http://127.0.0.1:{port}"


@contextmanager
def stripe() -> Iterator[str]:
    """stripe-mock: bodies are urlencoded with nested names; what its description does not know is refused. Its base URL."""
    port = free_port()
    with (
        TemporaryDirectory(prefix="fairlead-stripe-") as name,
        running([STRIPE, "-http-port", str(port)], Path(name) / "output.log", lambda: listens(port)),
    ):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def soap() -> Iterator[str]:
    """A warehouse behind SOAP 1.1; its base URL."""
    with TemporaryDirectory(prefix="fairlead-soap-") as name:
        log = Path(name) / "output.log"
        with running(command("node", SOAP / "server.mjs"), log, lambda: bool(READY.search(log.read_text("utf-8")))):
            found = READY.search(log.read_text("utf-8"))
            assert found
            yield found[1]
