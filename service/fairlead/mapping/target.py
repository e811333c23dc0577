"""The target side of mapping 1.0: where a value is set (exports-imports.md 10.1, 10.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fairlead.domain.jsonvalue import MAX_DEPTH, dumps, is_empty, loads
from fairlead.domain.paths import ALL, PathError, Step
from fairlead.engine.ports import Json
from fairlead.mapping.source import BRACKETS, path_steps, spread

MAX_INDEX: Final = 999
"""The highest index in a target: gaps are filled with null, so that ``a[99999999]`` would cost memory per record."""
MAX_STEPS: Final = 32
"""Steps of a target path."""

Put = Callable[[dict[str, Json], Json], None]


class Target:
    """A compiled ``generate``."""

    __slots__ = ("copies", "put", "steps")

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.steps = steps
        self.copies = False
        """Whether copies are set."""
        self.put: Put = _putter(steps)
        """Set a value in the object that is being made."""

    def is_set(self, root: dict[str, Json]) -> bool:
        """Whether a value that is not empty is there."""
        return any(not is_empty(value) for value in spread([root], self.steps))

    def copying(self) -> None:
        """Set copies of objects and arrays from now on: another field writes below the same name, and records are never changed."""
        put = self.put
        self.copies = True
        self.put = lambda root, value: put(root, _copied(value))


def compile_target(text: str) -> Target:
    """Raises ``PathError``."""
    if "{" in BRACKETS.sub("", text):
        raise PathError(f"target {text!r} holds braces; a target is a path, a name with braces goes into ['...']")
    steps = path_steps(text)
    if not steps or steps[0] is ALL:
        raise PathError(f"target {text!r} must begin with the name of a member")
    if len(steps) > MAX_STEPS:
        raise PathError(f"a target has at most {MAX_STEPS} steps, this one has {len(steps)}")
    for step in steps:
        if isinstance(step, int) and not 0 <= step <= MAX_INDEX:
            raise PathError(f"an index in a target is 0 to {MAX_INDEX}, not {step}")
    head = steps[0]
    return Target((str(head) if isinstance(head, int) else head, *steps[1:]))


def _putter(steps: tuple[Step, ...]) -> Put:
    """One and two names, the usual targets, without a walk."""
    head = str(steps[0])
    if len(steps) == 1:

        def put_name(root: dict[str, Json], value: Json) -> None:
            root[head] = value

        return put_name
    if len(steps) == 2 and isinstance(steps[1], str):
        tail = steps[1]

        def put_below(root: dict[str, Json], value: Json) -> None:
            inner = root.get(head)
            if isinstance(inner, dict):
                inner[tail] = value
            else:
                root[head] = {tail: value}

        return put_below

    def put_deep(root: dict[str, Json], value: Json) -> None:
        _stored(root, steps, 0, value)

    return put_deep


def _stored(node: Json, steps: tuple[Step, ...], at: int, value: Json) -> Json:
    """``node`` with the value set below; whatever stands in the way of an object or array gives way."""
    if at == len(steps):
        return value
    step = steps[at]
    if step is ALL:
        elements = node if isinstance(node, list) else []
        for index, each in enumerate(value if isinstance(value, list) else [value]):
            _set(elements, index, steps, at, each)
        return elements
    if isinstance(step, int) and not isinstance(node, dict):
        elements = node if isinstance(node, list) else []
        _set(elements, step, steps, at, value)
        return elements
    members = node if isinstance(node, dict) else {}
    name = str(step)
    members[name] = _stored(members.get(name), steps, at + 1, value)
    return members


def _set(elements: list[Json], index: int, steps: tuple[Step, ...], at: int, value: Json) -> None:
    if index >= len(elements):
        elements.extend([None] * (index + 1 - len(elements)))
    elements[index] = _stored(elements[index], steps, at + 1, value)


def _copied(value: Json) -> Json:
    """An equal value that shares nothing; through JSON text, because a walk in Python would not stand the levels that a record may have."""
    return loads(dumps(value), max_depth=2 * MAX_DEPTH) if isinstance(value, dict | list) else value
