"""Reading a sample and telling what is wrong with it, in one line of a test."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.contract.problems import ContractError
from fairlead.contract.reader import read
from tests.unit.contract.samples import REPLACE, Sample


def sample(body: str | bytes, mode: int = REPLACE, **options: Any) -> Any:
    """The sample message that a body reads as."""
    return read(body.encode() if isinstance(body, str) else body, Sample, mode, **options).message


def problems(body: str | bytes, mode: int = REPLACE, **options: Any) -> list[tuple[str, str | None, str]]:
    """Code, field and message of everything that is wrong with a body."""
    with pytest.raises(ContractError) as caught:
        sample(body, mode, **options)
    assert caught.value.status == 422
    return [(problem.code, problem.field, problem.message) for problem in caught.value.problems]
