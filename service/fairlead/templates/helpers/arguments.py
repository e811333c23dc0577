"""How helpers see their arguments, and what a helper is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fairlead.domain.jsonvalue import NOTHING
from fairlead.engine.ports import TemplateError
from fairlead.templates.numbers import number_of
from fairlead.templates.rendering import Rendering
from fairlead.templates.values import Value, text_of

_LONG: Final = 256
"""Characters or elements: what is shorter is paid for by the helper call itself."""
_FEW: Final = 64
"""Elements between two payments."""
_ELEMENT: Final = 8
"""As how many characters an element counts with which a helper does something."""
_SIZED: Final = frozenset((str, list))


class Arguments:
    """The values of one helper call. A missing argument reads as ``NOTHING``, ``""``, NaN or ``[]`` (handlebars.md 4)."""

    __slots__ = ("named", "rendering", "values")

    def __init__(self, values: Sequence[Value], named: Mapping[str, Value], rendering: Rendering) -> None:
        self.values = values
        self.named = named
        self.rendering = rendering
        rendering.budget.call()
        for value in values:
            if isinstance(value, (str, list)) and len(value) > _LONG:
                rendering.budget.spend(len(value))

    def __len__(self) -> int:
        return len(self.values)

    def value(self, index: int) -> Value:
        """The argument as it is."""
        return self.values[index] if index < len(self.values) else NOTHING

    def given(self, index: int) -> bool:
        """Whether the argument is there and not null."""
        value = self.value(index)
        return value is not None and value is not NOTHING

    def text(self, index: int, default: str = "") -> str:
        """The argument as text; ``default`` when it is missing or null."""
        if not self.given(index):
            return default
        self.pay(self.values[index])
        return str(text_of(self.values[index]))

    def number(self, index: int) -> float:
        """The argument as a double; NaN when it is none."""
        return number_of(self.value(index))

    def integer(self, index: int, default: int) -> int:
        """The argument cut to a whole number, at most 1e18 either way; ``default`` when it is none."""
        number = self.number(index)
        return default if number != number else int(min(max(number, -1e18), 1e18))

    def array(self, index: int) -> list[Any]:
        """The argument when it is an array, else ``[]``."""
        value = self.value(index)
        return value if isinstance(value, list) else []

    def flattened(self, start: int = 0) -> Iterable[Any]:
        """The arguments from ``start`` on, arrays opened once; ``paid``."""
        found: list[Any] = []
        for value in self.values[start:]:
            if isinstance(value, list):
                found.extend(value)
            else:
                found.append(value)
        return self.paid(found)

    def paid(self, elements: Sequence[Any], more: int = 0) -> Iterable[Any]:
        """The elements, each charged before a helper has it, with ``more`` characters that are read for every one of them: for whoever
        does something with all of them."""
        if len(elements) <= _FEW and not more and not any(type(element) in _SIZED for element in elements):
            return elements
        return self._charged(elements, _ELEMENT + more)

    def pay(self, value: Value) -> None:
        """For reading the text of an array, however deep, as a comparison does."""
        if type(value) is list:
            self.rendering.budget.spend(size_of(value))

    def _charged(self, elements: Sequence[Any], each: int) -> Iterator[Any]:
        spend = self.rendering.budget.spend
        for start in range(0, len(elements), _FEW):
            part = elements[start : start + _FEW]
            spend(each * len(part) + sum(size_of(element) for element in part if type(element) in _SIZED))
            yield from part


def size_of(value: Value) -> int:
    """What reading its text costs: the characters of a text, and of an array those of its elements, which count themselves too."""
    if type(value) is not list:
        return len(value) if type(value) is str else 0
    return _ELEMENT * len(value) + sum(size_of(element) for element in value if type(element) in _SIZED)


class _Computed:
    """Stands for an argument that is not known before rendering."""


COMPUTED: Final = _Computed()
Known = Sequence[Value]
"""Arguments as written: literals by value, everything else ``COMPUTED``."""


def known_text(known: Known, index: int) -> str | None:
    """The text literal at ``index``, if the template has one there."""
    value = known[index] if index < len(known) else None
    return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Helper:
    """An inline helper. ``check`` looks at literal arguments when a template is compiled and raises ``TemplateError``."""

    call: Callable[[Arguments], Value]
    check: Callable[[Known], None] | None = None


def one_of(noun: str, word: str, known: Sequence[str]) -> TemplateError:
    """The error for a word outside of a closed set."""
    return TemplateError(f"unknown {noun} {word!r}; known: {', '.join(known)}")
