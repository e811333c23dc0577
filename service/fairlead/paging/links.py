"""Addresses of next pages as an application writes them (exports-imports.md 4.2)."""

from __future__ import annotations

from fairlead.domain import urls
from fairlead.domain.errors import ApplicationFailure, Problem


def next_url(current: str, reference: str) -> str:
    """The absolute URL that ``reference`` means on page ``current``; ``http`` of the same host is raised to the ``https`` of the page.
    Raises ``ApplicationFailure``: ``paging_origin_mismatch`` for another host or port, ``invalid_response`` for what is no URL."""
    try:
        url = urls.resolve(current, reference)
        here, there = urls.origin(current), urls.origin(url)
    except urls.UrlError:
        message = "the address of the next page in the answer is not a usable URL"
        raise ApplicationFailure(Problem("invalid_response", message, source="application")) from None
    if there == here:
        return url
    default_ports = (here.port, there.port) == (443, 80)
    if (here.scheme, there.scheme) == ("https", "http") and there.host == here.host:
        if there.port == here.port:
            return "https" + url[url.index("://") :]
        if default_ports:
            return urls.resolve(current, _path_of(url))
    message = (
        f"the next page is at {there.scheme}://{there.host}:{there.port}, the export runs at "
        f"{here.scheme}://{here.host}:{here.port}; credentials are not sent to another host or port"
    )
    raise ApplicationFailure(Problem("paging_origin_mismatch", message, source="application"))


def _path_of(url: str) -> str:
    path, query = urls.path_and_query(url)
    return f"{path or '/'}?{query}" if query else path or "/"
