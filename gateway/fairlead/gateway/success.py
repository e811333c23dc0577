"""The answer of a call that went well: status, body, and the headers that its message carries (D2, contract.md 1.11)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import quote, urlencode

from fairlead.contract.printer import print_json
from fairlead.contract.routes import Route
from fairlead.gateway.answer import JSON, Answer
from fairlead.gateway.binding import Bound
from fairlead.gateway.browser import page_answer
from fairlead.gateway.dispatcher import Reply

LARGEST_WINDOW: Final = 1000
"""Elements of a list when ``limit`` is not given (contract.md 1.11)."""

_OWN: Final = frozenset({"content-encoding", "content-length", "content-type", "date", "server", "x-request-id"})
"""Headers that this edge sets; a service's own are not passed on."""

_IGNORED_BYTES: Final = 4096


class SuccessPrinter:
    """Writes the answers of one route."""

    __slots__ = ("_empty_lists", "_headers", "_route")

    def __init__(self, route: Route, empty_lists: int) -> None:
        self._route: Final = route
        self._empty_lists: Final = empty_lists
        self._headers: Final = tuple((plan.header, plan.name) for plan in route.response_plan.fields if plan.header)

    def answer(self, reply: Reply, bound: Bound, here: Callable[[], str]) -> Answer:
        """``here`` gives the URL of the request without its query; asked for ``Link`` only."""
        route = self._route
        message: Any = reply.message
        if route.rules.page:
            return page_answer(message)
        headers = [(name, value) for name, value in reply.headers if name.lower() not in _OWN and _is_ours(name)]
        headers += [(header, getattr(message, name)) for header, name in self._headers if getattr(message, name)]
        if bound.ignored:
            headers.append(("Fairlead-Ignored-Fields", _listed(bound.ignored)))
        if route.is_list:
            link = _link(bound, more=message.more, here=here)
            if link:
                headers.append(("Link", link))
            if self._empty_lists == 204 and not getattr(message, route.response_body or ""):
                return Answer(204, None, headers)
        if route.success_status == 204:
            return Answer(204, None, headers)
        return Answer(route.success_status, print_json(message, field=route.response_body), [JSON, *headers])


def _is_ours(name: str) -> bool:
    """Initial metadata holds what gRPC itself sends, too."""
    return not name.startswith((":", "grpc-")) and not name.endswith("-bin")


def _link(bound: Bound, *, more: bool, here: Callable[[], str]) -> str:
    request: Any = bound.message
    skip = int(request.skip or 0)
    limit = int(request.limit or LARGEST_WINDOW)
    if not more and not skip:
        return ""
    others = [(name, value) for name, value in bound.query if name not in ("skip", "limit")]
    url = here()

    def part(start: int, relation: str) -> str:
        query = urlencode([("skip", start), ("limit", limit), *others])
        return f'<{url}?{query}>; rel="{relation}"'

    parts = [part(skip + limit, "next")] if more else []
    if skip:
        parts.append(part(max(0, skip - limit), "prev"))
    return ", ".join(parts)


def _listed(paths: Iterable[str]) -> str:
    """Paths for a header: what is not printable ASCII is percent-encoded; cut after 4 KiB."""
    text = ""
    for path in paths:
        word = quote(path, safe="!#$&'()*+/:;=?@[]^_`{|}~-. ", errors="replace")
        if len(text) + len(word) > _IGNORED_BYTES:
            return f"{text}, ..."
        text = f"{text}, {word}" if text else word
    return text
