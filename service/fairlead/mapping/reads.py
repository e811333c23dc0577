"""Reading members in generated code: what several paths go through is read once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fairlead.domain.paths import ALL, Step
from fairlead.mapping.code import Code

Steps = tuple[Step, ...]


class Reads:
    """Values below one variable. ``is_dict``: it is known to hold an object."""

    def __init__(self, code: Code, root: str, *, is_dict: bool = False) -> None:
        self._code = code
        self._root = root
        self._objects: dict[Steps, str] = {(): root} if is_dict else {}
        self._values: dict[Steps, str] = {(): root}

    def value(self, steps: Steps) -> str:
        """An expression for the value at the steps, ``N`` when there is none; the steps hold no ``[*]``."""
        if not steps:
            return self._root
        last = steps[-1]
        if isinstance(last, str):
            return f"{self._object(steps[:-1])}.get({self._code.bind(last)}, N)"
        return f"at({self._named(steps[:-1])}, {self._code.bind(last)})"

    def spread(self, steps: Steps, into: str) -> None:
        """Write the list of matches of a path with ``[*]`` into a variable; ``N`` when the array is missing, as it is when null."""
        code, start = self._code, steps.index(ALL)
        code.line(f"{into} = {self.value(steps[:start])}")
        after = steps[start:]
        with code.block(f"if {into} is None"):
            code.line(f"{into} = N")
        if len(after) == 2 and isinstance(after[1], str):
            name, element = code.bind(after[1]), code.name()
            with code.block(f"elif type({into}) is list"):
                member = f"{element}[{name}] for {element} in {into} if type({element}) is dict and {name} in {element}"
                code.line(f"{into} = [{member}]")
        with code.block(f"elif {into} is not N"):
            code.line(f"{into} = spread([{into}], {code.bind(after)})")

    @contextmanager
    def inside(self) -> Iterator[None]:
        """What is read in a block that may be skipped is not known after it."""
        known = self.known()
        try:
            yield
        finally:
            self.forget(known)

    def known(self) -> tuple[dict[Steps, str], dict[Steps, str]]:
        """What is read already, for ``forget``."""
        return dict(self._objects), dict(self._values)

    def forget(self, known: tuple[dict[Steps, str], dict[Steps, str]]) -> None:
        """Forget what was read since."""
        self._objects, self._values = known

    def _object(self, steps: Steps) -> str:
        """A variable with the object there, an empty one when there is none."""
        name = self._objects.get(steps)
        if name is None:
            name = self._objects[steps] = self._code.name()
            self._code.line(f"{name} = {self.value(steps)}")
            with self._code.block(f"if type({name}) is not dict"):
                self._code.line(f"{name} = E")
        return name

    def _named(self, steps: Steps) -> str:
        name = self._values.get(steps)
        if name is None:
            name = self._values[steps] = self._code.name()
            self._code.line(f"{name} = {self.value(steps)}")
        return name
