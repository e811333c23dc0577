"""The results of a call: in order, whole, and within a bound."""

from __future__ import annotations

from fairlead.engine import results as module
from fairlead.engine.ports import RecordResult
from fairlead.engine.results import Results
from fairlead.engine.run import Submission


def test_answers_beyond_the_bound_are_left_out_and_said() -> None:
    """contract.md 1.15, 4.4: each answer may have 50 MiB, a call 10,000 records; what has no room is never dropped in silence."""
    size = module.MAXIMUM_ANSWERS // 2
    results = Results(3)
    for index in range(3):
        results.put(Submission(index, b"{}"), RecordResult(200, id=str(index), json=b'"' + b"x" * (size - 2) + b'"'))
    first, second, third = results.all()
    assert [len(result.json or b"") for result in (first, second, third)] == [size, size, 0]
    assert (third.status_code, third.id) == (200, "2")
    assert [(code, source) for code, _, source in third.errors] == [("response_too_large", "connection")]
    assert not first.errors
