"""Syntax tree to closures: literal text, output and blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from fairlead.templates.escaping import Formatter, triple_braces
from fairlead.templates.expressions import Expressions
from fairlead.templates.helpers.blocks import SECTION, BlockHelper, Body
from fairlead.templates.helpers.registry import BLOCKS, INLINE
from fairlead.templates.rendering import Rendering
from fairlead.templates.scope import Frame
from fairlead.templates.syntax import Block, Call, Comment, Link, Literal, Output, Path, Statement, Text

Run = Callable[[Rendering, Frame], None]
Attempt = Callable[[Rendering, Frame], bool]
_NO_BODY: Final = Body(lambda rendering, frame: None, named=False)


@dataclass(frozen=True, slots=True)
class Statements:
    """Compiles the statements of one template for one place."""

    expressions: Expressions
    formatter: Formatter

    def program(self, statements: Sequence[Statement]) -> Run:
        """All of them, one after another."""
        runs = [self._statement(statement) for statement in statements if not _prints_nothing(statement)]
        if len(runs) == 1:
            return runs[0]

        def run(rendering: Rendering, frame: Frame) -> None:
            for step in runs:
                step(rendering, frame)

        return run

    def _statement(self, statement: Statement) -> Run:
        if isinstance(statement, Text):
            return _text(statement.value)
        if isinstance(statement, Output):
            return self._output(statement)
        assert isinstance(statement, Block)
        return self._block(statement)

    def _output(self, output: Output) -> Run:
        evaluate = self.expressions.call(output.call)
        formatter = self.formatter if output.escaped else triple_braces
        return lambda rendering, frame: rendering.write(formatter(evaluate(rendering, frame)))

    def _block(self, block: Block) -> Run:
        if block.inverted:
            return self._inverted(block)
        return self._chain(block.links)

    def _chain(self, links: Sequence[Link]) -> Run:
        attempts = [self._link(link) for link in links]

        def run(rendering: Rendering, frame: Frame) -> None:
            for attempt in attempts:
                if attempt(rendering, frame):
                    return

        return run

    def _inverted(self, block: Block) -> Run:
        """``{{^x}}A{{else}}B{{/x}}`` is ``{{#x}}B{{else}}A{{/x}}``."""
        first, rest = block.links[0], block.links[1:]
        if first.params or first.call is None:
            raise self.expressions.error(block.position, "an inverted block has no names after `as`")
        body = Body(self._chain(rest), named=False) if rest else _NO_BODY
        attempt = self._attempt(first.call, body)
        otherwise = self.program(first.body)

        def run(rendering: Rendering, frame: Frame) -> None:
            if not attempt(rendering, frame):
                otherwise(rendering, frame)

        return run

    def _link(self, link: Link) -> Attempt:
        with self.expressions.naming(link.params):
            run = self.program(link.body)
        if link.call is not None:
            return self._attempt(link.call, Body(run, named=bool(link.params)))

        def always(rendering: Rendering, frame: Frame) -> bool:
            run(rendering, frame)
            return True

        return always

    def _attempt(self, call: Call, body: Body) -> Attempt:
        name, helper, call = self._block_helper(call)
        count = len(call.arguments)
        if not helper.least <= count <= helper.most:
            wanted = str(helper.least) if helper.least == helper.most else f"at least {helper.least}"
            raise self.expressions.error(call.position, f"#{name} takes {wanted} arguments, not {count}")
        self.expressions.check(helper.check, call)
        arguments = self.expressions.arguments(name, call)
        work = helper.run
        return lambda rendering, frame: work(arguments(rendering, frame), frame, body)

    def _block_helper(self, call: Call) -> tuple[str, BlockHelper, Call]:
        name = call.head.name
        helper = BLOCKS.get(name) if name is not None else None
        if helper is not None and name is not None:
            return name, helper, _with_word(call, helper.word_at)
        if not call.is_bare:
            what = "is no block helper" if name in INLINE else "is an unknown block helper"
            raise self.expressions.error(
                call.position, f"{call.head.source!r} {what}; known: {', '.join(BLOCKS.names())}"
            )
        return "if", SECTION, replace(call, arguments=(call.head,))


def _with_word(call: Call, at: int | None) -> Call:
    """The call with a bare word at ``at`` read as text."""
    if at is None or at >= len(call.arguments):
        return call
    word = call.arguments[at]
    if not isinstance(word, Path) or word.name is None:
        return call
    literal = Literal(word.name, word.source)
    return replace(call, arguments=(*call.arguments[:at], literal, *call.arguments[at + 1 :]))


def _prints_nothing(statement: Statement) -> bool:
    return isinstance(statement, Comment) or (isinstance(statement, Text) and not statement.value)


def _text(text: str) -> Run:
    return lambda rendering, frame: rendering.write(text)
