"""Where to look in a JSON answer: the path language of connections.md 5.1.

Plain paths (``a.b[0].c``, ``items[*].id``, ``['a.b']``) are compiled to a few steps and walked here; what is left of JSONPath (``$..x``,
slices, unions, filters) goes through ``fairlead.domain.jsonpath`` (D16). Compiling the same text twice is free.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import Final, Protocol

from fairlead.domain.jsonpath import JsonPathError, compile_jsonpath
from fairlead.domain.jsonvalue import NOTHING as NOTHING
from fairlead.domain.jsonvalue import Json, text_of

MAX_LENGTH: Final = 1000
"""Characters of a path."""
MAX_STEPS: Final = 64
"""Steps of a path: a longer one is no field of an answer but an attack."""


class PathError(ValueError):
    """A path cannot be compiled; the message is for the user."""


class All(Enum):
    """The type of the step ``[*]``."""

    ALL = "*"


ALL: Final = All.ALL
Step = str | int | All
"""A member's name, an index, or every element."""


class Path(Protocol):
    """A compiled path."""

    @property
    def text(self) -> str:
        """The source."""

    @property
    def steps(self) -> tuple[Step, ...] | None:
        """The steps of a plain path, for walking text that is not decoded; ``None`` for the rest of JSONPath."""

    @property
    def spreads(self) -> bool:
        """Whether it can match more than once (``[*]``)."""

    def find(self, value: Json) -> list[Json]:
        """All matches, in order of the document."""

    def first(self, value: Json) -> Json:
        """The first match, or ``NOTHING``."""


@lru_cache(maxsize=4096)
def compile_path(text: str) -> Path:
    """Compile a path; raises ``PathError``. An index into an object is a member of that name; ``[*]`` over an object or a scalar is an
    array of one, over null nothing."""
    if len(text) > MAX_LENGTH:
        raise PathError(f"a path has at most {MAX_LENGTH} characters, this one has {len(text)}")
    if not text.strip():
        raise PathError("a path must not be empty; write $ for the whole body")
    steps = plain_steps(text)
    if steps is None:
        try:
            return compile_jsonpath(text)
        except JsonPathError as error:
            raise PathError(str(error)) from None
    if ALL in steps:
        return _Spreading(text, steps)
    return _Annotation(text, steps) if text.startswith("@") else _Single(text, steps)


def texts_of(matches: Sequence[Json]) -> list[str]:
    """The texts of matches for comparison (connections.md 5.2)."""
    return [text_of(match) for match in matches]


# -- parsing ------------------------------------------------------------------------------------------------------

_NAME = re.compile(r"[^.\[\]]+")
_INDEX = re.compile(r"0|-?[1-9][0-9]{0,8}")
_QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""")
_ESCAPE = re.compile(r"\\(.)")
_JSONPATH_IN_BRACKETS = re.compile(r"""[?(]|\s*-?\d*\s*:[\d\s:-]*$|\s*-?\d+\s*,|\s*(['"]).*\1\s*,""")


def plain_steps(text: str) -> tuple[Step, ...] | None:
    """The steps of a plain path, ``None`` when it is more of JSONPath than that. Raises ``PathError`` when it is neither."""
    text = text.strip()
    if ".." in _without_brackets(text) or "`" in text:
        return None
    at = 0
    if text == "$" or text.startswith(("$.", "$[")):
        at = 1
    elif text.startswith("."):
        raise PathError(f"path {text!r} starts with a dot")
    steps: list[Step] = []
    due = at == 0  # a name without a dot before it: only at the very start
    while at < len(text):
        if text[at] == "[":
            step, at = _bracket(text, at)
            if step is None:
                return None
        else:
            if not due:
                if text[at] != ".":
                    raise PathError(f"path {text!r} needs a dot or a bracket at position {at}")
                at += 1
            if text.startswith("[", at):  # a.[b c]
                due = False
                continue
            step, at = _name(text, at)
        steps.append(step)
        due = False
    if len(steps) > MAX_STEPS:
        raise PathError(f"a path has at most {MAX_STEPS} steps, this one has {len(steps)}")
    return tuple(steps)


def _without_brackets(text: str) -> str:
    return re.sub(r"\[[^\]]*\]", "[]", text)


def _name(text: str, at: int) -> tuple[Step, int]:
    found = _NAME.match(text, at)
    if found is None:
        raise PathError(f"path {text!r} misses a name at position {at}")
    name = found[0]
    if name == "*":
        return ALL, found.end()
    return (int(name) if _INDEX.fullmatch(name) and name[0] != "-" else name), found.end()


def _bracket(text: str, at: int) -> tuple[Step | None, int]:
    quoted = _QUOTED.match(text, at + 1)
    if quoted and text.startswith("]", quoted.end()):
        inner = quoted[1] if quoted[1] is not None else quoted[2]
        return _ESCAPE.sub(r"\1", inner), quoted.end() + 1
    end = text.find("]", at)
    if end < 0:
        raise PathError(f"path {text!r} has a bracket that is not closed at position {at}")
    inner = text[at + 1 : end]
    if _JSONPATH_IN_BRACKETS.match(inner):
        return None, at
    if not inner.strip():
        raise PathError(f"path {text!r} has empty brackets at position {at}")
    if inner.strip() == "*":
        return ALL, end + 1
    return (int(inner) if _INDEX.fullmatch(inner.strip()) else inner), end + 1


# -- walking ------------------------------------------------------------------------------------------------------


class _Single:
    """A plain path without ``[*]``: at most one match."""

    __slots__ = ("steps", "text")
    spreads = False

    def __init__(self, text: str, steps: tuple[Step, ...]) -> None:
        self.text = text
        self.steps: tuple[Step, ...] | None = steps

    def find(self, value: Json) -> list[Json]:
        found = self.first(value)
        return [] if found is NOTHING else [found]

    def first(self, value: Json) -> Json:
        for step in self.steps or ():
            value = step_into(value, step)
            if value is NOTHING:
                return NOTHING
        return value


class _Annotation(_Single):
    """``@odata.nextLink``: OData writes its annotations as one member whose name holds a dot, and everybody writes the path without
    brackets. The steps come first, then the member of that literal name."""

    __slots__ = ()

    def first(self, value: Json) -> Json:
        found = super().first(value)
        return step_into(value, self.text) if found is NOTHING else found


class _Spreading:
    """A plain path with ``[*]``."""

    __slots__ = ("steps", "text")
    spreads = True

    def __init__(self, text: str, steps: tuple[Step, ...]) -> None:
        self.text = text
        self.steps: tuple[Step, ...] | None = steps

    def find(self, value: Json) -> list[Json]:
        values = [value]
        for step in self.steps or ():
            if step is ALL:
                values = [element for value in values for element in elements_of(value)]
            else:
                values = [inner for value in values if (inner := step_into(value, step)) is not NOTHING]
        return values

    def first(self, value: Json) -> Json:
        found = self.find(value)
        return found[0] if found else NOTHING


def step_into(value: Json, step: Step) -> Json:
    """The member or element, or ``NOTHING``. ``step`` is not ``ALL``."""
    if isinstance(value, dict):
        return value.get(step if isinstance(step, str) else str(step), NOTHING)
    if isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
        return value[step]
    return NOTHING


def elements_of(value: Json) -> list[Json]:
    """What ``[*]`` means: the elements; an object or scalar is an array of one, null an empty one."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]
