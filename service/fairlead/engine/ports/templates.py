"""Templates: where they stand, what they see, how they are compiled (handlebars.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from fairlead.engine.ports.values import Json


class Place(Enum):
    """Where a rendered text stands; decides how double braces format a value (handlebars.md 3)."""

    URI = "uri"
    JSON = "json"
    XML = "xml"
    FORM = "form"
    PLAIN = "plain"


class TemplateError(Exception):
    """A template cannot be compiled, or went over a bound while rendering. ``message`` is for the user."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(slots=True)
class RegexTime:
    """Seconds that the regular expressions of one call of the API may still take (handlebars.md 6.6)."""

    left: float = 2.0


@dataclass(slots=True)
class Scope:
    """What a template sees while it renders.

    ``context``: the names at the top level (handlebars.md 2.1). ``record_names``: when set, the members of ``context["record"]`` are
    names at the top level too, context names first. ``lookups``: static lookups by name, ``value -> result`` or ``None`` for no match.
    ``signing``: the members of ``hashOptions`` and ``hmacOptions`` of the request in the making, for ``hmac``, ``hash`` and ``aws4``;
    ``aws4`` adds ``X-Amz-Date`` and ``X-Amz-Security-Token`` to its ``headers`` when they are missing. ``regex_time`` is shared by the
    scopes of one call.
    """

    context: Mapping[str, Json] = field(repr=False)
    now: datetime
    lookups: Mapping[str, Callable[[Json], Json]] = field(default_factory=dict)
    signing: Callable[[], Mapping[str, Json]] | None = None
    record_names: bool = False
    dynamic: Callable[[str], Json] | None = None
    """The result of the dynamic lookup of that name for the record in hand, nothing found as ``None``; raises ``LookupPending``."""
    regex_time: RegexTime = field(default_factory=RegexTime)


class Template(Protocol):
    """A compiled template."""

    @property
    def text(self) -> str:
        """The source."""

    @property
    def paths(self) -> frozenset[str]:
        """Dotted paths that it reads, as written (``export.http.paging.page``)."""

    @property
    def helpers(self) -> frozenset[str]:
        """Inline helpers that it calls."""

    def render(self, scope: Scope) -> str:
        """The text; raises ``TemplateError`` when a bound is exceeded or, in strict mode, a path finds nothing."""


class Templates(Protocol):
    """Compiles templates; compiling the same text twice is cheap."""

    def compile(self, text: str, place: Place, *, strict: bool = False) -> Template:
        """Raises ``TemplateError``."""
