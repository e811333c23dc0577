"""What ``page`` and ``skip`` share: a number that grows, in a template variable or in a query parameter of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from fairlead.domain import urls
from fairlead.domain.document import Tree
from fairlead.engine.ports import Json, Page
from fairlead.paging.totals import all_told

_NUMBER: Final = re.compile(r"-?[0-9]{1,18}")


def first_value(paging: Mapping[str, Json], name: str) -> Tree:
    """The setting ``name``, default 0. With an ``argument`` (``rest`` notation) the first request goes out as configured and its
    number is known when it is built (exports-imports.md 4.4)."""
    return {} if paging.get("argument") else {name: int(paging.get(name) or 0)}


def advanced(paging: Mapping[str, Json], state: Tree, page: Page, *, name: str, step: int, default: int) -> Tree | None:
    """The next value, ``step`` further; nothing when the application told that this was all (rule 4). ``default`` is the value of a
    first request whose URI does not carry the argument."""
    if all_told(paging, page):
        return None
    argument = paging.get("argument")
    if not argument:
        return {name: state[name] + step}
    value = (state[name] if name in state else _in_query(page.request.url, argument, default)) + step
    return {name: value, "query": {argument: str(value)}}


def _in_query(url: str, argument: str, default: int) -> int:
    for name, value in urls.query_pairs(url):
        if name == argument and _NUMBER.fullmatch(value):
            return int(value)
    return default
