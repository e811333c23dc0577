"""Block helpers (handlebars.md 5). Each tells whether it dealt with the block; when not, the next ``{{else}}`` part has its turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fairlead.domain.jsonvalue import NOTHING
from fairlead.engine.ports import TemplateError
from fairlead.templates.helpers.arguments import Arguments, Known, known_text, one_of, size_of
from fairlead.templates.helpers.tests import ELEMENT_TESTS
from fairlead.templates.numbers import number_of
from fairlead.templates.rendering import Rendering
from fairlead.templates.scope import Frame, Loop, parts_of, walk
from fairlead.templates.values import (
    Value,
    condition,
    less,
    loosely_equal,
    strictly_equal,
    text_of,
    truth,
)


@dataclass(frozen=True, slots=True)
class Body:
    """What stands inside of a block; ``named`` when it has block parameters."""

    run: Callable[[Rendering, Frame], None]
    named: bool

    def plain(self, rendering: Rendering, frame: Frame) -> None:
        """Run in the scope of the block itself."""
        self.run(rendering, frame.unnamed() if self.named else frame)

    def over(self, rendering: Rendering, frame: Frame, this: Value, loop: Loop | None, *values: Value) -> None:
        """Run with another ``this``; ``values`` are those of the block parameters."""
        rendering.budget.iterate()
        self.run(rendering, frame.enter(this, loop, values if self.named else None))


Run = Callable[[Arguments, Frame, Body], bool]


@dataclass(frozen=True, slots=True)
class BlockHelper:
    """A block helper. ``least`` and ``most``: how many arguments; ``word_at``: that argument is a bare word and no path."""

    run: Run
    least: int = 0
    most: int = 1_000
    check: Callable[[Known], None] | None = None
    word_at: int | None = None


def each(arguments: Arguments, frame: Frame, body: Body) -> bool:
    """Every element of an array, every member of an object."""
    value = arguments.value(0)
    if isinstance(value, dict):
        pairs: Sequence[tuple[str | int, Value]] = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    else:
        return False
    last = len(pairs) - 1
    for index, (key, element) in enumerate(pairs):
        loop = Loop(index, key, index == 0, index == last, frame.loop)
        body.over(arguments.rendering, frame, element, loop, element, key)
    return bool(pairs)


def within(arguments: Arguments, frame: Frame, body: Body) -> bool:
    """``#with``: the value becomes ``this``."""
    value = arguments.value(0)
    if value is NOTHING or value is None or value is False or value in ("", []):
        return False
    body.over(arguments.rendering, frame, value, frame.loop, value)
    return True


def section(arguments: Arguments, frame: Frame, body: Body) -> bool:
    """``{{#path}}`` that names no helper: true runs the body, arrays loop, other values become ``this``."""
    value = arguments.value(0)
    if isinstance(value, list):
        return each(arguments, frame, body)
    if value is NOTHING or value is None or value is False:
        return False
    if value is True:
        body.plain(arguments.rendering, frame)
    else:
        body.over(arguments.rendering, frame, value, frame.loop, value)
    return True


def _test(test: Callable[[Arguments], bool]) -> Run:
    def run(arguments: Arguments, frame: Frame, body: Body) -> bool:
        if not test(arguments):
            return False
        body.plain(arguments.rendering, frame)
        return True

    return run


_OPERATORS: Final[dict[str, Callable[[Value, Value], bool]]] = {
    "==": loosely_equal,
    "===": strictly_equal,
    "!=": lambda left, right: not loosely_equal(left, right),
    "!==": lambda left, right: not strictly_equal(left, right),
    "<": less,
    ">": lambda left, right: less(right, left),
    "<=": lambda left, right: less(left, right) or _equal_in_order(left, right),
    ">=": lambda left, right: less(right, left) or _equal_in_order(left, right),
}


def _equal_in_order(left: Value, right: Value) -> bool:
    """Neither is less, and both can be ordered: ``<=`` turns null into 0, nothing into NaN, and objects into text, as ``<`` does."""
    if left is NOTHING or right is NOTHING:
        return False
    return loosely_equal(_ordered(left), _ordered(right))


def _ordered(value: Value) -> Value:
    if value is None:
        return 0
    return text_of(value) if isinstance(value, (list, dict)) else value


def _compare(arguments: Arguments) -> bool:
    word = arguments.text(1)
    operator = _OPERATORS.get(word)
    if operator is None:
        raise one_of("operator", word, list(_OPERATORS))
    arguments.pay(arguments.value(0))
    arguments.pay(arguments.value(2))
    return operator(arguments.value(0), arguments.value(2))


def _check_compare(known: Known) -> None:
    word = known_text(known, 1)
    if word is not None and word not in _OPERATORS:
        raise one_of("operator", word, list(_OPERATORS))


def _is_even(arguments: Arguments) -> bool:
    return number_of(arguments.value(0)) % 2 == 0


def _contains(arguments: Arguments) -> bool:
    container, wanted = arguments.value(0), arguments.value(1)
    if isinstance(container, list):
        read = size_of(wanted)
        return any(loosely_equal(element, wanted) for element in arguments.paid(container, read))
    return isinstance(container, str) and arguments.given(1) and arguments.text(1) in container


def _in_array(arguments: Arguments) -> bool:
    array, wanted = arguments.array(0), arguments.value(1)
    if any(isinstance(element, (dict, list)) for element in array):
        return False
    return any(strictly_equal(element, wanted) for element in arguments.paid(array))


def _is_empty(arguments: Arguments) -> bool:
    value = arguments.value(0)
    return not (isinstance(value, (list, dict)) and value)


def _filter(arguments: Arguments, frame: Frame, body: Body) -> bool:
    array, wanted = arguments.value(0), arguments.value(1)
    if not isinstance(array, list):
        return True
    parts = parts_of(arguments.text(2))
    each_reads = len(parts) + 1
    kept = [element for element in arguments.paid(array, each_reads) if strictly_equal(walk(element, parts), wanted)]
    for element in kept:
        body.over(arguments.rendering, frame, element, frame.loop, element)
    return bool(kept)


def _some(arguments: Arguments) -> bool:
    test = ELEMENT_TESTS.get(arguments.text(1))
    if test is None:
        raise one_of("test", arguments.text(1), list(ELEMENT_TESTS))
    return any(test(element) for element in arguments.paid(arguments.array(0)))


def _check_some(known: Known) -> None:
    word = known_text(known, 1)
    if word is None:
        raise TemplateError(f"#some: the second argument names a test: {', '.join(ELEMENT_TESTS)}")
    if word not in ELEMENT_TESTS:
        raise one_of("test", word, list(ELEMENT_TESTS))


def _starts_with(arguments: Arguments, frame: Frame, body: Body) -> bool:
    if not (arguments.given(0) and arguments.given(1)):
        return True
    if not arguments.text(1).startswith(arguments.text(0)):
        return False
    body.plain(arguments.rendering, frame)
    return True


BLOCKS: Final = {
    "if": BlockHelper(_test(lambda arguments: condition(arguments.value(0))), 1, 1),
    "unless": BlockHelper(_test(lambda arguments: not condition(arguments.value(0))), 1, 1),
    "each": BlockHelper(each, 1, 1),
    "with": BlockHelper(within, 1, 1),
    "compare": BlockHelper(_test(_compare), 3, 3, _check_compare),
    "and": BlockHelper(_test(lambda arguments: all(map(truth, arguments.values))), 1),
    "or": BlockHelper(_test(lambda arguments: any(map(truth, arguments.values))), 1),
    "not": BlockHelper(_test(lambda arguments: not truth(arguments.value(0))), 1, 1),
    "neither": BlockHelper(_test(lambda arguments: not any(map(truth, arguments.values))), 1),
    "ifEven": BlockHelper(_test(_is_even)),
    "contains": BlockHelper(_test(_contains)),
    "inArray": BlockHelper(_test(_in_array)),
    "isEmpty": BlockHelper(_test(_is_empty)),
    "filter": BlockHelper(_filter),
    "some": BlockHelper(_test(_some), 2, 2, _check_some, word_at=1),
    "startsWith": BlockHelper(_starts_with),
}
SECTION: Final = BlockHelper(section)
