"""What is wrong with a request, in the words of the error envelope (contract.md 1.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

INVALID_JSON: Final = "invalid_json"
INVALID_FIELD: Final = "invalid_field"
MISSING_FIELD: Final = "missing_required_field"
UNKNOWN_FIELD: Final = "unknown_field"
INVALID_QUERY: Final = "invalid_query_params"

_KEPT: Final = 1000
"""Problems remembered of one request; a hostile body of millions of wrong values costs a counter, not memory."""


@dataclass(frozen=True, slots=True)
class ContractProblem:
    """One entry of the error envelope: machine word, text for people, dotted path from the top of the request body."""

    code: str
    message: str
    field: str | None = None


class ContractError(Exception):
    """A request that the contract refuses: all problems found, and the REST status (400 for text that is no JSON, else 422).

    ``dropped`` counts the problems that were found beyond those in ``problems``.
    """

    def __init__(self, problems: Sequence[ContractProblem], *, status: int = 422, dropped: int = 0) -> None:
        if not problems:
            raise ValueError("an error needs at least one problem")
        self.problems = tuple(problems)
        self.status = status
        self.dropped = dropped
        super().__init__("; ".join(problem.message for problem in self.problems[:10]))


class Problems:
    """Collects the problems of one request, in the order in which they are found."""

    __slots__ = ("dropped", "found")

    def __init__(self) -> None:
        self.found: list[ContractProblem] = []
        self.dropped = 0

    def __len__(self) -> int:
        return len(self.found) + self.dropped

    def add(self, code: str, message: str, field: str | None) -> None:
        """Remember one problem."""
        if len(self.found) < _KEPT:
            self.found.append(ContractProblem(code, message, field or None))
        else:
            self.dropped += 1

    def invalid(self, path: str, expectation: str) -> None:
        """Remember an ``invalid_field``: ``<path> must be <expectation>``; an empty path is the body itself."""
        self.add(INVALID_FIELD, f"{path or 'the body'} must {expectation}", path)

    def missing(self, path: str) -> None:
        """Remember a ``missing_required_field``."""
        self.add(MISSING_FIELD, f"{path} is required", path)

    def gather(self, mark: int, code: str, path: str, *, whole: bool) -> None:
        """Put one problem of ``code`` at ``path`` in place of everything found since ``len(problems)`` was ``mark``.

        A ``whole`` value is called malformed and no more is told; of a single value the first message stays.
        """
        if len(self) == mark:
            return
        message = f"{path} is malformed" if whole or mark >= len(self.found) else self.found[mark].message
        del self.found[mark:]
        self.dropped = max(0, mark - _KEPT)
        self.add(code, message, path)

    def raise_if_any(self) -> None:
        """Raise :class:`ContractError` (422) when something was found."""
        if self.found:
            raise ContractError(self.found, dropped=self.dropped)
