"""Python source of one function, written from our own tree: it holds generated names only.

Names, constants and functions of the document are bound as values (``k0``, ``k1``, ...), so that no text of a document ever reaches the
source, and documents of one shape share one compiled source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import CodeType
from typing import Any, Final

from fairlead.domain.paths import NOTHING, elements_of, step_into
from fairlead.engine.ports import Json, Operation, Scope
from fairlead.mapping.source import spread

MAX_LINES: Final = 3000
"""Lines of one function; what does not fit is called, not written."""

Mapped = Callable[[Json, Operation | None, Scope], Json]
"""A record to the object that is made of it; raises ``MappingError``."""


def elements(value: Json) -> list[Json]:
    """The rows of a list: those of an array; an object or scalar is an array of one, null and nothing an empty one."""
    return [] if value is NOTHING else elements_of(value)


_ALWAYS: Final = {
    "__builtins__": {},
    "type": type,
    "dict": dict,
    "list": list,
    "len": len,
    "N": NOTHING,
    "E": {},
    "U": Operation.UPDATE,
    "at": step_into,
    "elements": elements,
    "spread": spread,
}


class Code:
    """The lines of the body, and the values that their names stand for."""

    def __init__(self) -> None:
        self.needs_work = False
        """Whether the lines use ``work``, the record as a ``Work``."""
        self._lines: list[str] = []
        self._values: dict[str, Any] = {}
        self._names: dict[Any, str] = {}
        self._depth = 1
        self._fresh = 0

    @property
    def is_full(self) -> bool:
        """No more lines are to be written."""
        return len(self._lines) > MAX_LINES

    def name(self) -> str:
        """A new local name."""
        self._fresh += 1
        return f"v{self._fresh}"

    def bind(self, value: Any) -> str:
        """The name of a value; equal texts have one."""
        key = value if isinstance(value, str) else (id(value), "")
        found = self._names.get(key)
        if found is None:
            found = self._names[key] = f"k{len(self._values)}"
            self._values[found] = value
        return found

    def line(self, text: str) -> None:
        """One line, made of our own words and generated names."""
        self._lines.append(" " * self._depth + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """The lines written in it stand below ``head``."""
        self.line(f"{head}:")
        before = len(self._lines)
        self._depth += 1
        try:
            yield
            if len(self._lines) == before:
                self.line("pass")
        finally:
            self._depth -= 1

    def mark(self) -> tuple[int, int, bool]:
        """Where the writing stands, for ``back_to``."""
        return len(self._lines), self._depth, self.needs_work

    def back_to(self, mark: tuple[int, int, bool]) -> None:
        """Forget the lines written since."""
        length, self._depth, self.needs_work = mark
        del self._lines[length:]

    def source(self, rest: str, work: str) -> str:
        """The whole function. Records that are no object go to the function named ``rest``, ``work`` names what makes a ``Work``."""
        head = ["def mapped(record, operation, scope):", " if type(record) is not dict:"]
        head.append(f"  return {rest}(record, operation, scope)")
        if self.needs_work:
            head.append(f" work = {work}(record, operation, scope)")
        return "\n".join([*head, " made = {}", *self._lines, " return made", ""])

    def function(self, rest: Mapped, work: Callable[[Json, Operation | None, Scope], Any]) -> Mapped:
        """The function."""
        source = self.source(self.bind(rest), self.bind(work))
        names: dict[str, Any] = {**_ALWAYS, **self._values}
        exec(_compiled(source), names)  # noqa: S102  # our own words and generated names only
        found: Mapped = names["mapped"]
        return found


@lru_cache(maxsize=256)
def _compiled(source: str) -> CodeType:
    return compile(source, "<mapping>", "exec")
