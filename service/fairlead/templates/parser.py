"""Template text to syntax tree (handlebars.md 1). Blocks nest by a stack, sub-expressions by recursion; both are bounded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from fairlead.domain.jsonvalue import NOTHING
from fairlead.engine.ports import TemplateError
from fairlead.templates.budget import MAX_NESTING, MAX_SOURCE
from fairlead.templates.lexer import Chunk, Lexer, Tag, TagKind, Token, TokenKind
from fairlead.templates.numbers import settled
from fairlead.templates.syntax import (
    Block,
    Call,
    Comment,
    Expression,
    Link,
    Literal,
    Output,
    Path,
    Statement,
    Strip,
    Text,
)
from fairlead.templates.whitespace import control

_WORDS: Final = {"true": True, "false": False, "null": None, "undefined": NOTHING}
_VALUES: Final = frozenset(
    {TokenKind.STRING, TokenKind.NUMBER, TokenKind.NAME, TokenKind.BRACKETS, TokenKind.DATA, TokenKind.OPEN}
)


def parse(source: str) -> list[Statement]:
    """The statements of a template, white space control applied. Raises ``TemplateError`` with line and column."""
    if len(source) > MAX_SOURCE or len(source.encode("utf-8", "replace")) > MAX_SOURCE:
        raise TemplateError(f"the template is longer than {MAX_SOURCE} bytes")
    statements = _Parser(Lexer(source)).statements()
    control(statements)
    return statements


@dataclass(slots=True)
class _Open:
    """A block whose closing tag has not been seen."""

    block: Block
    name: str
    outer: list[Statement]


class _Parser:
    def __init__(self, lexer: Lexer) -> None:
        self._lexer = lexer
        self._body: list[Statement] = []
        self._open: list[_Open] = []

    def statements(self) -> list[Statement]:
        for piece in self._lexer:
            if isinstance(piece, Chunk):
                self._body.append(Text(piece.text))
            else:
                self._tag(piece)
        if self._open:
            unclosed = self._open[-1]
            raise self._lexer.error(unclosed.block.position, f"the block {unclosed.name!r} is not closed")
        return self._body

    def _tag(self, tag: Tag) -> None:
        strip = Strip(tag.strip_before, tag.strip_after)
        match tag.kind:
            case TagKind.COMMENT:
                self._body.append(Comment(strip))
            case TagKind.RAW:
                text: list[Statement] = [Text(tag.content)] if tag.content else []
                self._body.append(Block([Link(None, (), Strip(), text)], False, tag.position))
            case TagKind.OUTPUT | TagKind.UNESCAPED:
                self._body.append(Output(self._expression(tag).call(), tag.kind is TagKind.OUTPUT, strip))
            case TagKind.OPEN | TagKind.INVERTED:
                self._open_block(tag, strip)
            case TagKind.ELSE:
                self._else(tag, strip)
            case TagKind.CLOSE:
                self._close(tag, strip)

    def _expression(self, tag: Tag) -> _Expression:
        return _Expression(self._lexer, tag)

    def _open_block(self, tag: Tag, strip: Strip) -> None:
        if len(self._open) >= MAX_NESTING:
            raise self._lexer.error(tag.position, f"blocks nest deeper than {MAX_NESTING}")
        call, params = self._expression(tag).call_with_params()
        link = Link(call, params, strip)
        block = Block([link], tag.kind is TagKind.INVERTED, tag.position)
        self._body.append(block)
        self._open.append(_Open(block, call.head.source, self._body))
        self._body = link.body

    def _else(self, tag: Tag, strip: Strip) -> None:
        if not self._open:
            raise self._lexer.error(tag.position, "{{else}} stands outside of a block")
        links = self._open[-1].block.links
        if len(links) > 1 and links[-1].call is None:
            raise self._lexer.error(tag.position, "nothing but the end of the block may follow a plain {{else}}")
        call, params = self._expression(tag).call_with_params() if tag.tokens else (None, ())
        link = Link(call, params, strip)
        links.append(link)
        self._body = link.body

    def _close(self, tag: Tag, strip: Strip) -> None:
        name = self._expression(tag).call().head.source
        if not self._open:
            raise self._lexer.error(tag.position, f"{name!r} is closed, but no block is open")
        opened = self._open.pop()
        if opened.name != name:
            raise self._lexer.error(tag.position, f"{opened.name!r} is open here, {name!r} is closed")
        opened.block.strip = strip
        self._body = opened.outer


@dataclass(slots=True)
class _Expression:
    """The inside of one tag, read from left to right."""

    lexer: Lexer
    tag: Tag
    at: int = 0
    tokens: Sequence[Token] = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = self.tag.tokens

    def call(self) -> Call:
        """The whole tag as one call."""
        call, params = self.call_with_params()
        if params:
            raise self.lexer.error(self.tag.position, "names after `as` belong to a block")
        return call

    def call_with_params(self) -> tuple[Call, tuple[str, ...]]:
        """The whole tag as a call and the names between the bars of ``as |a b|``."""
        if not self.tokens:
            raise self.lexer.error(self.tag.position, "the tag is empty")
        call = self._call(0)
        params = self._params()
        if self.at < len(self.tokens):
            raise self._unexpected()
        return call, params

    def _params(self) -> tuple[str, ...]:
        if self._kind() is not TokenKind.PARAMS:
            return ()
        self.at += 1
        names = []
        while self._kind() is TokenKind.NAME:
            names.append(self.tokens[self.at].text)
            self.at += 1
        if self._kind() is not TokenKind.PIPE or not names:
            raise self.lexer.error(self.tag.position, "write the names of a block as `as |item index|`")
        self.at += 1
        return tuple(names)

    def _kind(self, ahead: int = 0) -> TokenKind | None:
        at = self.at + ahead
        return self.tokens[at].kind if at < len(self.tokens) else None

    def _unexpected(self) -> TemplateError:
        if self.at >= len(self.tokens):
            return self.lexer.error(self.tag.position, "the tag ends too early")
        token = self.tokens[self.at]
        return self.lexer.error(token.position, f"{token.text!r} is not expected here")

    def _call(self, depth: int) -> Call:
        if depth > MAX_NESTING:
            raise self.lexer.error(self.tag.position, f"sub-expressions nest deeper than {MAX_NESTING}")
        position = self.tokens[self.at].position if self.at < len(self.tokens) else self.tag.position
        head = self._value(depth)
        if isinstance(head, Call):
            raise self.lexer.error(position, "a sub-expression cannot stand in the place of a helper's name")
        if isinstance(head, Literal):
            parts = tuple(head.source.split(".")) if isinstance(head.value, (int, float)) else (head.source,)
            head = Path(parts, head.source, position)
        arguments: list[Expression] = []
        named: list[tuple[str, Expression]] = []
        while self._kind() in _VALUES:
            if self._kind() in (TokenKind.NAME, TokenKind.BRACKETS) and self._kind(1) is TokenKind.EQUALS:
                name = self.tokens[self.at].text
                self.at += 2
                named.append((name, self._value(depth)))
            elif named:
                raise self._unexpected()
            else:
                arguments.append(self._value(depth))
        return Call(head, tuple(arguments), tuple(named), position)

    def _value(self, depth: int) -> Expression:
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        if token is None or token.kind not in _VALUES:
            raise self._unexpected()
        if token.kind is TokenKind.OPEN:
            self.at += 1
            call = self._call(depth + 1)
            if self._kind() is not TokenKind.CLOSE:
                raise self.lexer.error(token.position, "the sub-expression is not closed: ) is missing")
            self.at += 1
            return call
        if token.kind is TokenKind.STRING:
            self.at += 1
            return Literal(token.text, token.text)
        if token.kind is TokenKind.NUMBER:
            self.at += 1
            return Literal(_number(token.text), token.text)
        if token.kind is TokenKind.NAME and token.text in _WORDS and self._kind(1) is not TokenKind.SEPARATOR:
            self.at += 1
            return Literal(_WORDS[token.text], token.text)
        return self._path()

    def _path(self) -> Path:
        first = self.tokens[self.at]
        data = first.kind is TokenKind.DATA
        self.at += data
        parts: list[str] = []
        source, depth, scoped = "@" if data else "", 0, False
        while True:
            kind = self._kind()
            text = self.tokens[self.at].text if kind else ""
            if kind is TokenKind.NUMBER and source:
                parts.extend(text.split("."))
            elif kind not in (TokenKind.NAME, TokenKind.BRACKETS):
                raise self._unexpected()
            elif kind is TokenKind.NAME and text in ("..", ".", "this"):
                if parts:
                    raise self.lexer.error(first.position, f"{text!r} may only begin a path")
                depth += text == ".."
                scoped = True
            else:
                parts.append(text)
            source += text
            self.at += 1
            if self._kind() is not TokenKind.SEPARATOR:
                break
            source += self.tokens[self.at].text
            self.at += 1
        if data and not parts:
            raise self.lexer.error(first.position, f"{source!r} names nothing")
        return Path(tuple(parts), source, first.position, depth, data, scoped)


def _number(text: str) -> int | float:
    if "." not in text:
        return int(text) if len(text) < 400 else math.inf
    return settled(float(text))
