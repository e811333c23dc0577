"""A compiled template: a fast lane for text and plain paths, closures for everything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from fairlead.domain.charset import encodable
from fairlead.domain.jsonvalue import NOTHING
from fairlead.engine.ports import Place, Scope, TemplateError
from fairlead.templates.budget import MAX_OUTPUT, MAX_SOURCE
from fairlead.templates.escaping import Formatter, double_braces, triple_braces
from fairlead.templates.expressions import Expressions, nothing_found
from fairlead.templates.helpers.registry import INLINE
from fairlead.templates.parser import parse
from fairlead.templates.rendering import Rendering
from fairlead.templates.scope import Root
from fairlead.templates.statements import Run, Statements
from fairlead.templates.syntax import Comment, Output, Statement, Text

_FORMATTERS: Final = {place: double_braces(place) for place in Place}
_WIDEST_LETTER: Final = 4
"""Bytes of a letter in UTF-8."""


class CompiledTemplate:
    """A template for one place. Holds no state of a rendering: any number may run at once."""

    __slots__ = ("_render", "helpers", "paths", "text")

    def __init__(self, text: str, place: Place, *, strict: bool = False) -> None:
        """Raises ``TemplateError`` that names the line, the column and what is wrong there."""
        self.text = text
        if "{{" in text or len(text) * _WIDEST_LETTER > MAX_SOURCE:
            statements = parse(text)
        else:
            statements = [Text(text)] if text else []
        expressions = Expressions(text, strict)
        run = Statements(expressions, _FORMATTERS[place]).program(statements)
        self.paths = frozenset(expressions.paths)
        self.helpers = frozenset(expressions.helpers)
        self._render = _plain_lane(statements, _FORMATTERS[place], strict=strict) or _full_lane(run)

    def render(self, scope: Scope) -> str:
        """The text; always has a UTF-8 form. Raises ``TemplateError`` when a bound is exceeded, a helper refuses its arguments or, in
        strict mode, a path finds nothing."""
        try:
            text = self._render(scope)
        except RecursionError:
            raise TemplateError("a value is nested too deeply to be printed") from None
        if text.isascii():
            if len(text) > MAX_OUTPUT:
                raise _too_long()
            return text
        text = encodable(text)
        if len(text) * _WIDEST_LETTER > MAX_OUTPUT and len(text.encode()) > MAX_OUTPUT:
            raise _too_long()
        return text


def _too_long() -> TemplateError:
    return TemplateError(f"the output is longer than {MAX_OUTPUT} bytes")


def _full_lane(run: Run) -> Callable[[Scope], str]:
    def render(scope: Scope) -> str:
        rendering = Rendering(scope)
        run(rendering, rendering.root)
        return "".join(rendering.parts)

    return render


def _plain_lane(
    statements: Sequence[Statement], formatter: Formatter, *, strict: bool
) -> Callable[[Scope], str] | None:
    """A renderer for templates of text and plain paths only, or nothing when this one has more."""
    steps: list[tuple[str, str, tuple[str, ...], tuple[str, ...], str, Formatter]] = []
    text = ""
    for statement in statements:
        if isinstance(statement, Text):
            text += statement.value
        elif isinstance(statement, Output):
            head = statement.call.head
            if not statement.call.is_bare or head.data or head.scoped or head.name in INLINE:
                return None
            show = formatter if statement.escaped else triple_braces
            steps.append((text, head.parts[0], head.parts[1:], head.parts, head.source, show))
            text = ""
        elif not isinstance(statement, Comment):
            return None
    tail = text
    if not steps:
        return lambda scope: tail

    def render(scope: Scope) -> str:
        context = scope.context
        record = context.get("record") if scope.record_names else None
        pieces = []
        size = 0
        for before, first, rest, parts, source, show in steps:
            value = context.get(first, NOTHING)
            if value is NOTHING and type(record) is dict:
                value = record.get(first, NOTHING)
            for part in rest:
                if type(value) is not dict:
                    value = NOTHING
                    break
                value = value.get(part, NOTHING)
            if value is NOTHING:
                value = Root(scope).find(parts)
                if strict and value is NOTHING:
                    raise TemplateError(nothing_found(source))
            piece = before + show(value)
            size += len(piece)
            if size > MAX_OUTPUT:
                raise _too_long()
            pieces.append(piece)
        pieces.append(tail)
        return "".join(pieces)

    return render
