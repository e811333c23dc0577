"""A small record does not become a huge one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fairlead.engine.ports import MappingError, Scope
from fairlead.mapping.compiler import CompiledMapping, MappingCompiler
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
    fails(mapper, record, message)


def shown(path: str, extract: str) -> dict[str, Any]:
    """Mapping 2.0: one object for each match of a path."""
    entry = {"generate": "x", "dataType": "string", "status": "Active", "extract": extract}
    helper = [{"extract": path, "mappings": [entry]}]
    return {"mappings": [{**entry, "dataType": "objectarray", "buildArrayHelper": helper}]}


@pytest.mark.parametrize(
    ("model", "record", "message"),
    [
        (shown("$.a[*]", "$.s"), {"a": list(range(5000)), "s": "x" * 100_000}, "20 MiB"),
        (shown("$.a[*]", "{{record.s}}"), {"a": list(range(5000)), "s": "x" * 100_000}, "20 MiB"),
        (shown("$.o[*].l[*]", "$.o.l"), {"o": [{"l": list(range(1000))}] * 1000}, "100000 rows"),
        (
            shown("$.o.l[*]", "{{record.s}}"),
            {"o": {"l": list(range(1000)), **dict.fromkeys(map(str, range(50_000)))}},
            "members copied",
        ),
    ],
)
def test_composite_objects_are_bounded(model: dict[str, Any], record: Any, message: str) -> None:
    """What mapping 2.0 shows again for each element counts too."""
    fails(MappingCompiler(TemplateCompiler()).compile(model), record, message)


def fails(mapper: CompiledMapping, record: Any, message: str) -> None:
    """The record fails, rule by rule and by the generated function."""
    for apply in (mapper.by_rules, mapper.generated()):
        with pytest.raises(MappingError, match=message) as failed:
            apply(record, None, Scope({}, datetime(2026, 1, 15, tzinfo=UTC)))
        assert (failed.value.code, failed.value.source) == ("mapping_error", "mapping")
