"""Answers for a person in a browser: rpcs with the option ``page``, and what the edge refuses on their paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fairlead.contract.page import page
from fairlead.gateway.answer import Answer
from fairlead.gateway.errors import error_headers
from fairlead.v1 import common_pb2

_HEADERS: Final = (
    ("Content-Type", "text/html; charset=utf-8"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    # The URL of the page holds a code.
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
)


def page_answer(message: Any) -> Answer:
    """The page that the service made; ``message`` has the fields ``status``, ``location`` and ``html``."""
    location = [("Location", message.location)] if message.location else []
    return Answer(message.status or 200, message.html.encode(), [*_HEADERS, *location])


def page_unread() -> Answer:
    """The answer to HEAD: the page is not made, because making it uses it up."""
    return Answer(200, b"", list(_HEADERS))


def page_error(listed: common_pb2.ErrorList, headers: Sequence[tuple[str, str]] = ()) -> Answer:
    """An error list as a page."""
    sentence = ". ".join(error.message for error in listed.errors)
    return Answer(
        listed.http_status or 500, page(sentence, good=False).encode(), [*_HEADERS, *headers, *error_headers(listed)]
    )
