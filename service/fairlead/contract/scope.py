"""Field ``written`` of stored messages: which nulls, empty lists and empty objects were sent (D21, contract.md 1.10)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.message import Message

from fairlead.contract.plan import WRITTEN, MessagePlan

Written = dict[str, Any]
"""The paths of ``written`` as a tree: member or index to what is written below it."""

NOTHING_WRITTEN: Final[Written] = {}


class Scope:
    """Where paths are written down while a message is filled: the nearest message around that has the field.

    Paths are relative to that message; ``start`` is where they begin within a path from the top of the body.
    """

    __slots__ = ("_paths", "_start")

    def __init__(self, message: Message | None = None, start: int = 0) -> None:
        self._paths: Any = None if message is None else getattr(message, WRITTEN)
        self._start = start

    def note(self, path: str) -> None:
        """Write a path down; without a message that has the field it is lost."""
        if self._paths is not None and len(path) > self._start:
            self._paths.append(path[self._start :])

    def within(self, message: Message, plan: MessagePlan, start: str) -> Scope:
        """The scope inside ``message``, which stands at ``start`` (empty, or a path with its last dot)."""
        return Scope(message, len(start)) if plan.written else self


def written_in(message: Message, plan: MessagePlan, outer: Written) -> Written:
    """What was written inside ``message``: its own field, or the part of the message around it."""
    if not plan.written:
        return outer
    paths: Iterable[str] = getattr(message, WRITTEN)
    tree: Written = {}
    for path in paths:
        node = tree
        for step in path.split("."):
            node = node.setdefault(step, {})
    return tree
