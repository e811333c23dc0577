"""Where ``token`` and ``url`` find what leads to the next page: at a path of the body, or in a header (exports-imports.md 4.1)."""

from __future__ import annotations

from fairlead.domain.errors import ApplicationFailure, Problem
from fairlead.domain.jsonvalue import text_of
from fairlead.domain.paths import NOTHING
from fairlead.domain.selector import Selector
from fairlead.engine.ports import Page


def pointer(page: Page, path: str, location: str | None) -> str | None:
    """The text at ``path``, in XML an XPath; ``None`` for nothing, null and ``""`` (rule 5). In a header ``path`` is its name, in any case. Raises
    ``ApplicationFailure`` (``invalid_response``) for an object or array, which no request can carry."""
    if location == "header":
        return page.response.headers.get(path) or None
    value = Selector.of(path).first(page.body())
    if value is NOTHING or value is None or value == "":
        return None
    if isinstance(value, (dict, list)):
        message = f"what the answer holds at {path} leads to no next page: it is neither a text nor a number"
        raise ApplicationFailure(Problem("invalid_response", message, source="application"))
    return text_of(value)
