"""The syntax tree of a template."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Strip:
    """The ``~`` of one tag: white space before it, white space after it."""

    before: bool = False
    after: bool = False


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, number, boolean, null or undefined written in the template."""

    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Path:
    """``../a.[b c].d``: ``depth`` scopes up, then the parts. ``data`` for ``@x``; ``scoped`` when it began with ``this``, ``.`` or ``..``."""

    parts: tuple[str, ...]
    source: str
    position: int
    depth: int = 0
    data: bool = False
    scoped: bool = False

    @property
    def name(self) -> str | None:
        """The bare name when the path is nothing else, and so could be a helper."""
        return self.parts[0] if len(self.parts) == 1 and not (self.data or self.scoped) else None

    @property
    def dotted(self) -> str:
        """Its parts joined with dots."""
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Call:
    """``head argument... name=value...``: a path alone, or a helper with its arguments."""

    head: Path
    arguments: tuple[Expression, ...]
    named: tuple[tuple[str, Expression], ...]
    position: int

    @property
    def is_bare(self) -> bool:
        """No arguments of either kind."""
        return not self.arguments and not self.named


Expression = Literal | Path | Call


@dataclass(slots=True)
class Text:
    """Literal text. ``original`` is what it was before white space control."""

    value: str
    original: str = ""
    trimmed_before: bool = False
    trimmed_after: bool = False

    def __post_init__(self) -> None:
        self.original = self.value


@dataclass(slots=True)
class Comment:
    """A comment: prints nothing, and a line with nothing else vanishes."""

    strip: Strip


@dataclass(slots=True)
class Output:
    """``{{ }}`` (``escaped``) or ``{{{ }}}``."""

    call: Call
    escaped: bool
    strip: Strip


@dataclass(slots=True)
class Link:
    """One part of a block: its test (``None`` for a plain ``{{else}}`` and raw blocks), the names after ``as``, its statements."""

    call: Call | None
    params: tuple[str, ...]
    strip: Strip
    body: list[Statement] = field(default_factory=list)


@dataclass(slots=True)
class Block:
    """``{{#x}}...{{else y}}...{{else}}...{{/x}}``; ``inverted`` when it began with ``{{^x}}``."""

    links: list[Link]
    inverted: bool
    position: int
    strip: Strip = field(default_factory=Strip)
    """Of the closing tag."""


Statement = Text | Comment | Output | Block
