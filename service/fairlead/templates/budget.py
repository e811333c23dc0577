"""Bounds of templates (handlebars.md 1) and the account of one rendering."""

from __future__ import annotations

import time
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
MAX_SECONDS: Final = 2.0
"""Of the processor for one rendering, for which other calls wait: the dearest helpers take as long for a fifth of a million calls."""
_LOOK: Final = 4096
"""Units of work between two looks at the clock: some milliseconds, and a rendering that is shorter never looks."""
_STEP: Final = 8
"""As how many units a turn of a loop and a helper call count."""


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
    unlooked: int = _LOOK
    ends: float = 0.0
    """On the clock of the thread's processor time; 0: that was not looked at yet."""

    def iterate(self) -> None:
        """One turn of a loop."""
        self.iterations -= 1
        if self.iterations < 0:
            raise TemplateError(f"the template loops more than {MAX_ITERATIONS} times")
        self.unlooked -= _STEP
        if self.unlooked < 0:
            self._look()

    def call(self) -> None:
        """One helper call."""
        self.calls -= 1
        if self.calls < 0:
            raise TemplateError(f"the template calls helpers more than {MAX_CALLS} times")
        self.unlooked -= _STEP
        if self.unlooked < 0:
            self._look()

    def spend(self, size: int) -> None:
        """Characters or elements that a helper works on, or has made."""
        self.work -= size
        if self.work < 0:
            raise TemplateError("the helpers of the template work on too much text")
        self.unlooked -= size
        if self.unlooked < 0:
            self._look()

    def _look(self) -> None:
        now = time.thread_time()
        self.unlooked = _LOOK
        if not self.ends:
            self.ends = now + MAX_SECONDS
        elif now > self.ends:
            raise TemplateError(f"the template computes for more than {MAX_SECONDS:.0f} s")

    def write(self, size: int) -> None:
        """Characters of output."""
        self.room -= size
        if self.room < 0:
            raise TemplateError(f"the output is longer than {MAX_OUTPUT} characters")
