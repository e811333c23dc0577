"""Signing in in a browser: what is remembered in between, and for how long (contract.md 2.9)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from fairlead.auth import oauth_authorization
from fairlead.domain.errors import InvalidContent, NotFound
from fairlead.domain.http import HttpRequest, HttpResponse
from fairlead.engine.authorization import Authorization
from fairlead.engine.authorization_states import Progress, States, Status
from fairlead.engine.ports import StoreUnavailable
from tests.unit.engine.serving import BASE, KEYS, MINE, THEIRS, Service, http, refusal, reply, serving

OAUTH = {"authURI": f"{BASE}/authorize", "tokenURI": f"{BASE}/token", "clientId": "c", "clientSecret": "s3cr3t-client"}


class Desk:
    """A service whose connections are authorised."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.states = States(service.store, service.box, KEYS, service.clock)
        self.authorization = Authorization(
            service.store,
            service.box,
            self.states,
            service.preparer,
            service.attempts,
            oauth_authorization,
            lambda: "http://localhost:8080/",
        )

    async def connection(self, **oauth: Any) -> str:
        """A stored connection that waits for somebody."""
        auth = {"type": "oauth", "oauth": {**OAUTH, **oauth}}
        return (await self.service.create(http(auth=auth))).tree["_id"]  # type: ignore[no-any-return]  # a tree

    async def begun(self, id: str) -> tuple[str, dict[str, str]]:
        """Id of the authorisation and the query of its URL."""
        started = await self.authorization.start(MINE, id)
        return started.id, {name: values[0] for name, values in parse_qs(urlsplit(started.url).query).items()}

    async def status(self, state: str, **brought: str) -> int:
        """Status of the page."""
        given = {"code": "the-code", "error": "", "error_description": "", **brought}
        return (await self.authorization.finish(state, **given)).status

    async def remembered(self) -> int:
        """How many authorisations the store holds."""
        return len(await self.service.store.list("authorizations", MINE, filters={}))


def tokens(request: HttpRequest) -> HttpResponse:
    """A token endpoint that gives."""
    return reply({"access_token": "a-token", "expires_in": 60})


def written(folder: Path) -> bytes:
    """Everything in the files of the store."""
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """With an application that gives tokens."""
    async with serving(tmp_path, tokens) as service:
        yield Desk(service)


@pytest.mark.parametrize(("seconds", "status"), [(599, 200), (600, 400), (86_400, 400)])
async def test_a_state_is_good_for_ten_minutes(desk: Desk, seconds: float, status: int) -> None:
    """A link that lay around leads nowhere, and asks the application nothing."""
    id = await desk.connection()
    started, query = await desk.begun(id)
    await desk.service.clock.advance(seconds)
    assert await desk.status(query["state"]) == status
    assert len(desk.service.application.sent) == (1 if status == 200 else 0)
    if status == 400:
        with pytest.raises(NotFound):
            await desk.authorization.progress(MINE, id, started)


async def test_what_became_of_it_is_told_for_ten_minutes(desk: Desk) -> None:
    """To the account and for the connection that it belongs to; a later start forgets what is over."""
    id, other = await desk.connection(), await desk.connection()
    started, query = await desk.begun(id)
    assert await desk.authorization.progress(MINE, id, started) == Progress(Status.PENDING)
    assert await desk.status(query["state"], error="access_denied", code="") == 400
    progress = await desk.authorization.progress(MINE, id, started)
    assert progress.status is Status.FAILED
    assert progress.message.endswith("It said: access_denied")
    for account, connection, authorization in ((THEIRS, id, started), (MINE, other, started), (MINE, id, other)):
        with pytest.raises(NotFound):
            await desk.authorization.progress(account, connection, authorization)
    await desk.service.clock.advance(599)
    await desk.begun(other)
    assert await desk.remembered() == 2
    await desk.service.clock.advance(1)
    with pytest.raises(NotFound):
        await desk.authorization.progress(MINE, id, started)
    await desk.begun(other)
    assert await desk.remembered() == 2


async def test_the_store_holds_neither_state_nor_verifier_nor_code(desk: Desk, tmp_path: Path) -> None:
    """D5: the state is found by a digest, the verifier is encrypted and goes with the first use."""
    id = await desk.connection(pkceCodeChallengeMethod="plain")
    _, query = await desk.begun(id)
    (document,) = await desk.service.store.list("authorizations", MINE, filters={})
    assert list(document.secrets) == ["verifier"]
    assert await desk.status(query["state"]) == 200
    (document,) = await desk.service.store.list("authorizations", MINE, filters={})
    assert document.secrets == {}
    content = written(tmp_path)
    assert id.encode() in content
    for secret in (query["state"].split(".")[1], query["code_challenge"], "the-code", "a-token", "s3cr3t-client"):
        assert secret.encode() not in content


async def test_the_address_to_come_back_to(desk: Desk) -> None:
    """contract.md 2.9: what the connection says, rendered, else the public URL; the exchange repeats it."""
    for given, expected in (
        ({}, "http://localhost:8080/connection/oauth2callback"),
        ({"oauth2RedirectUrl": "https://x.test/{{connection.name}}"}, "https://x.test/c"),
    ):
        _, query = await desk.begun(await desk.connection(**given))
        assert query["redirect_uri"] == expected
        assert await desk.status(query["state"]) == 200
        body = parse_qs((desk.service.application.sent[-1].body or b"").decode())
        assert body["redirect_uri"] == [expected]


@pytest.mark.parametrize(
    ("oauth", "code", "field"),
    [
        ({"authURI": "/authorize"}, "invalid_field", "http.auth.oauth.authURI"),
        ({"oauth2RedirectUrl": "{{hash connection.name connection.name}}"}, "invalid_template", "http.auth.oauth.oauth2RedirectUrl"),
    ],
)  # fmt: skip
async def test_what_cannot_be_started(desk: Desk, oauth: dict[str, Any], code: str, field: str) -> None:
    """422 with the field: a page of the application that is no URL, an address that cannot be rendered."""
    id = await desk.connection(**oauth)
    assert await refusal(desk.authorization.start(MINE, id), InvalidContent) == {(code, field)}


async def test_a_store_that_goes_away_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with a sentence: the code is spent, so there is nothing to do but to start again."""

    async def away(*_: Any) -> None:
        raise StoreUnavailable

    id = await desk.connection()
    started, query = await desk.begun(id)
    monkeypatch.setattr(desk.service.store, "replace_runtime", away)
    assert await desk.status(query["state"]) == 503
    progress = await desk.authorization.progress(MINE, id, started)
    assert progress == Progress(
        Status.FAILED, "The connection could not be authorised: the store is away. Start again."
    )


async def test_secrets_of_the_connection_are_in_no_sentence(tmp_path: Path) -> None:
    """contract.md 1.7: not even when the application repeats them; what moves a cursor is gone too."""

    def repeats(request: HttpRequest) -> HttpResponse:
        return reply({"error": "x", "error_description": "s3cr3t-client and the-code\x1b[31m\u202e\n"}, status=400)

    async with serving(tmp_path, repeats) as service:
        desk = Desk(service)
        _, query = await desk.begun(await desk.connection())
        outcome = await desk.authorization.finish(query["state"], "the-code", "", "")
        assert (outcome.status, outcome.succeeded) == (502, False)
        assert "****** and ******" in outcome.message
        assert outcome.message.isprintable()
