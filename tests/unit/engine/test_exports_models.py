"""Export models that are wrong, or ask for more than this build runs (contract.md 1.5, exports-imports.md 4.1)."""

from __future__ import annotations

import pytest

from fairlead.domain.document import Tree
from fairlead.domain.errors import (
    FairleadError,
    InvalidContent,
    NotSupported,
)
from tests.unit.engine.exporting import (
    FIRST,
    NETSUITE,
    REST,
    SECOND,
    Service,
    code_of,
    ids,
    orders,
)


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"transform": {"script": {"_scriptId": "s"}}}, "script_runtime_unavailable", "export.transform"),
        ({"filter": {"type": "script", "script": {"_scriptId": "s"}}}, "script_runtime_unavailable", "export.filter"),
        ({"inputFilter": {"script": {"_scriptId": "s"}}}, "script_runtime_unavailable", "export.inputFilter"),
        (
            {"hooks": {"preSavePage": {"function": "f", "_scriptId": "s"}}},
            "script_runtime_unavailable",
            "export.hooks.preSavePage",
        ),
        ({"type": "webhook"}, "feature_not_supported", "export.type"),
        ({"type": "blob"}, "feature_not_supported", "export.type"),
        ({"file": {"type": "xlsx"}}, "feature_not_supported", "export.file.type"),
        ({"file": {"output": "metadata"}}, "feature_not_supported", "export.file.output"),
        ({"file": {"groupByFields": ["id"]}}, "feature_not_supported", "export.file.groupByFields"),
        ({"file": {"json": {"resourcePath": "a"}}}, "feature_not_supported", "export.file.json.resourcePath"),
        (
            {
                "lookups": [{"name": "c", "_lookupCacheId": "i"}],
                "http": {"relativeURI": "/{{lookup.c}}/{{export.http.paging.page}}"},
            },
            "feature_not_supported",
            "export.http",
        ),
        ({"http": {"type": "blob"}}, "feature_not_supported", "export.http.type"),
    ],
)
async def test_what_a_later_build_runs(more: Tree, code: str, field: str) -> None:
    """contract.md 1.5: a known field that cannot be acted on is named, never skipped; nothing is asked of the application."""
    service = Service()
    assert await code_of(service.execute(orders(**more)), NotSupported) == (code, field)
    assert await code_of(service.page(orders(**more)), NotSupported) == (code, field)
    assert service.wire.asked == []


@pytest.mark.parametrize(
    "more",
    [
        {"transform": {"expression": {"version": "1", "rules": []}}},
        {"filter": {"expression": {"rules": []}}},
        {"hooks": {"preSavePage": {"function": "", "_stackId": None}}},
        {"type": "delta", "delta": {"lagOffset": 5}},
        {"oneToMany": False, "name": "n", "_connectionId": FIRST, "adaptorType": "HTTPExport", "asynchronous": True},
        {"http": {"once": {"relativeURI": "/seen"}}},
        {"file": {"type": "json", "output": "records", "encoding": "utf8", "csv": {"trimSpaces": True}, "json": {}}},
        {"isLookup": True, "traceKeyTemplate": "{{record.id}}"},
    ],
)
async def test_what_is_carried(more: Tree) -> None:
    """Features without rules, and fields that mean nothing here, do not stand in the way."""
    assert len(ids(await Service().execute(orders(**more)))) == 7


@pytest.mark.parametrize(
    ("export", "to", "kind", "code", "field"),
    [
        ({}, FIRST, InvalidContent, "missing_required_field", "export.http"),
        ({"netsuite": {"type": "search"}}, FIRST, NotSupported, "adaptor_not_supported", "export.netsuite"),
        (orders(), NETSUITE, NotSupported, "adaptor_not_supported", "type"),
        (orders(_connectionId=SECOND), FIRST, InvalidContent, "invalid_field", "export._connectionId"),
        ({"http": {"relativeURI": "/{{"}}, FIRST, InvalidContent, "invalid_template", "export.http.relativeURI"),
        (orders(delta={"dateField": "x"}), FIRST, InvalidContent, "invalid_field", "export.delta.dateField"),
        (
            orders(transform={"expression": {"version": "1", "rules": [[{"extract": "a[", "generate": "b"}]]}}),
            FIRST,
            InvalidContent,
            "invalid_mapping",
            "export.transform.expression.rules.0.0.extract",
        ),
        (
            orders(filter={"expression": {"rules": ["is", 1, 1]}}),
            FIRST,
            InvalidContent,
            "invalid_filter",
            "export.filter.expression.rules",
        ),
        (orders(inputFilter={"rules": ["not"]}), FIRST, InvalidContent, "invalid_filter", "export.inputFilter.rules"),
        (orders(oneToMany=True), FIRST, InvalidContent, "missing_required_field", "export.pathToMany"),
        (orders(type="once"), FIRST, InvalidContent, "missing_required_field", "export.http.once.relativeURI"),
        (
            {"type": "once", "rest": {"relativeURI": "/", "once": {"postBody": "x"}}},
            REST,
            InvalidContent,
            "missing_required_field",
            "export.rest.once.relativeURI",
        ),
        (
            orders(file={"csv": {"rowsToSkip": -1}}),
            FIRST,
            InvalidContent,
            "invalid_field",
            "export.file.csv.rowsToSkip",
        ),
        (orders(traceKeyTemplate="{{"), FIRST, InvalidContent, "invalid_template", "export.traceKeyTemplate"),
        (
            {"rest": {"relativeURI": "/", "pagingMethod": "nextpageurl"}},
            REST,
            InvalidContent,
            "missing_required_field",
            "export.rest.nextPagePath",
        ),
        (
            {"rest": {"relativeURI": "/", "resourcePath": "a["}},
            REST,
            InvalidContent,
            "invalid_field",
            "export.rest.resourcePath",
        ),
        (
            {"http": {"relativeURI": "https://elsewhere.test/"}},
            FIRST,
            InvalidContent,
            "invalid_field",
            "export.http.relativeURI",
        ),
        (
            {"rest": {"relativeURI": "https://elsewhere.test/"}},
            REST,
            InvalidContent,
            "invalid_field",
            "export.rest.relativeURI",
        ),
    ],
)
async def test_a_model_that_is_wrong(export: Tree, to: str, kind: type[FairleadError], code: str, field: str) -> None:
    """contract.md 1.5: the field from the top of the request body, in the notation in which it was written."""
    service = Service()
    assert await code_of(service.page(export, to=to), kind) == (code, field)
    assert service.wire.asked == []


async def test_all_problems_of_a_model_at_once() -> None:
    """contract.md 1.5: combinations and compilation are told together, each with its field in front of its message."""
    export = {"rest": {"relativeURI": "/{{", "pagingMethod": "token", "lastPagePath": "a"}, "delta": {"dateField": "x"}}
    with pytest.raises(InvalidContent) as error:
        await Service().execute(export, to=REST)
    fields = [problem.field for problem in error.value.problems]
    assert fields == [
        "export.rest.lastPageValue",
        "export.delta.dateField",
        "export.rest.relativeURI",
        "export.rest.nextPagePath",
        "export.rest.pagingMethod",
    ]
    assert all(problem.message.startswith(str(problem.field)) for problem in error.value.problems)
