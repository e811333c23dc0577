"""One rendering at work: its scope, what it has written, what it may still use up."""

from __future__ import annotations

from fairlead.engine.ports import Scope
from fairlead.templates.budget import Budget
from fairlead.templates.scope import Root


class Rendering:
    """Handed to every node and helper of a template."""

    __slots__ = ("budget", "parts", "root", "scope")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.root = Root(scope)
        self.budget = Budget()
        self.parts: list[str] = []

    def write(self, text: str) -> None:
        """Append to the output."""
        self.budget.write(len(text))
        self.parts.append(text)
