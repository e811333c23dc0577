"""Splits a template into text, comments, raw blocks and tags; tags into tokens (handlebars.md 1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from fairlead.engine.ports import TemplateError


class TagKind(Enum):
    """What the braces of a tag say."""

    OUTPUT = "{{"
    UNESCAPED = "{{{"
    OPEN = "{{#"
    INVERTED = "{{^"
    ELSE = "{{else"
    CLOSE = "{{/"
    COMMENT = "{{!"
    RAW = "{{{{"


class TokenKind(Enum):
    """What a piece of a tag is."""

    NAME = "name"
    BRACKETS = "brackets"
    SEPARATOR = "separator"
    STRING = "string"
    NUMBER = "number"
    EQUALS = "="
    OPEN = "("
    CLOSE = ")"
    DATA = "@"
    PARAMS = "as |"
    PIPE = "|"


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a tag; ``text`` without quotes or brackets."""

    kind: TokenKind
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Literal text between tags."""

    text: str


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag. ``content`` is the inside of a raw block."""

    kind: TagKind
    position: int
    tokens: tuple[Token, ...] = ()
    strip_before: bool = False
    strip_after: bool = False
    content: str = ""


_TOKEN: Final = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<dq>"(?:\\"|[^"])*")
    | (?P<sq>'(?:\\'|[^'])*')
    | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?=[=~}\s)|]|\Z))
    | (?P<params>as\s+\|)
    | (?P<up>\.\.)
    | (?P<dot>\.(?=[=~}\s/.)|]|\Z))
    | (?P<separator>[./])
    | (?P<equals>=)
    | (?P<open>\()
    | (?P<close>\))
    | (?P<data>@)
    | (?P<pipe>\|)
    | (?P<name>[^\s!"\#%-,./;->@\[-^`{-~]+(?=[=~}\s/.)|]|\Z))
    | \[(?P<brackets>(?:\\\]|[^\]])*)\]
    """,
    re.VERBOSE,
)
_KINDS: Final = {
    "number": TokenKind.NUMBER,
    "params": TokenKind.PARAMS,
    "up": TokenKind.NAME,
    "dot": TokenKind.NAME,
    "separator": TokenKind.SEPARATOR,
    "equals": TokenKind.EQUALS,
    "open": TokenKind.OPEN,
    "close": TokenKind.CLOSE,
    "data": TokenKind.DATA,
    "pipe": TokenKind.PIPE,
    "name": TokenKind.NAME,
}
_ELSE: Final = re.compile(r"\s*else(?=[\s~}])")
_LONE_CARET: Final = re.compile(r"\s*(?=~?\}\})")
_BRACKET_ESCAPE: Final = re.compile(r"\\([\\\]])")
_END: Final = re.compile(r"(~?)\}\}")
_END_UNESCAPED: Final = re.compile(r"\}(~?)\}\}")
_END_RAW: Final = re.compile(r"\}\}\}\}")
_LONG_COMMENT_END: Final = re.compile(r"--(~?)\}\}")
_ESCAPED_END: Final = re.compile(r"\\{0,2}\{\{")
_RAW_TAG: Final = re.compile(r"\{\{\{\{(/?)([^\s!\"#%-,./;->@\[-^`{-~]*)(\}\}\}\})?")


def error_at(source: str, position: int, message: str) -> TemplateError:
    """A compile error that says where: lines and columns count from 1."""
    line = source.count("\n", 0, position) + 1
    column = position - source.rfind("\n", 0, position)
    return TemplateError(f"line {line}, column {column}: {message}")


class Lexer:
    """Reads one template from left to right."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0

    def __iter__(self) -> Iterator[Chunk | Tag]:
        source = self._source
        while self._at < len(source):
            opening = source.find("{{", self._at)
            if opening < 0:
                yield Chunk(source[self._at :])
                return
            text = source[self._at : opening]
            escaped = text.endswith("\\") and not text.endswith("\\\\")
            if text.endswith("\\"):
                text = text[:-1]
            if text:
                yield Chunk(text)
            if escaped:
                following = _ESCAPED_END.search(source, opening + 2)
                self._at = following.start() if following else len(source)
                yield Chunk(source[opening : self._at])
            else:
                yield self._tag(opening)

    def error(self, position: int, message: str) -> TemplateError:
        """A compile error at that position."""
        return error_at(self._source, position, message)

    def _tag(self, opening: int) -> Tag:
        source = self._source
        if source.startswith("{{{{", opening):
            return self._raw(opening)
        at = opening + 2
        before = source.startswith("~", at)
        at += before
        mark = source[at : at + 1]
        if mark == "!":
            return self._comment(opening, at, before)
        if mark == ">" or source.startswith("#>", at):
            raise self.error(opening, "partials ({{> name}}) are not available")
        if mark == "*" or source.startswith("#*", at):
            raise self.error(opening, "decorators ({{* name}}) are not available")
        kind, end = TagKind.OUTPUT, _END
        if mark == "{":
            kind, end, at = TagKind.UNESCAPED, _END_UNESCAPED, at + 1
        elif mark == "&":
            kind, at = TagKind.UNESCAPED, at + 1
        elif mark == "#":
            kind, at = TagKind.OPEN, at + 1
        elif mark == "/":
            kind, at = TagKind.CLOSE, at + 1
        elif mark == "^":
            kind, at = TagKind.INVERTED, at + 1
            if _LONE_CARET.match(source, at):
                kind = TagKind.ELSE
        elif match := _ELSE.match(source, at):
            kind, at = TagKind.ELSE, match.end()
        tokens, closing = self._tokens(opening, at, end)
        return Tag(kind, opening, tokens, before, bool(closing.lastindex and closing.group(1)))

    def _tokens(self, opening: int, at: int, end: re.Pattern[str]) -> tuple[tuple[Token, ...], re.Match[str]]:
        """The tokens from ``at`` up to ``end``, and the match of ``end``; moves on behind it."""
        source = self._source
        tokens: list[Token] = []
        while not (closing := end.match(source, at)):
            match = _TOKEN.match(source, at)
            if match is None:
                if at >= len(source):
                    raise self.error(opening, "the tag is not closed: }} is missing")
                raise self.error(at, f"{source[at]!r} is not expected here")
            at = match.end()
            if token := self._token(match):
                tokens.append(token)
        self._at = closing.end()
        return tuple(tokens), closing

    @staticmethod
    def _token(match: re.Match[str]) -> Token | None:
        group, text, position = match.lastgroup or "", match.group(), match.start()
        if group == "space":
            return None
        if group in ("dq", "sq"):
            quote = text[0]
            return Token(TokenKind.STRING, text[1:-1].replace(f"\\{quote}", quote), position)
        if group == "brackets":
            return Token(TokenKind.BRACKETS, _BRACKET_ESCAPE.sub(r"\1", match.group("brackets")), position)
        return Token(_KINDS[group], text, position)

    def _comment(self, opening: int, at: int, before: bool) -> Tag:
        source = self._source
        if source.startswith("!--", at):
            closing = _LONG_COMMENT_END.search(source, at + 1)  # {{!--}} is a whole comment
            end = closing.end() if closing else -1
            after = bool(closing and closing.group(1))
        else:
            end = source.find("}}", at) + 2
            end = end if end > 1 else -1
            after = source[end - 3 : end - 2] == "~"
        if end < 0:
            raise self.error(opening, "the comment is not closed")
        self._at = end
        return Tag(TagKind.COMMENT, opening, strip_before=before, strip_after=after)

    def _raw(self, opening: int) -> Tag:
        """``{{{{name ...}}}} content {{{{/name}}}}``; raw blocks inside belong to the content."""
        tokens, _ = self._tokens(opening, opening + 4, _END_RAW)
        if not tokens or tokens[0].kind is not TokenKind.NAME:
            raise self.error(opening, "a raw block needs a name: {{{{raw}}}}")
        start, depth = self._at, 1
        for match in _RAW_TAG.finditer(self._source, start):
            slash, name, closed = match.groups()
            if not slash:
                depth += 1
                continue
            if not closed:
                continue
            depth -= 1
            if depth:
                continue
            if name != tokens[0].text:
                raise self.error(match.start(), f"{tokens[0].text!r} is open here, {name!r} is closed")
            self._at = match.end()
            return Tag(TagKind.RAW, opening, tokens, content=self._source[start : match.start()])
        raise self.error(opening, f"the raw block {tokens[0].text!r} is not closed")
