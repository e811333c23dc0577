"""Single braces of the earlier edition (exports-imports.md 9.9)."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

_SINGLE_BRACES: Final = re.compile(r"\{([^{}]+)\}")


def single_braces(text: str, lookups: Collection[str]) -> str:
    """``{name}`` as a template: the lookup of that name if there is one, else the record's member. A text with ``{{`` stays as it is."""
    if "{{" in text:
        return text

    def braced(found: re.Match[str]) -> str:
        name = found[1]
        return f"{{{{lookup.[{name}]}}}}" if name in lookups else f"{{{{record.[{name}]}}}}"

    return _SINGLE_BRACES.sub(braced, text)
