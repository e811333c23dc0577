"""The results of a call: one per record, in the order of the input, always (contract.md 4.4)."""

from __future__ import annotations

from typing import Final

from fairlead.engine.one_to_many import joined
from fairlead.engine.ports import RecordResult
from fairlead.engine.run import Submission

MAXIMUM_ANSWERS: Final = 20 << 20
"""Bytes of the answers in all results of a call, as many as an export may collect (contract.md 1.15): each may have 50 MiB."""

_LEFT_OUT: Final = (
    "the answer is too large for _json and left out: the results of one call have room for 20 MiB of answers"
)


class Results:
    """Takes them in any order. An answer for which there is no more room is left out, and the result says so."""

    def __init__(self, records: int) -> None:
        self._room = MAXIMUM_ANSWERS
        self._results: list[RecordResult | None] = [None] * records
        self._families: dict[int, list[RecordResult | None]] = {}

    def expect(self, index: int, children: int) -> None:
        """Record ``index`` has so many children; each will have a result."""
        self._families[index] = [None] * children

    def put(self, submission: Submission, result: RecordResult) -> None:
        """The result of a record, or of one of its children."""
        if result.json is not None:
            if len(result.json) > self._room:
                result.errors.append(("response_too_large", _LEFT_OUT, "connection"))
                result.json = None
            else:
                self._room -= len(result.json)
        if submission.child is None:
            self._results[submission.index] = result
            return
        self._families[submission.index][submission.child] = result

    def all(self) -> list[RecordResult]:
        """One per record."""
        for index, family in self._families.items():
            self._results[index] = joined([child for child in family if child is not None])
        return [result for result in self._results if result is not None]
