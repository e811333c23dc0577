"""The two use cases of exports: all pages at once, and page by page (contract.md 2.6, 2.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fairlead.domain.document import Tree
from fairlead.domain.errors import (
    ApplicationFailure,
    ConditionNotMet,
    InvalidContent,
    NotFound,
)
from fairlead.domain.http import HttpRequest, HttpResponse, TransportFailure
from fairlead.engine.exports import Exported
from tests.unit.engine.exporting import (
    FIRST,
    OFFLINE,
    SECOND,
    THEIRS,
    Answers,
    Service,
    code_of,
    ids,
    orders,
    reply,
    seven_orders,
    state_of,
)


async def test_the_seven_orders() -> None:
    """exports-imports.md 5.2, 5.3: three calls, these requests and no more, these pages, these states; nothing is kept in between."""
    service = Service(cache=0)
    export = orders(pageSize=5)
    first = await service.page(export)
    assert ids(first) == [1, 2, 3, 4, 5]
    assert (state_of(first)["pageIndex"], state_of(first)["pageSize"], state_of(first)["done"]) == (2, 5, False)
    assert service.wire.asked == ["/orders?page=1", "/orders?page=2"]
    second = await service.page(export, first.state)
    assert ids(second) == [6, 7]
    assert (state_of(second)["pageIndex"], state_of(second)["done"]) == (3, True)
    assert service.wire.asked[2:] == ["/orders?page=2", "/orders?page=3", "/orders?page=4"]
    assert await service.page(export, second.state) == Exported([], [])
    assert (len(service.wire.asked), service.stats.calls) == (5, 5)


async def test_any_replica_serves_any_page() -> None:
    """D6: a process that never saw this export goes on from the state; a state posted again fetches the same page again."""
    export = orders(pageSize=2)
    pages: list[list[int]] = []
    state: Tree | None = None
    while state is None or not state["done"]:
        result, again = await Service().page(export, state), await Service().page(export, state)
        assert result.records == again.records
        pages.append(ids(result))
        state = state_of(result)
    assert pages == [[1, 2], [3, 4], [5, 6], [7]]


async def test_everything_at_once() -> None:
    """contract.md 2.6: all pages joined, pageSize has no effect, no state."""
    service = Service()
    result = await service.execute(orders(pageSize=2))
    assert (ids(result), result.state, result.data_uris, result.errors) == ([1, 2, 3, 4, 5, 6, 7], None, [""] * 7, [])
    assert len(service.wire.asked) == 4


async def test_totals_of_the_application() -> None:
    """exports-imports.md 5.1: totalRecords as told, totalPages by our own page size, kept when an answer tells nothing."""
    export = orders(pageSize=5, http={"paging": {"method": "page", "page": 1, "maxCountPath": "total"}})
    service = Service()
    first = state_of(await service.page(export))
    assert (first["totalRecords"], first["totalPages"]) == (7, 2)
    second = state_of(await service.page(export, first))
    assert (second["totalRecords"], second["totalPages"], second["done"]) == (7, 2, True)
    assert service.wire.asked[-1] == "/orders?page=3"


async def test_a_test_export_stops_at_its_limit() -> None:
    """exports-imports.md 3.3: type test, default 1 record; over pages the limit counts all of them."""
    service = Service()
    assert ids(await service.execute(orders(type="test"))) == [1]
    assert ids(await service.execute(orders(type="test", test={"limit": 4}))) == [1, 2, 3, 4]
    assert service.wire.asked == ["/orders?page=1", "/orders?page=1", "/orders?page=2"]
    export = orders(type="test", test={"limit": 4}, pageSize=3)
    first = await service.page(export)
    second = await service.page(export, first.state)
    assert (ids(first), ids(second), state_of(second)["done"]) == ([1, 2, 3], [4], True)


async def test_a_test_block_without_the_type_is_carried() -> None:
    """exports-imports.md 1.1: without type all records are meant."""
    assert len(ids(await Service().execute(orders(test={"limit": 2})))) == 7


async def test_data_uris() -> None:
    """contract.md 2.6: one per record, empty for null, in both calls."""
    export = orders(pageSize=5, dataURITemplate="/o/{{record.id}}")
    assert (await Service().execute(export)).data_uris[:2] == ["/o/1", "/o/2"]
    assert (await Service().page(export)).data_uris == ["/o/1", "/o/2", "/o/3", "/o/4", "/o/5"]


async def test_ten_thousand_records_and_not_one_more() -> None:
    """contract.md 1.15: /export answers 10,000 records, and refuses 10,001 without a part of them."""

    def answers(total: int) -> Answers:
        def many(request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
            start = (int(query["page"]) - 1) * 4000
            return reply(b"[" + b",".join(b"{}" for _ in range(start, min(start + 4000, total))) + b"]")

        return many

    export = orders(http={"response": {}})
    assert len((await Service(answers(10_000)).execute(export)).records) == 10_000
    service = Service(answers(100_000))
    with pytest.raises(InvalidContent) as error:
        await service.execute(export)
    assert error.value.problems[0].code == "export_too_large"
    assert len(service.wire.asked) == 3


async def test_twenty_mebibytes() -> None:
    """contract.md 1.15: the other bound of /export."""
    record = b'{"text":"' + b"x" * (1 << 20) + b'"}'
    service = Service(lambda request, query: reply(b"[" + b",".join([record] * 8) + b"]"))
    with pytest.raises(InvalidContent) as error:
        await service.execute(orders(http={"response": {}}))
    assert error.value.problems[0].code == "export_too_large"
    assert len(service.wire.asked) == 3


@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (404, {"error": "no such thing"}, "404", '{"error": "no such thing"}'),
        (500, {"error": {"text": "down"}}, "500", "down"),
        (403, {}, "403", "{}"),
        (304, {}, "304", "{}"),
    ],
)
async def test_a_failing_application(status: int, body: Any, code: str, message: str) -> None:
    """contract.md 1.16: code is the status as text, source application; never a part of the data."""
    service = Service(lambda request, query: reply(body, status))
    export = orders(http={"response": {"errorPath": "error.text"}})
    for call in (service.execute(export), service.page(export)):
        with pytest.raises(ApplicationFailure) as error:
            await call
        problem = error.value.problems[0]
        assert (problem.code, problem.message, problem.source, problem.field) == (code, message, "application", None)


async def test_a_refused_sign_in() -> None:
    """connections.md 6.2: 401 of the application is code 401 with source connection."""
    with pytest.raises(ApplicationFailure) as error:
        await Service(lambda request, query: reply({}, 401)).execute(orders())
    assert (error.value.problems[0].code, error.value.problems[0].source) == ("401", "connection")


async def test_no_answer() -> None:
    """contract.md 1.16: the word of the failure, source connection."""

    def refuse(request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
        raise TransportFailure("connection_error", "refused", sent=False)

    with pytest.raises(ApplicationFailure) as error:
        await Service(refuse).execute(orders())
    assert (error.value.problems[0].code, error.value.problems[0].source) == ("connection_error", "connection")


async def test_a_failure_between_pages_of_a_call() -> None:
    """contract.md 2.6: no partial data, whichever page fails."""

    def answers(request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
        return seven_orders(request, query) if query["page"] == "1" else reply({}, 500)

    for call in (Service(answers).execute(orders()), Service(answers).page(orders(pageSize=5))):
        with pytest.raises(ApplicationFailure):
            await call


async def test_pages_before_a_failure_are_delivered() -> None:
    """exports-imports.md 5.2: a page that is full does not ask for the next, so its failure is the next call's."""

    def answers(request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
        return seven_orders(request, query) if query["page"] == "1" else reply({}, 500)

    service, export = Service(answers), orders(pageSize=3)
    first = await service.page(export)
    assert ids(first) == [1, 2, 3]
    with pytest.raises(ApplicationFailure):
        await service.page(export, first.state)


async def test_whose_connection() -> None:
    """contract.md 1.4: an unknown connection and another account's are the same 404."""
    with pytest.raises(NotFound):
        await Service().execute(orders(), to="55414893ffffffffffffffff")
    with pytest.raises(NotFound):
        await Service().page(orders(), account=THEIRS)


async def test_an_offline_connection() -> None:
    """connections.md 6.2: refused before any request."""
    service = Service()
    for call in (service.execute(orders(), to=OFFLINE), service.page(orders(), to=OFFLINE)):
        assert (await code_of(call, ConditionNotMet))[0] == "connection_offline"
    assert service.wire.asked == []


async def test_states_are_for_one_connection_and_one_export() -> None:
    """exports-imports.md 5.4: the use case signs and checks with account, connection and content of the export."""
    service, export = Service(), orders(pageSize=2)
    state = state_of(await service.page(export))
    asked = len(service.wire.asked)
    for call in (
        service.page(export, state, to=SECOND),
        service.page(orders(pageSize=3), state),
        service.page(export, {**state, "pageIndex": 7}),
        service.page({**export, "description": "x"}, state),
    ):
        assert await code_of(call, ConditionNotMet) == ("invalid_paged_export_state", "pagedExportState")
    assert len(service.wire.asked) == asked
    assert ids(await service.page({**export, "asynchronous": True}, state)) == [3, 4]


async def test_later_pages_ask_with_the_dates_of_the_first() -> None:
    """exports-imports.md 5.2: the request of a page in progress is repeated as it was, though the clock has moved."""
    service = Service()
    export = orders("/orders?page={{export.http.paging.page}}&to={{currentExportDateTime}}", pageSize=2)
    first = await service.page(export)
    await service.clock.advance(3600)
    await service.page(export, first.state)
    assert service.wire.asked[0] == service.wire.asked[1] == "/orders?page=1&to=2026-01-15T09%3A30%3A00.000Z"


@pytest.mark.parametrize(
    ("delta", "post", "since"),
    [
        (None, {}, "1970-01-01T00:00:00.000Z"),
        ({"startDate": "2026-01-01T00:00:00Z"}, {}, "2026-01-01T00:00:00.000Z"),
        ({"startDate": "2026-01-01"}, {"lastExportDateTime": 1768469400}, "2026-01-15T09:30:00.000Z"),
        (None, {"lastExportDateTime": "1768469400250"}, "2026-01-15T09:30:00.250Z"),
        (None, {"lastExportDateTime": "2026-01-15T10:30:00+01:00"}, "2026-01-15T09:30:00.000Z"),
        (None, {"lastExportDateTime": None}, "1970-01-01T00:00:00.000Z"),
        (None, {"lastExportDateTime": ""}, "1970-01-01T00:00:00.000Z"),
        ({"dateFormat": "YYYY-MM-DD"}, {"lastExportDateTime": 1768469400}, "2026-01-15"),
    ],
)
async def test_the_lower_bound_of_a_delta(delta: Tree | None, post: Tree, since: str) -> None:
    """exports-imports.md 3.1, contract.md 2.6: what postData says, else startDate, else 1970, in dateFormat; for every type."""
    service = Service(lambda request, query: reply([]))
    export = {"http": {"relativeURI": "/o?since={{{lastExportDateTime}}}"}, **({"delta": delta} if delta else {})}
    await service.execute(export, post=post)
    await service.page(export, post=post)
    assert service.wire.asked == [f"/o?since={since}"] * 2


async def test_a_date_that_is_none() -> None:
    """contract.md 2.6: 422 with the field of the request body."""
    call = Service().execute(orders(), post={"lastExportDateTime": "yesterday"})
    assert await code_of(call, InvalidContent) == ("invalid_field", "postData.lastExportDateTime")


async def test_what_templates_see() -> None:
    """handlebars.md 2.1: connection, export, settings of both, and the record of a lookup with its state before transform."""
    service = Service(lambda request, query: reply([]))
    uri = "/o?{{connection.name}},{{connection._id}},{{export.description}},{{settings.export.a}},{{settings.connection.region}}"
    export = {
        "description": "d",
        "isLookup": True,
        "settings": b'{"a":1.50}',
        "http": {"relativeURI": uri + ",{{record.id}},{{data.id}},{{id}},{{data._INITDATA.id}},{{exportStartTime}}"},
    }
    await service.execute(export, data=b'{"id":7}')
    assert service.wire.asked == [f"/o?first,{FIRST},d,1.50,eu,7,7,7,7,2026-01-15T09%3A30%3A00.000Z"]


async def test_records_pass_through_both_calls_verbatim() -> None:
    """D1: digits, blanks and key order of a record are those of the application."""
    record = b'{"big":9007199254740993, "price":140891.90,"z":1,"a":"\\u00e9"}'
    service = Service(lambda request, query: reply(b'{"orders":[' + record + b"]}"))
    export = {"http": {"relativeURI": "/o", "response": {"resourcePath": "orders"}}}
    assert (await service.execute(export)).records == [record]
    assert (await service.page(export)).records == [record]


async def test_a_loop_over_calls() -> None:
    """exports-imports.md 4.2 rule 6: alternating tokens are found though every call makes one request only."""

    def answers(request: HttpRequest, query: Mapping[str, str]) -> HttpResponse:
        return reply({"orders": [{"id": 1}], "next": {"": "a", "a": "b", "b": "a"}[query.get("c", "")]})

    export = {
        "pageSize": 1,
        "http": {
            "relativeURI": "/o?c={{export.http.paging.token}}",
            "response": {"resourcePath": "orders"},
            "paging": {"method": "token", "path": "next"},
        },
    }
    state: Tree | None = None
    for _ in range(3):
        state = state_of(await Service(answers).page(export, state))
    service = Service(answers)
    with pytest.raises(ApplicationFailure) as error:
        await service.page(export, state)
    assert (error.value.problems[0].code, service.wire.asked) == ("paging_loop", [])


async def test_a_position_that_no_state_can_carry() -> None:
    """exports-imports.md 5.5: a rendered body of more than 8 KiB cannot travel; /export does not need it."""
    service = Service(
        lambda request, query: reply({"orders": [{"id": 1}], "next": "x" * 9000 if request.body == b"{}" else ""})
    )
    export = {
        "pageSize": 1,
        "http": {
            "method": "POST",
            "relativeURI": "/o",
            "body": "{}",
            "response": {"resourcePath": "orders"},
            "paging": {"method": "body", "body": "{{previous_page.full_response.next}}"},
        },
    }
    assert await code_of(service.page(export), InvalidContent) == ("paged_export_state_too_large", None)
    assert ids(await service.execute(export)) == [1, 1]
