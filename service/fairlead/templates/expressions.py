"""Syntax tree to closures: paths and calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches

from fairlead.domain.jsonvalue import NOTHING
from fairlead.engine.ports import TemplateError
from fairlead.templates.budget import bounded
from fairlead.templates.helpers.arguments import COMPUTED, Arguments, Helper, Known
from fairlead.templates.helpers.registry import BLOCKS, INLINE, MAY_ASK
from fairlead.templates.lexer import error_at
from fairlead.templates.rendering import Rendering
from fairlead.templates.scope import Frame, parts_of, walk
from fairlead.templates.syntax import Call, Expression, Literal, Path
from fairlead.templates.values import Value

Evaluate = Callable[[Rendering, Frame], Value]
_LONG_RESULT = 256


@dataclass(slots=True)
class Expressions:
    """Compiles the expressions of one template and gathers the paths and helpers that it uses."""

    source: str
    strict: bool
    paths: set[str] = field(default_factory=set)
    helpers: set[str] = field(default_factory=set)
    params: list[tuple[str, ...]] = field(default_factory=list)
    """Block parameters in sight, innermost last."""

    @contextmanager
    def naming(self, names: tuple[str, ...]) -> Iterator[None]:
        """Compile a body that sees these block parameters."""
        if names:
            self.params.append(names)
        yield
        if names:
            self.params.pop()

    def error(self, position: int, message: str) -> TemplateError:
        """A compile error at that position."""
        return error_at(self.source, position, message)

    def value(self, expression: Expression, *, may_ask: bool = False) -> Evaluate:
        """The expression as a closure; ``may_ask`` lets it find nothing in strict mode."""
        if isinstance(expression, Literal):
            return _constant(expression.value)
        if isinstance(expression, Path):
            return self.path(expression, may_ask=may_ask)
        return self.call(expression, may_ask=may_ask)

    def call(self, call: Call, *, may_ask: bool = False) -> Evaluate:
        """A path alone, or a helper with arguments. A name that is both is a helper with arguments, else a member, else the helper."""
        name = call.head.name
        helper = INLINE.get(name) if name is not None else None
        if call.is_bare:
            if helper is None or name is None or self._is_param(name):
                return self.path(call.head, may_ask=may_ask)
            return _member_or_helper(self.path(call.head, may_ask=True), self._helper(name, helper, call))
        if helper is None or name is None:
            raise self.error(call.position, unknown_helper(call.head.source))
        return self._helper(name, helper, call)

    def arguments(self, name: str, call: Call) -> Callable[[Rendering, Frame], Arguments]:
        """The arguments of a call as one closure."""
        may_ask = name in MAY_ASK
        values = [self.value(argument, may_ask=may_ask) for argument in call.arguments]
        named = {key: self.value(argument) for key, argument in call.named}

        def evaluate(rendering: Rendering, frame: Frame) -> Arguments:
            return Arguments(
                [value(rendering, frame) for value in values],
                {key: value(rendering, frame) for key, value in named.items()},
                rendering,
            )

        return evaluate

    def check(self, check: Callable[[Known], None] | None, call: Call) -> None:
        """Let a helper look at its literal arguments; its complaint gets the position."""
        if check is None:
            return
        try:
            check([argument.value if isinstance(argument, Literal) else COMPUTED for argument in call.arguments])
        except TemplateError as error:
            raise self.error(call.position, error.message) from None

    def _helper(self, name: str, helper: Helper, call: Call) -> Evaluate:
        self.check(helper.check, call)
        self.helpers.add(name)
        if name == "getValue" and call.arguments and isinstance(call.arguments[0], Literal):
            self.paths.add(".".join(parts_of(call.arguments[0].source)))
        arguments = self.arguments(name, call)
        work = helper.call

        def evaluate(rendering: Rendering, frame: Frame) -> Value:
            result = work(arguments(rendering, frame))
            if isinstance(result, str) and len(result) > _LONG_RESULT:
                bounded(len(result))
                rendering.budget.spend(len(result))
            return result

        return evaluate

    def _is_param(self, name: str) -> bool:
        return any(name in names for names in self.params)

    def path(self, path: Path, *, may_ask: bool = False) -> Evaluate:
        """A path as a closure. In strict mode it raises ``TemplateError`` when it finds nothing, unless it ``may_ask``."""
        if not path.data and path.parts:
            self.paths.add(path.dotted)
        elif path.data and path.parts[0] == "root" and len(path.parts) > 1:
            self.paths.add(".".join(path.parts[1:]))
        find = self._finder(path)
        return _demanding(find, path.source) if self.strict and not may_ask else find

    def _finder(self, path: Path) -> Evaluate:
        parts = path.parts
        if path.data:
            return _data(path)
        if parts and not path.scoped:
            for level, names in enumerate(reversed(self.params)):
                if parts[0] in names:
                    return _param(level, names.index(parts[0]), parts[1:])
        if path.depth:
            return _above(path.depth, parts)
        return lambda rendering, frame: frame.find(parts)


def unknown_helper(name: str) -> str:
    """What to say about a name with arguments that is no inline helper."""
    if name in BLOCKS:
        return f"{name!r} is a block helper: write {{{{#{name} ...}}}}"
    near = get_close_matches(name, INLINE.names(), 1)
    return f"unknown helper {name!r}" + (f"; do you mean {near[0]!r}?" if near else "")


def _constant(value: Value) -> Evaluate:
    return lambda rendering, frame: value


def _member_or_helper(find: Evaluate, call: Evaluate) -> Evaluate:
    def evaluate(rendering: Rendering, frame: Frame) -> Value:
        value = find(rendering, frame)
        return call(rendering, frame) if value is NOTHING else value

    return evaluate


def _demanding(find: Evaluate, source: str) -> Evaluate:
    def evaluate(rendering: Rendering, frame: Frame) -> Value:
        value = find(rendering, frame)
        if value is NOTHING:
            raise TemplateError(nothing_found(source))
        return value

    return evaluate


def nothing_found(source: str) -> str:
    """The message of strict mode."""
    return f"{source} finds nothing, and strictHandlebarEvaluation is on"


def _param(level: int, index: int, rest: tuple[str, ...]) -> Evaluate:
    def evaluate(rendering: Rendering, frame: Frame) -> Value:
        params = frame.params
        for _ in range(level):
            params = params[1] if params else None
        values = params[0] if params else ()
        return walk(values[index], rest) if index < len(values) else NOTHING

    return evaluate


def _above(depth: int, parts: tuple[str, ...]) -> Evaluate:
    def evaluate(rendering: Rendering, frame: Frame) -> Value:
        scope: Frame | None = frame
        for _ in range(depth):
            scope = scope.up if scope else None
        return scope.find(parts) if scope else NOTHING

    return evaluate


def _data(path: Path) -> Evaluate:
    first, rest = path.parts[0], path.parts[1:]
    if first == "root":
        return lambda rendering, frame: rendering.root.find(rest)

    def evaluate(rendering: Rendering, frame: Frame) -> Value:
        loop = frame.loop
        for _ in range(path.depth):
            loop = loop.outer if loop else None
        return walk(loop.variable(first), rest) if loop else NOTHING

    return evaluate
