"""From a document to a connection that can run, and what a run is given of it; pings of both kinds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fairlead.domain.errors import ApplicationFailure, ConditionNotMet, InvalidContent, NotFound
from fairlead.domain.http import HttpRequest, HttpResponse, TransportFailure
from fairlead.engine.ping import PingResult
from fairlead.engine.pooling import pool_settings
from fairlead.engine.ports import PoolSettings
from fairlead.engine.runs import RUN_SECONDS, refuse_offline
from tests.unit.engine.serving import BASE, MINE, THEIRS, Service, connection_tree, http, refusal, reply, rest

LENDER = "_borrowConcurrencyFromConnectionId"


async def test_a_stored_connection_is_prepared_once_per_version(service: Service) -> None:
    """One preparation serves until the document, its runtime or its lender changes."""
    lender = (await service.create(http(concurrencyLevel=2))).tree["_id"]
    id = (await service.create({**http(), LENDER: lender})).tree["_id"]
    first = await service.preparer.stored(MINE, id)
    assert await service.preparer.stored(MINE, id) is first
    assert first.pool == PoolSettings(lender, 2, revision=1, connection=f"{MINE}/{id}", version=1)
    await service.put(lender, http(concurrencyLevel=3))
    second = await service.preparer.stored(MINE, id)
    assert second.pool == PoolSettings(lender, 3, revision=2, connection=f"{MINE}/{id}", version=1)
    await service.connections.set_offline(MINE, id, True)
    assert (await service.preparer.stored(MINE, id)).connection.offline
    assert await refusal(service.preparer.stored(THEIRS, id), NotFound)


async def test_sockets_are_shared_within_one_version_of_one_connection_only(service: Service) -> None:
    """D12: a changed connection, another one and one that is not stored each get sockets of their own."""
    ids = [(await service.create(http())).tree["_id"] for _ in range(2)]
    keys = [(await service.preparer.stored(MINE, id)).profile.key for id in ids]
    await service.put(ids[0], http())
    keys.append((await service.preparer.stored(MINE, ids[0])).profile.key)
    keys += [(await service.preparer.virtual(MINE, connection_tree(http()))).profile.key for _ in range(2)]
    assert len(set(keys)) == 5


async def test_templates_see_secrets_in_clear_in_both_notations(service: Service) -> None:
    """handlebars.md 2.2: ``connection.rest.*`` and the corresponding ``connection.http.*``; numbers of bags stay numbers."""
    document = rest(authType="token", bearerToken="t0k3n", encrypted={"k": "v", "n": 1.50}, pingRelativeURI="/p")
    id = (await service.create({**document, "settings": {"region": "eu"}})).tree["_id"]
    context = (await service.preparer.stored(MINE, id)).connection.context
    assert context["_id"] == id
    assert context["rest"]["encrypted"]["k"] == context["http"]["encrypted"]["k"] == "v"
    assert context["http"]["auth"]["token"]["token"] == context["rest"]["bearerToken"] == "t0k3n"
    assert context["http"]["ping"]["relativeURI"] == "/p"
    assert context["settings"] == {"region": "eu"}


PROFILES: list[tuple[dict[str, Any], tuple[bool, bool, str]]] = [
    ({}, (True, False, "Retry-After")),
    ({"disableStrictSSL": True}, (False, False, "Retry-After")),
    ({"auth": {"type": "custom", "skipFollowAuthorizationHeader": True}}, (True, True, "Retry-After")),
    ({"retryHeader": "try-after"}, (True, False, "try-after")),
]


@pytest.mark.parametrize(("block", "expected"), PROFILES)
async def test_what_the_transport_is_told(service: Service, block: Any, expected: tuple[bool, bool, str]) -> None:
    """connections.md 7.2, 9, 13.4."""
    made = await service.preparer.virtual(MINE, connection_tree(http(**block)))
    assert (made.profile.strict_tls, made.profile.skip_authorization_on_redirect, made.retry_header) == expected


@pytest.mark.parametrize(("purpose", "seconds"), [("ping", 60), ("import", 60), ("export", 120), ("lookup", 120)])
async def test_pages_and_lookups_may_take_longer_to_begin_their_answer(
    service: Service, purpose: str, seconds: float
) -> None:
    """connections.md 13.5: first byte 60 s, lookups and pages 120 s."""
    made = await service.preparer.virtual(MINE, connection_tree(http(ping={"relativeURI": "/"})))
    run = service.runs.open(made, purpose, 300, None)
    await service.runs.executor(made).ping(run)
    assert [profile.first_byte for profile in service.application.profiles] == [seconds]
    assert made.profile.first_byte == 60


@pytest.mark.parametrize(
    ("timeout", "left", "callers"), [(None, 300, False), (10, 10, True), (300, 300, False), (400, 300, False)]
)
async def test_a_run_ends_after_its_time_or_at_the_callers_deadline(
    service: Service, timeout: float | None, left: float, callers: bool
) -> None:
    """contract.md 1.15, 1.17: 300 s, or sooner when the caller says so."""
    made = await service.preparer.virtual(MINE, connection_tree(http()))
    deadline = service.runs.open(made, "export", RUN_SECONDS, timeout).deadline
    assert (deadline.left(service.clock), deadline.callers) == (left, callers)


RECOVERY: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"targetConcurrencyLevel": 8}, {"level": 8, "start": 8}),
    ({"targetConcurrencyLevel": 8, "concurrencyLevel": 3}, {"level": 8, "start": 3}),
    ({"targetConcurrencyLevel": 8, "concurrencyLevel": 20}, {"level": 8, "start": 8}),
    ({"targetConcurrencyLevel": 8, "concurrencyLevel": 1}, {"level": 8, "start": 1}),
    ({"concurrencyLevel": 3}, {"level": 3}),
    ({}, {}),
]


@pytest.mark.parametrize(("block", "expected"), RECOVERY)
@pytest.mark.parametrize("notation", [http, rest])
async def test_the_level_that_recovers(
    service: Service, notation: Any, block: dict[str, Any], expected: dict[str, Any]
) -> None:
    """connections.md 8.4: it starts at the target, or at the level if that is lower, and may rise to the target; without a target, or
    without the flag, the level is fixed. In both notations; a borrower has its lender's."""
    recovers = {**notation(**block), "autoRecoverRateLimitErrors": True}
    id = (await service.create(recovers)).tree["_id"]
    stored = PoolSettings(id, revision=1, connection=f"{MINE}/{id}", version=1, **expected)
    assert (await service.preparer.stored(MINE, id)).pool == stored
    borrower = await service.preparer.virtual(MINE, connection_tree({**http(targetConcurrencyLevel=40), LENDER: id}))
    assert borrower.pool == PoolSettings(id, revision=1, **expected)
    fixed = await service.preparer.virtual(MINE, connection_tree(notation(**block)))
    assert (fixed.pool.level, fixed.pool.start) == (block.get("concurrencyLevel"), None)


async def test_a_borrowers_own_recovery_is_ignored(service: Service) -> None:
    """connections.md 8.3: queue, level, pacing and cool-down are the lender's."""
    lender = (await service.create(http(concurrencyLevel=2))).tree["_id"]
    borrower = {**http(targetConcurrencyLevel=9), "autoRecoverRateLimitErrors": True, LENDER: lender}
    assert (await service.preparer.virtual(MINE, connection_tree(borrower))).pool == PoolSettings(lender, 2, revision=1)


async def test_what_is_paced_does_not_recover(service: Service) -> None:
    """connections.md 7.4: a wait between two requests means one at a time."""
    paced = http(concurrencyLevel=1, rateLimit={"limit": 500}, targetConcurrencyLevel=5)
    made = await service.preparer.virtual(MINE, connection_tree({**paced, "autoRecoverRateLimitErrors": True}))
    assert (made.pool.level, made.pool.pause, made.pool.start) == (1, 0.5, None)


async def test_a_connection_with_an_agent_needs_the_agent(service: Service) -> None:
    """contract.md 15: ``agent_offline``."""
    tree = {**connection_tree(http()), "_agentId": "a" * 24}
    assert await refusal(service.preparer.virtual(MINE, tree), ConditionNotMet) == {("agent_offline", "_agentId")}


async def test_an_offline_connection_is_refused_to_all_but_pings(service: Service) -> None:
    """connections.md 6.2."""
    id = (await service.create({**http(ping={"relativeURI": "/"}), "offline": True})).tree["_id"]
    made = await service.preparer.stored(MINE, id)
    with pytest.raises(ConditionNotMet) as error:
        refuse_offline(made)
    assert error.value.problems[0].code == "connection_offline"
    assert await service.ping(id) == PingResult()
    refuse_offline(await service.preparer.stored(MINE, id))


def test_a_pause_counts_only_with_level_one() -> None:
    """connections.md 7.4, 8.1."""
    for level, settings in ((1, PoolSettings("c", 1, 0.5)), (2, PoolSettings("c", 2))):
        block = {"concurrencyLevel": level, "rateLimit": {"limit": 500}}
        assert pool_settings("c", {"type": "http", "http": block}, None) == settings


# -- pings ----------------------------------------------------------------------------------------------------------------


def failing(code: str, *, sent: bool = True) -> Any:
    """An application that cannot be reached."""

    def answer(request: HttpRequest) -> HttpResponse:
        raise TransportFailure(code, "no usable answer", sent=sent)

    return answer


EXAMPLE_B = {
    "relativeURI": "/",
    "failPath": "Error",
    "failValues": ["Request_Failed"],
    "errorPath": "Error_Description",
}
UNAVAILABLE = {"Error": "Request_Failed", "Error_Description": "Service is unavailable. Please try after some time."}
EXAMPLE_A = {"relativeURI": "/", "successPath": "status", "successValues": ["success"]}
PLAIN = {"relativeURI": "/"}
NONE: tuple[None, None] = (None, None)

OUTCOMES: list[tuple[str, dict[str, Any], Any, tuple[int, str | None, str | None], bool | None]] = [
    ("200", PLAIN, reply({}), (200, *NONE), False),
    ("204", PLAIN, reply(b"", 204), (200, *NONE), False),
    ("401", PLAIN, reply(b"who?", 401), (401, "who?", "connection"), True),
    ("404", PLAIN, reply(b"", 404), (404, "status 404", "application"), True),
    ("304", PLAIN, reply(b"old", 304), (422, "old", "application"), True),
    ("500", PLAIN, reply(b"oops", 500), (500, "oops", "application"), True),
    ("A, success", EXAMPLE_A, reply({"status": "success"}), (200, *NONE), False),
    ("A, failed", EXAMPLE_A, reply(b'{"status":"failed"}'), (422, '{"status":"failed"}', "application"), True),
    ("A, letter case", EXAMPLE_A, reply(b'{"status":"Success"}'), (422, '{"status":"Success"}', "application"), True),
    ("A, status first", EXAMPLE_A, reply(b'{"status":"success"}', 500), (500, '{"status":"success"}', "application"), True),
    ("B, success", EXAMPLE_B, reply({}), (200, *NONE), False),
    ("B, failed", EXAMPLE_B, reply(UNAVAILABLE), (422, UNAVAILABLE["Error_Description"], "application"), True),
    ("array", {"relativeURI": "/", "successPath": "r", "successValues": ["done"]}, reply(b'{"r":["busy","done"]}'), (422, '{"r":["busy","done"]}', "application"), True),
    ("allowed array", {"relativeURI": "/", "successPath": "r", "successValues": ["done"], "allowArrayforSuccessPath": True}, reply({"r": ["busy", "done"]}), (200, *NONE), False),
    ("truth", {"relativeURI": "/", "successPath": "ok"}, reply({"ok": True}), (200, *NONE), False),
    ("untruth", {"relativeURI": "/", "successPath": "ok"}, reply(b'{"ok":false}'), (422, '{"ok":false}', "application"), True),
    ("refused", PLAIN, failing("connection_error"), (502, "no usable answer", "connection"), None),
    ("tls", PLAIN, failing("tls_error"), (502, "no usable answer", "connection"), None),
    ("too large", PLAIN, failing("response_too_large"), (502, "no usable answer", "connection"), None),
    ("slow", PLAIN, failing("connection_timeout"), (504, "no usable answer", "connection"), None),
    ("egress", PLAIN, failing("egress_denied"), (403, "no usable answer", "connection"), None),
    ("throttled", PLAIN, HttpResponse(429, reply({}).headers, b"slow down"), (429, "", "application"), None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "ping", "answer", "expected", "offline"), OUTCOMES, ids=[row[0] for row in OUTCOMES])
async def test_the_outcome_of_a_ping_and_what_it_does_to_the_connection(
    service: Service,
    name: str,
    ping: Any,
    answer: Any,
    expected: tuple[int, str | None, str | None],
    offline: bool | None,
) -> None:
    """contract.md 2.3, connections.md 4: code, message and source; online, offline, or left as it was."""
    service.application.answers = answer if callable(answer) else lambda request: answer
    for before in (True, False):
        id = (await service.create({**http(ping=ping), "offline": before})).tree["_id"]
        call = asyncio.create_task(service.ping(id))
        await service.clock.advance(60)
        result = await call
        if name == "throttled":
            assert "slow down" in str(result.message)
            result = PingResult(result.code, "", result.source)
        assert (result.code, result.message, result.source) == expected
        shown = (await service.connections.get(MINE, id)).tree.get("offline", False)
        assert shown is (before if offline is None else offline)
    assert (await service.connections.get(MINE, id)).etag.endswith('-1"')


@pytest.mark.parametrize("uri", [None, ""])
async def test_a_ping_without_a_uri_connects(service: Service, uri: str | None) -> None:
    """contract.md 2.3: types with nothing to try answer 200 after a successful connect to ``baseURI``."""
    assert await service.ping_virtual(http(ping={"relativeURI": uri})) == PingResult()
    assert (service.application.reached, service.application.sent) == ([BASE], [])


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (http(ping={"relativeURI": "https://other.test/"}), ("invalid_field", "http.ping.relativeURI")),
        (rest(pingRelativeURI="https://other.test/"), ("invalid_field", "rest.pingRelativeURI")),
        (rest(pingRelativeURI="/", headers=[{"name": "X", "value": "a\nb"}]), ("invalid_template", "rest.pingRelativeURI")),
        (http(baseURI="{{connection.http.encrypted.none}}"), ("invalid_field", "http.baseURI")),
    ],
)  # fmt: skip
async def test_a_ping_that_cannot_be_built_is_refused_with_its_field(
    service: Service, document: Any, expected: tuple[str, str]
) -> None:
    """contract.md 2.3: a connection that cannot be tried is 422; the field as it was written."""
    assert await refusal(service.ping_virtual(document), InvalidContent) == {expected}


async def test_a_virtual_ping_waits_in_the_lenders_queue(service: Service) -> None:
    """connections.md 8.3: the limit holds for what is not stored, too."""
    lender = (await service.create(http(concurrencyLevel=1))).tree["_id"]
    prepared = await service.preparer.virtual(MINE, connection_tree({**http(), LENDER: lender}))
    assert prepared.pool == PoolSettings(lender, 1, revision=1)


async def test_the_callers_own_deadline_is_no_answer_of_ping(service: Service) -> None:
    """contract.md 1.17: DEADLINE_EXCEEDED, and the connection stays as it is."""
    id = (await service.create(http(ping={"relativeURI": "/"}))).tree["_id"]

    async def hang(request: HttpRequest) -> HttpResponse:
        await service.clock.sleep(5)
        raise TransportFailure("connection_timeout", "the deadline is over")

    service.application.answers = hang
    call = asyncio.create_task(service.ping(id, timeout=5))
    await service.clock.advance(6)
    with pytest.raises(ApplicationFailure) as failure:
        await call
    assert failure.value.deadline
    assert "offline" not in (await service.connections.get(MINE, id)).tree
