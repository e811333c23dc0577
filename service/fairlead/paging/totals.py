"""What an application tells about the size of its list, and rule 4 that goes by it (exports-imports.md 4.1, 4.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from fairlead.domain.jsonvalue import number_of
from fairlead.domain.selector import Selector
from fairlead.engine.ports import Json, Page

_DIGITS: Final = re.compile(r"[0-9]{1,18}")


def total(paging: Mapping[str, Json], name: str, body: Callable[[], Json]) -> int | None:
    """The whole number at the path that setting ``name`` holds, in XML an XPath; the body is decoded only when the setting is there. Numeric text
    counts. ``None`` when nothing usable is there."""
    path = paging.get(name)
    if not path:
        return None
    value = Selector.of(path).first(body())
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        return int(value)
    number = number_of(value)
    return int(number) if number is not None and 0 <= number < 1e18 else None


def all_told(paging: Mapping[str, Json], page: Page) -> bool:
    """Rule 4: as many requests were made as there are pages, or as many records received as there are; the first wins when both
    settings are there."""
    if paging.get("maxPagePath"):
        pages = total(paging, "maxPagePath", page.body)
        return pages is not None and page.requests_made >= pages
    records = total(paging, "maxCountPath", page.body)
    return records is not None and page.records_so_far >= records
