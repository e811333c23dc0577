"""What the tests of ``digest`` have in common: flows driven by hand, and the formulas of RFC 7616 written down once more."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from fairlead.auth.digest_answer import DigestChallenge, best_challenge
from fairlead.auth.registry import strategy_for
from fairlead.domain.challenges import read_challenges
from fairlead.domain.http import Headers, HttpRequest, HttpResponse
from fairlead.engine.ports import Answer, AuthFlow, AuthSession, RenewalRefused, Verdict
from tests.unit.clock import ManualClock

URL = "https://api.example.test/v1/orders?limit=5"
REALM = "orders@example.test"
REFERENCE = (
    'Digest realm="orders@example.test", qop="auth", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",'
    ' opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
RFC_7616_NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
RFC_7616_OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
RFC_7616_CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def digest_session(
    username: str = "svc_orders", password: str = "Circle Of Life", random: bytes | None = None
) -> AuthSession:
    """The session of a digest connection; random bytes count from 1 unless they are given."""
    numbers = count(1)
    return AuthSession(
        http={"auth": {"type": "digest", "basic": {"username": username, "password": password}}},
        clock=ManualClock(),
        random=lambda n: random if random is not None else next(numbers).to_bytes(n, "big"),
        render=lambda text, place: text,
    )


def a_request(method: str = "GET", body: bytes | None = None, url: str = URL) -> HttpRequest:
    """A request whose connection sets a header ``Authorization`` of its own."""
    headers = [("Accept", "*/*"), ("authorization", "of the connection"), ("Content-Type", "text/plain")]
    return HttpRequest(method, url, Headers(headers), body)


def start(session: AuthSession, request: HttpRequest | None = None) -> AuthFlow:
    """The flow of ``request``, not yet advanced."""
    return strategy_for(session.http).flow(request or a_request(), session)


def answer(status: int, *challenges: str, verdict: Verdict | None = None, info: str = "") -> Answer:
    """An answer with these challenges; its verdict goes by the status unless it is given."""
    headers = [("WWW-Authenticate", challenge) for challenge in challenges]
    headers += [("Authentication-Info", info)] if info else []
    if verdict is None:
        verdict = Verdict.AUTHENTICATION_FAILED if status == 401 else Verdict.SUCCESS
    response = HttpResponse(status, Headers(headers), b"")
    return Answer(response, verdict, lambda: None, code=str(status), message="the application's words")


def a_challenge(nonce: str = "n1", more: str = "") -> str:
    """A challenge with ``qop=auth``, and ``more`` behind it."""
    return f'Digest realm="{REALM}", nonce="{nonce}", qop="auth"{more}'


def fields_of(request: HttpRequest) -> dict[str, str]:
    """The fields of the answer to a challenge, as a server reads them."""
    (header,) = request.headers.get_all("Authorization")
    (challenge,) = read_challenges([header]).found
    assert challenge.scheme == "Digest"
    assert request.secret_headers == {"authorization"}
    return {name: parameter.value for name, parameter in challenge.parameters.items()}


def ends(flow: AuthFlow, answer: Answer) -> None:
    """The flow is at its end with this answer."""
    with pytest.raises(StopIteration):
        flow.send(answer)


def refused(flow: AuthFlow, answer: Answer) -> str:
    """The sentence with which the flow refuses this answer."""
    with pytest.raises(RenewalRefused) as caught:
        flow.send(answer)
    assert caught.value.status == 401
    return caught.value.message


def expected(
    fields: dict[str, str], hash_: Callable[[bytes], Any], user: str, password: str, method: str, body: bytes = b""
) -> str:
    """The response by RFC 7616 3.4.1 to 3.4.3, from what was sent."""

    def h(text: str) -> str:
        return str(hash_(text.encode()).hexdigest())

    key = h(f"{user}:{fields['realm']}:{password}")
    if fields.get("algorithm", "").lower().endswith("-sess"):
        key = h(f"{key}:{fields['nonce']}:{fields['cnonce']}")
    what = f"{method}:{fields['uri']}"
    if fields.get("qop") == "auth-int":
        what += f":{hash_(body).hexdigest()}"
    if "qop" not in fields:
        return h(f"{key}:{fields['nonce']}:{h(what)}")
    return h(f"{key}:{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:{fields['qop']}:{h(what)}")


def best(*headers: str) -> DigestChallenge:
    """The challenge that is answered, of these headers."""
    found, problem = best_challenge(answer(401, *headers).response, lambda n: b"\0" * n)
    assert found is not None, problem
    return found
