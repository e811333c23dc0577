"""A small record does not become a huge one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fairlead.engine.ports import MappingError, Scope
from fairlead.mapping.compiler import MappingCompiler
from fairlead.templates.compiler import TemplateCompiler

FIELDS = [{"extract": "a[*]", "generate": "n"}, {"extract": "s", "generate": "s"}]
NESTED = [{"extract": "o[*].l[*]", "generate": "n"}]


@pytest.mark.parametrize(
    ("fields", "record", "message"),
    [
        (FIELDS, {"a": list(range(5000)), "s": "x" * 100_000}, "20 MiB"),
        (FIELDS, {"a": list(range(5000)), "s": {"k": "x" * 100_000}}, "20 MiB"),
        (NESTED, {"o": [{"l": list(range(1000))}] * 1000}, "100000 rows"),
    ],
)
def test_what_repeats_on_every_row_is_bounded(fields: list[Any], record: Any, message: str) -> None:
    """The record fails by name before the rows are made."""
    mapper = MappingCompiler(TemplateCompiler()).compile(
        {"mapping": {"lists": [{"generate": "rows", "fields": fields}]}}
    )
    with pytest.raises(MappingError, match=message) as failed:
        mapper.map(record, None, Scope({}, datetime(2026, 1, 15, tzinfo=UTC)))
    assert (failed.value.code, failed.value.source) == ("mapping_error", "mapping")
