"""Dynamic lookups of one call: asked once, shared and kept by rendered request (exports-imports.md 12)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from fairlead.domain import jsonvalue
from fairlead.domain.document import Tree
from fairlead.domain.errors import AuthenticationFailed, InvalidContent, Problem
from fairlead.domain.http import HttpRequest
from fairlead.domain.jsonvalue import NOTHING
from fairlead.engine.ports import Json, LookupPending, MappingError
from fairlead.engine.run import DynamicLookup, Run

MAXIMUM_KEPT: Final = 16 << 20
"""Bytes of results that a call keeps; the oldest go first and are asked for again."""
_LEAST_WEIGHT: Final = 200
"""What a kept result costs beside its own bytes: its request."""

Results = Mapping[str | None, Json]
T = TypeVar("T")


def lookup_entries(tree: Tree, *fields: str) -> Iterator[tuple[str, Tree]]:
    """The lookups in these members of a document (dotted), outer ones first, each with its field."""
    for field in fields:
        node: Any = tree
        for step in field.split("."):
            node = node.get(step) if isinstance(node, Mapping) else None
        for index, entry in enumerate(node or ()):
            yield f"{field}.{index}", entry


@dataclass(slots=True)
class Refusal:
    """Why the application is not asked any more in this call: the connection is offline, or went offline in the middle."""

    problem: Problem | None = None


class DynamicLookups:
    """What the application was asked in this call."""

    def __init__(self, run: Run, refusal: Refusal) -> None:
        self.run = run
        self._refusal = refusal
        self._kept: dict[Hashable, tuple[Results, int]] = {}
        self._weight = 0
        self._asking: dict[Hashable, asyncio.Future[Results | MappingError | AuthenticationFailed]] = {}

    def kept(self, key: Hashable) -> Results:
        """Results that are known already, by ``extract``."""
        found = self._kept.get(key)
        return {} if found is None else found[0]

    async def ask(self, lookup: DynamicLookup, key: Hashable, build: Callable[[], HttpRequest]) -> Json:
        """The result of one request; equal ones that run at the same time are one. Raises what ``DynamicLookup.ask`` raises."""
        while (running := self._asking.get(key)) is not None:
            outcome = await asyncio.shield(running)
            if isinstance(outcome, MappingError):
                raise MappingError(outcome.code, outcome.message, outcome.source)
            if isinstance(outcome, AuthenticationFailed):
                raise AuthenticationFailed(outcome.problems)
            if lookup.extract in outcome:
                return outcome[lookup.extract]
        if self._refusal.problem is not None:
            raise AuthenticationFailed(self._refusal.problem)
        asking = self._asking[key] = asyncio.get_running_loop().create_future()
        try:
            results = await lookup.ask(self.run, build)
            self._keep(key, results)
            asking.set_result(results)
        except (MappingError, AuthenticationFailed) as error:
            asking.set_result(error)
            raise
        finally:
            del self._asking[key]
            asking.cancel()
        return results[lookup.extract]

    def _keep(self, key: Hashable, results: Results) -> None:
        known, weight = self._kept.pop(key, ({}, 0))
        self._weight -= weight
        joined = {**known, **results}
        weight = _LEAST_WEIGHT + sum(map(_weight, joined.values()))
        if weight > MAXIMUM_KEPT:
            return
        self._kept[key] = (joined, weight)
        self._weight += weight
        while self._weight > MAXIMUM_KEPT:
            oldest = next(iter(self._kept))
            self._weight -= self._kept.pop(oldest)[1]


class RecordLookups:
    """The dynamic lookups of one record. Whoever needs a result that is not known yet gets ``LookupPending``: it is to be fetched, and the
    step done again (``settled``)."""

    __slots__ = ("_call", "_found", "_record", "_table", "_wanted")

    def __init__(self, call: DynamicLookups, table: Mapping[str, DynamicLookup], record: Callable[[], Json]) -> None:
        self._call = call
        self._table = table
        self._record = record
        self._found: dict[str, Json] = {}
        self._wanted: dict[str, tuple[Hashable, Callable[[], HttpRequest]]] = {}

    def match(self, name: str) -> Json:
        """What was found, ``NOTHING`` for no match. Raises ``LookupPending`` and ``MappingError``."""
        if name not in self._found:
            self._found[name] = self._known(name)
        return self._found[name]

    def result(self, name: str) -> Json:
        """What was found; without a match the default, else ``NOTHING``. Raises ``LookupPending``, and ``MappingError`` where a match is
        due (``lookup_no_match``)."""
        found = self.match(name)
        if found is not NOTHING:
            return found
        lookup = self._table[name]
        if lookup.allow_failures:
            return lookup.default
        raise MappingError("lookup_no_match", f"the lookup {name!r} has no match for this record", "lookup")

    def for_mapper(self, name: str) -> Json:
        """What was found as ``Scope.dynamic`` tells it: ``None`` for no match."""
        found = self.match(name)
        return None if found is NOTHING else found

    def exists(self, name: str) -> bool:
        """Whether something was found that is not empty (exports-imports.md 9.4)."""
        return not jsonvalue.is_empty(self.match(name))

    def has_value(self, name: str) -> bool:
        """Whether its result, or its default, is not empty."""
        found = self.match(name)
        lookup = self._table[name]
        return not jsonvalue.is_empty(lookup.default if found is NOTHING and lookup.allow_failures else found)

    def results(self, names: Iterable[str]) -> dict[str, Json]:
        """What templates see as ``lookup``: results by name, those without one left out. Raises as ``result``."""
        found = {name: self.result(name) for name in names}
        return {name: value for name, value in found.items() if value is not NOTHING}

    async def settled(self, step: Callable[[], T]) -> T:
        """The outcome of ``step``, which asks this object for results; it is done again as long as one is missing. Raises what it raises,
        and what a request raises."""
        while True:
            try:
                return step()
            except LookupPending as pending:
                await self._fetch(pending.name)

    def _known(self, name: str) -> Json:
        lookup = self._table[name]
        used = self.results(sorted(lookup.uses))

        def build() -> HttpRequest:
            return lookup.request(self._call.run, self._record(), used)

        try:
            key = lookup.key(build())
        except InvalidContent as error:
            problem = error.problems[0]
            raise MappingError(problem.code, f"the lookup {name!r}: {problem.message}", "lookup") from None
        kept = self._call.kept(key)
        if lookup.extract in kept:
            return kept[lookup.extract]
        self._wanted[name] = key, build
        raise LookupPending(name)

    async def _fetch(self, name: str) -> None:
        key, build = self._wanted.pop(name)
        self._found[name] = await self._call.ask(self._table[name], key, build)


async def settled(lookups: RecordLookups | None, step: Callable[[], T]) -> T:
    """The outcome of ``step``, with the lookups of its record if there are any."""
    return step() if lookups is None else await lookups.settled(step)


def _weight(value: Json) -> int:
    if isinstance(value, str):
        return len(value)
    return len(jsonvalue.dumps(value)) if isinstance(value, (dict, list)) else 0
