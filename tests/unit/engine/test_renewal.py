"""Renewing credentials (connections.md 3, 6.2): once for everybody, in one process and across processes; two services are two processes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import pytest_asyncio

from fairlead.domain.dates import iso
from fairlead.domain.errors import ApplicationFailure, AuthenticationFailed, ConditionNotMet
from fairlead.domain.http import HttpRequest, HttpResponse
from fairlead.engine.credentials import generation_of, written_credentials
from fairlead.engine.ports import Credentials
from fairlead.engine.verdict import ResponseRules
from tests.unit.engine.serving import BASE, MINE, Service, refusal, reply, serving

IMPORT = {"http": {"relativeURI": ["/records"], "method": ["POST"]}}


class Issuer:
    """An application whose tokens end when told to, and whose refresh tokens are good for one use."""

    def __init__(self) -> None:
        self.generation = 1
        self.refreshes = 0
        self.seen: list[str] = []
        self.answer: HttpResponse | None = None
        self.hold: asyncio.Event | None = None
        self.asked = asyncio.Event()
        self.expires_in: int | None = None

    @property
    def token(self) -> str:
        """The only access token that is good."""
        return f"access-{self.generation}"

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """A token request, or one that needs a token."""
        if request.url.removeprefix(BASE).startswith("/token"):
            return await self._refresh(parse_qs((request.body or b"").decode()))
        self.seen.append(request.headers.get("Authorization") or "")
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return reply({"error": "expired"}, status=401)
        return reply({"id": 1})

    async def _refresh(self, form: dict[str, list[str]]) -> HttpResponse:
        self.refreshes += 1
        self.asked.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.answer is not None:
            return self.answer
        if form.get("refresh_token") != [f"refresh-{self.generation}"]:
            return reply({"error": "invalid_grant", "error_description": "the refresh token was used"}, status=400)
        self.generation += 1
        body: dict[str, Any] = {"access_token": self.token, "refresh_token": f"refresh-{self.generation}"}
        if self.expires_in is not None:
            body["expires_in"] = self.expires_in
        return reply(body)


def connection(token: str | None = "access-0", **oauth: Any) -> dict[str, Any]:
    """An OAuth connection that was authorised in a browser; its access token is over."""
    auth = {
        "type": "oauth",
        "oauth": {
            "authURI": "https://login.example.test/authorize",
            "tokenURI": f"{BASE}/token",
            "clientId": "client-1",
            "clientSecret": "s3cr3t-of-client",
            **oauth,
        },
        "token": {"token": token, "refreshToken": "refresh-1"},
    }
    http = {"baseURI": BASE, "mediaType": "json", "auth": auth, "ping": {"relativeURI": "/ping"}}
    return {"type": "http", "name": "renewed", "http": http}


@pytest.fixture
def issuer() -> Issuer:
    """The application."""
    return Issuer()


@pytest_asyncio.fixture
async def service(tmp_path: Path, issuer: Issuer) -> AsyncIterator[Service]:
    """A process."""
    async with serving(tmp_path, issuer) as opened:
        yield opened


@pytest_asyncio.fixture
async def other(tmp_path: Path, issuer: Issuer, service: Service) -> AsyncIterator[Service]:
    """Another process on the same store, with the same clock."""
    async with serving(tmp_path, issuer, clock=service.clock) as opened:
        yield opened


async def through(service: Service, work: asyncio.Future[Any], step: float = 0.001) -> Any:
    """Move the clock until the work is done; real threads write the store meanwhile."""
    while not work.done():
        await asyncio.sleep(0.001)
        await service.clock.advance(step)
    return await work


async def test_one_refresh_for_any_number_of_requests(service: Service, issuer: Issuer) -> None:
    """connections.md 3: 500 requests at once with a token that is over; each is repeated with the new one, and none fails."""
    id = (await service.create(connection())).tree["_id"]
    results = await service.run_import(id, IMPORT, [{"n": n} for n in range(500)])
    assert {result["statusCode"] for result in results} == {200}
    assert issuer.refreshes == 1
    assert issuer.seen.count("Bearer access-2") == 500


async def test_one_refresh_for_two_processes(service: Service, other: Service, issuer: Issuer) -> None:
    """An intent is claimed before the request is sent: a rotating token is never sent twice."""
    id = (await service.create(connection())).tree["_id"]
    records = [{"n": n} for n in range(100)]
    work = asyncio.gather(service.run_import(id, IMPORT, records), other.run_import(id, IMPORT, records))
    results = await through(service, asyncio.ensure_future(work))
    assert {result["statusCode"] for result in (*results[0], *results[1])} == {200}
    assert issuer.refreshes == 1


async def test_a_token_that_another_process_renewed_is_taken_from_the_store(
    service: Service, other: Service, issuer: Issuer
) -> None:
    """connections.md 3: a run that began with A finds B in the store and does not refresh."""
    id = (await service.create(connection())).tree["_id"]
    prepared = await service.preparer.stored(MINE, id)
    assert (await other.ping(id)).code == 200
    await service.renewals.renew(prepared, 0, _never)
    assert prepared.session.credentials.token == "access-2"
    assert issuer.refreshes == 1


async def _never(wanted: Any) -> Any:
    raise AssertionError("nothing is sent")


async def test_the_new_tokens_are_stored_before_they_are_used(service: Service, issuer: Issuer) -> None:
    """A refresh token that rotates is committed before its access token is sent; neither is stored in clear."""
    id = (await service.create(connection())).tree["_id"]
    stored: list[str] = []
    answers = service.application.answers

    async def watched(request: HttpRequest) -> HttpResponse:
        if request.headers.get("Authorization") == "Bearer access-2":
            document = await service.document(id)
            tree = service.box.revealed(document)
            stored.append(tree["http"]["auth"]["token"]["refreshToken"].reveal())
            assert "access-2" not in json.dumps([document.fields, document.secrets, document.runtime])
        answer = answers(request)
        return answer if isinstance(answer, HttpResponse) else await answer

    service.application.answers = watched
    before = await service.document(id)
    assert (await service.ping(id)).code == 200
    assert stored == ["refresh-2"]
    assert (await service.document(id)).modified == before.modified


async def test_a_refused_refresh_takes_the_connection_offline(service: Service, issuer: Issuer) -> None:
    """connections.md 3, 6.2: every waiter gets the same sentence; the spent refresh token is gone and only a person can help."""
    id = (await service.create(connection())).tree["_id"]
    issuer.answer = reply({"error": "invalid_grant", "error_description": "it was revoked"}, status=400)
    results = await service.run_import(id, IMPORT, [{"n": n} for n in range(20)])
    assert {result["statusCode"] for result in results} == {401}
    (message,) = {result["errors"][0]["message"] for result in results}
    assert "it was revoked" in message
    shown = (await service.connections.get(MINE, id)).tree
    assert (shown["offline"], shown["needsAuthorization"]) == (True, True)
    assert "refreshToken" not in shown["http"]["auth"]["token"]
    refused = await refusal(service.ping(id), ConditionNotMet)
    assert refused == {("needs_authorization", None)}
    assert issuer.refreshes == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply({"error": "later"}, status=503), "503"),
        (reply({"error": "slow"}, status=408), "408"),
        (reply({"error": "too many"}, status=429), "429"),
    ],
    ids=["503", "408", "429 that lasts"],
)
async def test_a_blip_of_the_token_endpoint_changes_nothing(
    service: Service, issuer: Issuer, answer: HttpResponse, code: str
) -> None:
    """connections.md 3: only a refusal ends in ``offline``; every waiter gets the named error, and the next call tries again."""
    id = (await service.create(connection())).tree["_id"]
    issuer.answer = answer
    work = asyncio.ensure_future(service.run_import(id, IMPORT, [{"n": n} for n in range(5)]))
    results = await through(service, work, step=0.2)
    assert {result["errors"][0]["code"] for result in results} == {code}
    shown = (await service.connections.get(MINE, id)).tree
    assert "offline" not in shown
    assert "intent" not in (await service.document(id)).runtime
    issuer.answer = None
    await service.clock.advance(60)  # a cool-down may still hold the pool
    assert (await service.ping(id)).code == 200


async def test_a_token_is_renewed_before_its_known_end(service: Service, issuer: Issuer) -> None:
    """connections.md 3.3: when less than a tenth of an hour's token is left nothing is sent with it."""
    id = (await service.create(connection())).tree["_id"]
    issuer.expires_in = 3600
    assert (await service.ping(id)).code == 200
    await service.clock.advance(3600 - 61)
    assert (await service.ping(id)).code == 200
    assert issuer.refreshes == 1
    issuer.seen.clear()
    await service.clock.advance(2)
    assert (await service.ping(id)).code == 200
    assert (issuer.refreshes, issuer.seen) == (2, ["Bearer access-3"])


async def test_who_waits_for_the_renewal_of_another_process_waits(
    service: Service, other: Service, issuer: Issuer
) -> None:
    """The intent of a process that is at work is respected: its result is used."""
    id = (await service.create(connection())).tree["_id"]
    issuer.hold = asyncio.Event()
    first = asyncio.ensure_future(service.ping(id))
    await issuer.asked.wait()
    second = asyncio.ensure_future(other.ping(id))
    for _ in range(10):
        await asyncio.sleep(0.002)
        await service.clock.advance(0.25)
    assert (issuer.refreshes, second.done()) == (1, False)
    issuer.hold.set()
    assert (await first).code == 200
    assert (await through(service, second)).code == 200
    assert issuer.refreshes == 1


async def orphaned(service: Service, id: str, **more: Any) -> None:
    """Somebody was killed while renewing."""
    document = await service.document(id)
    until = iso(service.clock.now() - timedelta(seconds=1))
    intent = {"owner": "gone", "until": until, **more}
    assert await service.store.replace_runtime(document, {**document.runtime, "intent": intent}) is not None


async def test_after_a_killed_renewal_that_was_not_sent_the_connection_is_usable(
    service: Service, issuer: Issuer
) -> None:
    """connections.md 3: an orphaned intent leaves one try, which succeeds when the refresh token was not used."""
    id = (await service.create(connection())).tree["_id"]
    await orphaned(service, id)
    assert (await service.ping(id)).code == 200
    assert "intent" not in (await service.document(id)).runtime


async def test_after_a_killed_renewal_that_was_answered_somebody_has_to_authorise(
    service: Service, issuer: Issuer
) -> None:
    """The refresh token is spent and nobody has the new one: one try, then ``needs_authorization``, never a loop."""
    id = (await service.create(connection())).tree["_id"]
    await orphaned(service, id)
    issuer.generation = 7  # the answer that nobody committed
    result = await service.ping(id)
    assert (result.code, result.source) == (401, "connection")
    assert await refusal(service.ping(id), ConditionNotMet) == {("needs_authorization", None)}
    assert issuer.refreshes == 1


async def test_a_second_killed_renewal_is_not_tried_again(service: Service, issuer: Issuer) -> None:
    """Whoever made the one try after an orphaned intent did not come back either."""
    id = (await service.create(connection())).tree["_id"]
    await orphaned(service, id, again=True)
    assert (await service.ping(id)).code == 401
    assert await refusal(service.ping(id), ConditionNotMet) == {("needs_authorization", None)}
    assert issuer.refreshes == 0


async def test_a_caller_who_leaves_takes_no_renewal_with_him(service: Service, issuer: Issuer) -> None:
    """The refresh token is spent by then: its answer is committed."""
    id = (await service.create(connection())).tree["_id"]
    issuer.hold = asyncio.Event()
    leaving = asyncio.ensure_future(service.ping(id))
    await issuer.asked.wait()
    leaving.cancel()
    issuer.hold.set()
    await service.renewals.close(5)
    assert (await service.ping(id)).code == 200
    assert issuer.refreshes == 1


async def test_what_a_put_leaves_of_renewed_tokens(service: Service, issuer: Issuer) -> None:
    """contract.md 1.7, 2.1: a mask keeps the renewed token, a value replaces it, absent erases it."""
    id = (await service.create(connection())).tree["_id"]
    assert (await service.ping(id)).code == 200
    kept = connection()
    kept["http"]["auth"]["token"] = {"token": "******", "refreshToken": "******"}
    await service.put(id, kept)
    assert (await service.ping(id)).code == 200
    assert issuer.refreshes == 1
    replaced = connection(token="access-of-the-user")
    replaced["http"]["auth"]["token"]["refreshToken"] = "******"
    await service.put(id, replaced)
    issuer.seen.clear()
    assert (await service.ping(id)).code == 200
    assert issuer.seen == ["Bearer access-of-the-user", "Bearer access-3"]
    erased = connection()
    del erased["http"]["auth"]["token"]
    shown = (await service.put(id, erased)).tree
    assert shown["needsAuthorization"] is True
    assert "token" not in shown["http"]["auth"]


async def test_a_put_in_the_middle_of_a_renewal_does_not_lose_the_new_token(service: Service, issuer: Issuer) -> None:
    """The result is committed to the document as it is by then."""
    id = (await service.create(connection())).tree["_id"]
    issuer.hold = asyncio.Event()
    pinging = asyncio.ensure_future(service.ping(id))
    await issuer.asked.wait()
    renamed = {**connection(), "name": "renamed"}
    renamed["http"]["auth"]["token"] = {"token": "******", "refreshToken": "******"}
    await service.put(id, renamed)
    issuer.hold.set()
    assert (await pinging).code == 200
    issuer.seen.clear()
    assert (await service.ping(id)).code == 200
    assert (issuer.refreshes, issuer.seen) == (1, ["Bearer access-2"])


async def test_a_second_refusal_is_final(service: Service, issuer: Issuer) -> None:
    """connections.md 3.2, rule 5: the new token is refused as well, and nothing loops."""
    id = (await service.create(connection())).tree["_id"]
    issuer.answer = reply({"access_token": "no-good", "refresh_token": "refresh-1"})
    result = await service.ping(id)
    assert (result.code, issuer.refreshes, len(issuer.seen)) == (401, 1, 2)
    assert (await service.connections.get(MINE, id)).tree["offline"] is True


async def renewed_elsewhere(service: Service, issuer: Issuer, id: str) -> None:
    """What another process leaves in the store when it has renewed once more."""
    issuer.generation += 1
    document = await service.document(id)
    credentials = Credentials(issuer.token, f"refresh-{issuer.generation}")
    runtime = written_credentials(service.box, document, credentials, generation_of(document) + 1)
    assert await service.store.replace_runtime(document, runtime) is not None


async def test_who_renewed_before_use_goes_again_when_another_process_was_faster(
    service: Service, issuer: Issuer
) -> None:
    """connections.md 6.2: the stored credentials are newer than those just used, so the request is sent again, and nothing is renewed."""
    id = (await service.create(connection())).tree["_id"]
    issuer.expires_in = 3600
    assert (await service.ping(id)).code == 200
    await service.clock.advance(3600)
    issuer.seen.clear()

    async def answer(request: HttpRequest) -> HttpResponse:
        if request.headers.get("Authorization") == "Bearer access-3" and issuer.generation == 3:
            await renewed_elsewhere(service, issuer, id)
        return await issuer(request)

    service.application.answers = answer
    assert (await service.ping(id)).code == 200
    assert (issuer.refreshes, issuer.seen) == (2, ["Bearer access-3", "Bearer access-4"])


async def test_the_one_repetition_goes_with_what_is_stored_when_its_turn_comes(
    service: Service, issuer: Issuer
) -> None:
    """connections.md 6.2: while it waited for its turn another process renewed once more."""
    document = connection()
    document["http"] |= {"concurrencyLevel": 1, "rateLimit": {"limit": 500}}
    id = (await service.create(document)).tree["_id"]
    work = asyncio.ensure_future(service.ping(id))
    while not (service.clock.monotonic() > 0.5 and generation_of(await service.document(id)) == 1):
        await asyncio.sleep(0.001)
        await service.clock.advance(0.01)
    await renewed_elsewhere(service, issuer, id)
    assert (await through(service, work)).code == 200
    assert (issuer.refreshes, issuer.seen) == (1, ["Bearer access-0", "Bearer access-3"])


async def test_the_one_repetition_waits_for_a_renewal_that_another_process_has_begun(
    service: Service, issuer: Issuer
) -> None:
    """connections.md 6.2, 3: credentials that are being replaced at that moment are not what it is spent on."""
    document = connection()
    document["http"] |= {"concurrencyLevel": 1, "rateLimit": {"limit": 500}}
    id = (await service.create(document)).tree["_id"]
    work = asyncio.ensure_future(service.ping(id))
    while generation_of(stored := await service.document(id)) != 1:
        await asyncio.sleep(0.001)
        await service.clock.advance(0.01)
    intent = {"owner": "other", "until": iso(service.clock.now() + timedelta(seconds=20))}
    assert await service.store.replace_runtime(stored, {**stored.runtime, "intent": intent}) is not None
    await service.clock.advance(1)
    await asyncio.sleep(0.01)
    assert issuer.seen == ["Bearer access-0"]
    await renewed_elsewhere(service, issuer, id)
    assert (await through(service, work)).code == 200
    assert (issuer.refreshes, issuer.seen) == (1, ["Bearer access-0", "Bearer access-3"])


async def test_a_connection_that_is_not_stored_renews_for_itself(service: Service, issuer: Issuer) -> None:
    """contract.md 2.4: the posted refresh token is used, and nothing is stored."""
    assert (await service.ping_virtual(connection())).code == 200
    assert issuer.refreshes == 1


async def test_renewed_tokens_are_masked_wherever_they_show(service: Service, issuer: Issuer) -> None:
    """contract.md 1.7: an application that echoes the new token does not make us tell it."""
    id = (await service.create(connection())).tree["_id"]
    answers = service.application.answers

    async def echoing(request: HttpRequest) -> HttpResponse:
        if "/token" in request.url:
            answer = answers(request)
            return answer if isinstance(answer, HttpResponse) else await answer
        if request.headers.get("Authorization") == "Bearer access-2":
            return reply({"error": "no access for access-2 and refresh-2"}, status=403)
        return reply({}, status=401)

    service.application.answers = echoing
    result = await service.ping(id)
    assert result.code == 403
    assert result.message is not None
    assert "access-2" not in result.message
    assert "refresh-2" not in result.message


async def test_the_error_of_an_export_names_the_renewal(service: Service, issuer: Issuer) -> None:
    """connections.md 6.2: status of the first answer, message of the renewal's."""
    id = (await service.create(connection())).tree["_id"]
    issuer.answer = reply({"error": "invalid_client"}, status=400)
    prepared = await service.preparer.stored(MINE, id)
    run = service.runs.open(prepared, "export", 60, None)
    with pytest.raises(AuthenticationFailed) as failed:
        await run.send(HttpRequest("GET", f"{BASE}/x"), ResponseRules())
    problem = failed.value.problems[0]
    assert (problem.code, problem.source) == ("401", "connection")
    assert "invalid_client" in problem.message
    assert isinstance(failed.value, ApplicationFailure)


async def test_a_second_refusal_is_final_for_everybody(service: Service, issuer: Issuer) -> None:
    """connections.md 3.2, rule 5: those that shared the renewal of another do not start one of their own."""
    id = (await service.create(connection())).tree["_id"]
    issuer.answer = reply({"access_token": "no-good", "refresh_token": "refresh-1"})
    run = service.runs.open(await service.preparer.stored(MINE, id), "export", 60, None)
    calls = [run.send(HttpRequest("GET", f"{BASE}/{n}"), ResponseRules()) for n in range(10)]
    failures = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(failure) for failure in failures} == {AuthenticationFailed}
    assert issuer.refreshes == 1


async def test_a_caller_without_time_is_told_what_he_waited_for(service: Service, issuer: Issuer) -> None:
    """contract.md 1.16: the renewal goes on, the call ends at its deadline."""
    id = (await service.create(connection())).tree["_id"]
    issuer.hold = asyncio.Event()
    prepared = await service.preparer.stored(MINE, id)
    run = service.runs.open(prepared, "export", 5, None)
    call = asyncio.ensure_future(run.send(HttpRequest("GET", f"{BASE}/x"), ResponseRules()))
    await issuer.asked.wait()
    await service.clock.advance(6)
    with pytest.raises(ApplicationFailure, match="not renewed in the time of this call"):
        await call
    issuer.hold.set()
    await service.renewals.close(5)
    assert (await service.ping(id)).code == 200
