"""``custom`` (connections.md 3.7): nothing is added, the token of templates is renewed."""

from __future__ import annotations

from typing import Any

from fairlead.auth.custom import Custom
from fairlead.domain.http import Headers, HttpRequest
from fairlead.engine.ports import Place
from tests.unit.auth.sessions import answer, drive, renew, session

CUSTOM = Custom()


def _http(**token: Any) -> dict[str, Any]:
    return {"baseURI": "https://api.example.test", "auth": {"type": "custom", "token": token}}


def test_nothing_is_added() -> None:
    """With or without a token the request leaves as it is."""
    request = HttpRequest("POST", "https://api.example.test/x?a=1", Headers([("X-Key", "1")]), b"{}")
    sent = drive(CUSTOM.flow(request, session(_http(token="t"))), answer())
    assert [(s.method, s.url, s.headers.items(), s.body) for s in sent] == [
        ("POST", "https://api.example.test/x?a=1", [("X-Key", "1")], b"{}")
    ]
    assert CUSTOM.secrets(_http(token="t/1")) == ()


def test_the_refresh_of_token() -> None:
    """Renewed as 3.2 says, and due before the first request."""
    asking = session(_http(refreshRelativeURI="/t", refreshToken="r"))
    assert CUSTOM.is_due(asking)
    sent, renewed = renew(CUSTOM.renewal(asking), answer({"access_token": "n3w"}))
    assert sent[0].request.body == b"grant_type=refresh_token&refresh_token=r"
    assert renewed.token == "n3w"


def test_without_a_refresh() -> None:
    """A connection without ``auth`` has nothing to renew."""
    for http in ({}, _http()):
        assert not CUSTOM.is_due(session(http))
        assert CUSTOM.renewal(session(http)) is None


def test_templates_see_the_token() -> None:
    """``connection.http.auth.token.token`` is what is current in the block."""
    assert session(_http(token="n3w")).render("{{{connection.http.auth.token.token}}}", Place.PLAIN) == "n3w"
