"""Bounds of templates (handlebars.md 1) and the account of one rendering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fairlead.engine.ports import TemplateError

MAX_SOURCE: Final = 256 * 1024
"""Bytes of a template."""
MAX_NESTING: Final = 50
"""Blocks in blocks, and sub-expressions in sub-expressions."""
MAX_OUTPUT: Final = 10 * 1024 * 1024
"""Characters of a rendered text, and of any text that a helper makes."""
MAX_CALLS: Final = 1_000_000
"""Helper calls of one rendering."""
MAX_ITERATIONS: Final = 1_000_000
"""Turns of all loops of one rendering."""
MAX_WORK: Final = 512 * 1024 * 1024
"""Characters and elements that helpers take in and give back: keeps a long text inside a long loop from taking minutes."""


def bounded(length: int) -> None:
    """Refuses to make a text of that many characters."""
    if length > MAX_OUTPUT:
        raise TemplateError(f"a helper would make a text longer than {MAX_OUTPUT} characters")


@dataclass(slots=True)
class Budget:
    """What is left for one rendering."""

    room: int = MAX_OUTPUT
    calls: int = MAX_CALLS
    iterations: int = MAX_ITERATIONS
    work: int = MAX_WORK

    def iterate(self) -> None:
        """One turn of a loop."""
        self.iterations -= 1
        if self.iterations < 0:
            raise TemplateError(f"the template loops more than {MAX_ITERATIONS} times")

    def call(self) -> None:
        """One helper call."""
        self.calls -= 1
        if self.calls < 0:
            raise TemplateError(f"the template calls helpers more than {MAX_CALLS} times")

    def spend(self, size: int) -> None:
        """Characters or elements that a helper worked on."""
        self.work -= size
        if self.work < 0:
            raise TemplateError("the helpers of the template work on too much text")

    def write(self, size: int) -> None:
        """Characters of output."""
        self.room -= size
        if self.room < 0:
            raise TemplateError(f"the output is longer than {MAX_OUTPUT} characters")
