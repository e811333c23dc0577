"""What a document may ask for and this build does not run: hooks, scripts, cached lookups. Refused by name over every way to call, never skipped."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.client import ApiClient, ApiError
from tests.e2e.conftest import Served

SCRIPT = {"_scriptId": "5" * 24, "function": "f"}
STACK = {"_stackId": "5" * 24, "function": "f", "configuration": {"a": 1}}
RUN_SCRIPT = {"type": "script", "script": SCRIPT}
CACHED = [{"name": "c", "_lookupCacheId": "5" * 24, "extract": "x"}]
NO_RUNTIME, NOT_YET, NO_STACK = "script_runtime_unavailable", "feature_not_supported", "invalid_ref"

EXPORTS: dict[str, tuple[dict[str, Any], str, str, str | None]] = {
    "hook script": ({"hooks": {"preSavePage": SCRIPT}}, NO_RUNTIME, "hooks.preSavePage", "pre_save_page_hook"),
    "hook stack": ({"hooks": {"preSavePage": STACK}}, NO_STACK, "hooks.preSavePage._stackId", "pre_save_page_hook"),
    "filter": ({"filter": RUN_SCRIPT}, NO_RUNTIME, "filter", "output_filter"),
    "filter without a type": ({"filter": {"script": SCRIPT}}, NO_RUNTIME, "filter", "output_filter"),
    "inputFilter": ({"inputFilter": RUN_SCRIPT}, NO_RUNTIME, "inputFilter", "input_filter"),
    "transform": ({"transform": RUN_SCRIPT}, NO_RUNTIME, "transform", "transformation"),
    "cached lookup in a URI": ({"lookups": CACHED, "http": {"relativeURI": "/ok?a={{lookup.c}}"}}, NOT_YET, "http", None),
    "cached lookup in a mapping": (
        {"lookups": CACHED, "mappings": [{"generate": "a", "dataType": "string", "status": "Active", "extract": "$.a", "lookupName": "c"}]},
        NOT_YET,
        "lookups.0._lookupCacheId",
        None,
    ),
    "cached lookup in a transform": (
        {"transform": {"expression": {"version": "2", "rulesTwoDotZero": {"mode": "create", "lookups": CACHED, "mappings": [{"generate": "a", "dataType": "string", "status": "Active", "extract": "$.a", "lookupName": "c"}]}}}},
        NOT_YET,
        "transform.expression.rulesTwoDotZero.lookups.0._lookupCacheId",
        None,
    ),
}  # fmt: skip
MAPPED_BY_CACHE = {"fields": [{"extract": "a", "generate": "a", "lookupName": "c"}]}
IMPORTS: dict[str, tuple[dict[str, Any], str, str, str | None]] = {
    **{f"hook script {name}": ({"hooks": {name: SCRIPT}}, NO_RUNTIME, f"hooks.{name}", source) for name, source in (
        ("preMap", "pre_map_hook"), ("postMap", "post_map_hook"), ("postSubmit", "post_submit_hook"), ("postAggregate", "post_aggregate_hook")
    )},
    **{f"hook stack {name}": ({"hooks": {name: STACK}}, NO_STACK, f"hooks.{name}._stackId", source) for name, source in (
        ("preMap", "pre_map_hook"), ("postMap", "post_map_hook"), ("postSubmit", "post_submit_hook"), ("postAggregate", "post_aggregate_hook")
    )},
    "filter": ({"filter": RUN_SCRIPT}, NO_RUNTIME, "filter", "import_filter"),
    "transform": ({"transform": RUN_SCRIPT}, NO_RUNTIME, "transform", "transformation"),
    "responseTransform": ({"responseTransform": RUN_SCRIPT}, NO_RUNTIME, "responseTransform", "transformation"),
    "cached lookup in a mapping": ({"lookups": CACHED, "mapping": MAPPED_BY_CACHE}, NOT_YET, "lookups.0._lookupCacheId", None),
    "cached lookup of a position": ({"lookups": CACHED, "http": {"relativeURI": ["/ok", "/ok"], "method": ["PUT", "POST"], "existingLookupName": "c"}}, NOT_YET, "http.existingLookupName", None),
    "cached lookup in a body": ({"lookups": CACHED, "http": {"relativeURI": ["/ok"], "body": ["{{lookup.c}}"]}}, NOT_YET, "http.body.0", None),
    "file": ({"file": {"fileName": "a.csv", "type": "csv"}}, NOT_YET, "file", None),
}  # fmt: skip


async def _refused(call: Any, code: str, field: str, source: str | None) -> None:
    with pytest.raises(ApiError) as error:
        await call
    assert error.value.status == 422
    told = [(entry["code"], entry.get("field"), entry.get("source")) for entry in error.value.errors]
    assert told == [(code, field, source)]


async def _connected(api: ApiClient, served: Served) -> str:
    document = {"type": "http", "name": "a", "http": {"baseURI": served.url, "mediaType": "json"}}
    return str((await api.create(document))["_id"])


@pytest.mark.parametrize(("more", "code", "field", "source"), EXPORTS.values(), ids=EXPORTS.keys())
async def test_exports(
    api: ApiClient, application: Served, more: dict[str, Any], code: str, field: str, source: str | None
) -> None:
    """contract.md 1.5, 7, 8: code, field and source of what would have to run, in all three calls; the application is not asked."""
    id = await _connected(api, application)
    export = {"http": {"relativeURI": "/ok"}, **more}
    await _refused(api.run_export(id, {"export": export, "data": {"a": 1}}), code, f"export.{field}", source)
    await _refused(api.page(id, {"export": export, "data": {"a": 1}}), code, f"export.{field}", source)
    await _refused(api.preview({"_connectionId": id, "data": {"a": 1}, **export}), code, field, source)
    assert application.application.seen == []


@pytest.mark.parametrize(("more", "code", "field", "source"), IMPORTS.values(), ids=IMPORTS.keys())
async def test_imports(
    api: ApiClient, application: Served, more: dict[str, Any], code: str, field: str, source: str | None
) -> None:
    """The same for imports: a hook that is not run is no matter of a record."""
    id = await _connected(api, application)
    model = {"http": {"relativeURI": ["/ok"]}, **more}
    await _refused(api.run_import(id, {"import": model, "data": [{"a": 1}]}), code, f"import.{field}", source)
    assert application.application.seen == []


async def test_what_does_not_run_is_not_missed(api: ApiClient, application: Served) -> None:
    """contract.md 2.11, 7.4: mapping alone runs no hook, filter or transform; a hook without an id is none; lookups nobody uses do no harm."""
    id = await _connected(api, application)
    hooks = dict.fromkeys(("preMap", "postMap", "postSubmit", "postAggregate"), SCRIPT)
    model = {"hooks": hooks, "filter": RUN_SCRIPT, "transform": RUN_SCRIPT, "responseTransform": RUN_SCRIPT}
    mapping = {"fields": [{"extract": "a", "generate": "b"}]}
    assert await api.map(id, {"import": {**model, "mapping": mapping}, "data": [{"a": 1}]}) == [{"b": 1}]
    unset = {name: {"function": "f", "_stackId": None, "_scriptId": None} for name in hooks}
    model = {"http": {"relativeURI": ["/ok"]}, "hooks": unset, "lookups": CACHED, "mapping": mapping}
    results = await api.run_import(id, {"import": model, "data": [{"a": 1}]})
    assert [result["statusCode"] for result in results] == [200]
    rules = {"type": "expression", "expression": {"rules": ["and"]}, "script": SCRIPT}
    export = {
        "http": {"relativeURI": "/ok"},
        "filter": rules,
        "hooks": {"preSavePage": {"function": "f"}},
        "lookups": CACHED,
    }
    assert "errors" not in await api.run_export(id, {"export": export})
