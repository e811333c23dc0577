"""The results of a call: one per record, in the order of the input, always (contract.md 4.4)."""

from __future__ import annotations

from fairlead.engine.one_to_many import joined
from fairlead.engine.ports import RecordResult
from fairlead.engine.run import Submission


class Results:
    """Takes them in any order."""

    def __init__(self, records: int) -> None:
        self._results: list[RecordResult | None] = [None] * records
        self._families: dict[int, list[RecordResult | None]] = {}

    def expect(self, index: int, children: int) -> None:
        """Record ``index`` has so many children; each will have a result."""
        self._families[index] = [None] * children

    def put(self, submission: Submission, result: RecordResult) -> None:
        """The result of a record, or of one of its children."""
        if submission.child is None:
            self._results[submission.index] = result
            return
        self._families[submission.index][submission.child] = result

    def all(self) -> list[RecordResult]:
        """One per record."""
        for index, family in self._families.items():
            self._results[index] = joined([child for child in family if child is not None])
        return [result for result in self._results if result is not None]
