"""What happens to the token of a connection that is deleted (connections.md 3.2, ``token.revoke``)."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.auth.revocation import revocation
from fairlead.domain.errors import NotFound
from fairlead.domain.http import HttpRequest, HttpResponse, TransportFailure
from fairlead.engine.deletion import Deletion
from tests.unit.engine.serving import MINE, Service, reply

REVOKE = {"uri": "/revoke", "body": "token={{connection.http.auth.token.token}}"}


def document(**token: Any) -> dict[str, Any]:
    """A connection whose token is told to end."""
    auth = {"type": "token", "token": {"token": "t/k n", "revoke": REVOKE, **token}}
    return {"type": "http", "name": "x", "http": {"baseURI": "https://a.test/v1", "mediaType": "json", "auth": auth}}


def deletion(service: Service) -> Deletion:
    """The use case."""
    return Deletion(service.connections, service.preparer, service.attempts, revocation)


async def test_the_token_is_ended(service: Service) -> None:
    """One POST below the base URI, the token rendered into the form, after the document is gone."""
    id = (await service.create(document())).tree["_id"]
    deleting = deletion(service)
    await deleting.delete(MINE, id, None)
    await deleting.close(5)
    (request,) = service.application.sent
    assert (request.method, request.url, request.body) == ("POST", "https://a.test/v1/revoke", b"token=t%2Fk+n")
    assert request.headers.get("Content-Type") == "application/x-www-form-urlencoded"
    assert request.headers.get("Authorization") is None


@pytest.mark.parametrize("broken", [reply({}, 500), reply({}, 401), TransportFailure("connection_error", "away")])
async def test_what_the_application_says_does_not_matter(service: Service, broken: Any) -> None:
    """The connection is deleted whatever comes of it."""

    def answers(request: HttpRequest) -> HttpResponse:
        if isinstance(broken, Exception):
            raise broken
        answer: HttpResponse = broken
        return answer

    service.application.answers = answers
    id = (await service.create(document())).tree["_id"]
    deleting = deletion(service)
    await deleting.delete(MINE, id, None)
    await deleting.close(5)
    with pytest.raises(NotFound):
        await service.connections.get(MINE, id)


async def test_without_a_revocation_nothing_is_sent(service: Service) -> None:
    """Most connections have none."""
    id = (await service.create(document(revoke=None))).tree["_id"]
    deleting = deletion(service)
    await deleting.delete(MINE, id, None)
    await deleting.close(5)
    assert service.application.sent == []


async def test_what_is_not_deleted_keeps_its_token(service: Service) -> None:
    """A document that is not there, or not in that version, ends nothing."""
    with pytest.raises(NotFound):
        await deletion(service).delete(MINE, "f" * 24, None)
    assert service.application.sent == []
