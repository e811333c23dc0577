"""``digest`` (connections.md 3.5): which request goes with which challenge, and which refusal is final. Flows are driven by hand."""

from __future__ import annotations

import hashlib

import pytest

from fairlead.domain.http import HttpRequest
from fairlead.engine.ports import Answer, Verdict
from tests.unit.auth.digests import (
    REFERENCE,
    a_challenge,
    a_request,
    answer,
    digest_session,
    ends,
    expected,
    fields_of,
    refused,
    start,
)


def test_example_of_the_reference() -> None:
    """connections.md 3.5, header by header."""
    session = digest_session(random=bytes.fromhex("0a4f113b"))
    flow = start(session)
    assert "Authorization" not in next(flow).headers
    signed = flow.send(answer(401, REFERENCE))
    assert signed.headers.get("Authorization") == (
        'Digest username="svc_orders", realm="orders@example.test", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",'
        ' uri="/v1/orders?limit=5", qop=auth, nc=00000001, cnonce="0a4f113b",'
        ' response="203158ad979d0c5bebe37ea0feff1436", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    ends(flow, answer(200))


def test_the_nonce_is_used_again() -> None:
    """Later requests carry the nonce that worked from the start, with a count that grows and a client nonce of their own."""
    session = digest_session()
    flow = start(session)
    next(flow)
    seen = [fields_of(flow.send(answer(401, a_challenge())))]
    ends(flow, answer(200))
    for status in (200, 404, 500):
        flow = start(session)
        seen.append(fields_of(next(flow)))
        ends(flow, answer(status, verdict=Verdict.FAILED))
    assert [fields["nc"] for fields in seen] == ["00000001", "00000002", "00000003", "00000004"]
    assert {fields["nonce"] for fields in seen} == {"n1"}
    assert len({fields["cnonce"] for fields in seen}) == 4
    assert [f["response"] for f in seen] == [
        expected(f, hashlib.md5, "svc_orders", "Circle Of Life", "GET") for f in seen
    ]


def test_session_algorithms_keep_their_client_nonce() -> None:
    """RFC 7616 3.4.2 makes the key once a nonce, many servers make it of each request: with one client nonce both are the same."""
    session = digest_session()
    for nonce in ("n1", "n2"):
        flow = start(session)
        next(flow)
        challenge = a_challenge(nonce, ", algorithm=SHA-256-sess, stale=true")
        seen = [fields_of(flow.send(answer(401, challenge)))]
        ends(flow, answer(200))
        flow = start(session)
        seen.append(fields_of(next(flow)))
        flow.close()
        assert len({fields["cnonce"] for fields in seen}) == 1
        assert len({fields["response"] for fields in seen}) == 2
        assert seen[0]["nonce"] == nonce


def test_requests_at_once() -> None:
    """Requests that start without a nonce shake hands each for itself; afterwards no count of a nonce is used twice, also when the
    application gives the same nonce to all."""
    session = digest_session()
    flows = [start(session) for _ in range(5)]
    for flow in flows:
        next(flow)
    counts = [fields_of(flow.send(answer(401, a_challenge("same"))))["nc"] for flow in flows]
    for flow in flows:
        ends(flow, answer(200))
    counts += [fields_of(next(start(session)))["nc"] for _ in range(5)]
    assert counts == [f"{number:08x}" for number in range(1, 11)]


def test_a_nonce_is_not_shared_before_it_worked() -> None:
    """While nobody knows whether the credentials are right, no other request is sent with them."""
    session = digest_session()
    flow = start(session)
    next(flow)
    flow.send(answer(401, a_challenge()))
    assert "Authorization" not in next(start(session)).headers
    ends(flow, answer(401, a_challenge("n2")))
    assert "Authorization" not in next(start(session)).headers


def test_a_stale_nonce_is_renewed_once_for_all() -> None:
    """stale=true: the new nonce, the same request again, no failure; requests that start meanwhile use the new nonce already."""
    session = digest_session()
    flow = start(session)
    next(flow)
    flow.send(answer(401, a_challenge()))
    ends(flow, answer(200))
    one, other, later = start(session), start(session), start(session)
    assert [fields_of(next(flow))["nc"] for flow in (one, other)] == ["00000002", "00000003"]
    again = fields_of(one.send(answer(401, a_challenge("n2", ", stale=TRUE"))))
    assert (again["nonce"], again["nc"]) == ("n2", "00000001")
    first = fields_of(next(later))
    assert (first["nonce"], first["nc"]) == ("n2", "00000002")
    own = fields_of(other.send(answer(401, a_challenge("n3", ", stale=true"))))
    assert (own["nonce"], own["nc"]) == ("n3", "00000001")
    assert fields_of(next(start(session)))["nonce"] == "n2"
    for flow in (one, other, later):
        ends(flow, answer(200))


@pytest.mark.parametrize("stale", ["", ", stale=true"])
def test_nonces_that_are_good_once(stale: str) -> None:
    """Where every use makes a nonce stale, and others are faster, a request ends up with a nonce of its own."""
    session = digest_session()
    flow = start(session)
    next(flow)
    flow.send(answer(401, a_challenge()))
    ends(flow, answer(200))
    slow = start(session)
    next(slow)
    slow.send(answer(401, a_challenge("n2", ", stale=true")))
    assert fields_of(next(start(session)))["nonce"] == "n2"
    own = fields_of(slow.send(answer(401, a_challenge("n3", stale))))
    assert (own["nonce"], own["nc"]) == ("n3", "00000001")
    assert "Authorization" not in next(start(session)).headers
    ends(slow, answer(200))
    assert fields_of(next(start(session)))["nonce"] == "n3"


def test_a_refused_old_nonce_decides_nothing() -> None:
    """An application that forgot its nonces, and does not say stale, gets one answer with a new one; the second refusal is final."""
    session = digest_session()
    flow = start(session)
    next(flow)
    flow.send(answer(401, a_challenge()))
    ends(flow, answer(200))
    flow = start(session)
    next(flow)
    assert fields_of(flow.send(answer(401, a_challenge("n2"))))["nonce"] == "n2"
    ends(flow, answer(401, a_challenge("n3")))
    assert "Authorization" not in next(start(session)).headers


@pytest.mark.parametrize(
    "refusal", [answer(401), answer(401, "NTLM"), answer(200, verdict=Verdict.AUTHENTICATION_FAILED)]
)
def test_an_old_nonce_refused_without_a_challenge(refusal: Answer) -> None:
    """The request starts over without ``Authorization`` to get a challenge; what then comes counts."""
    session = digest_session()
    flow = start(session)
    next(flow)
    flow.send(answer(401, a_challenge()))
    ends(flow, answer(200))
    flow = start(session)
    next(flow)
    assert "Authorization" not in flow.send(refusal).headers
    assert fields_of(flow.send(answer(401, a_challenge("n2"))))["nonce"] == "n2"
    ends(flow, refusal)


def test_fresh_answer_refused() -> None:
    """A 401 to a request that carried a fresh answer is final, with the application's own words, whatever challenge comes with it."""
    for challenges in ([a_challenge("n2")], [], ["NTLM"], [a_challenge("n2", ", stale=false")], ['Digest realm="']):
        flow = start(digest_session())
        next(flow)
        flow.send(answer(401, a_challenge()))
        ends(flow, answer(401, *challenges))


def test_always_stale() -> None:
    """An application that calls every new nonce stale is not asked for ever."""
    flow = start(digest_session())
    next(flow)
    for number in range(3):
        flow.send(answer(401, a_challenge(f"n{number}", ", stale=true")))
    assert "3 nonces stale" in refused(flow, answer(401, a_challenge("n9", ", stale=true")))


def test_userhash() -> None:
    """An offer of hashed user names is answered with the name in clear; refused, the message says so beside the application's words,
    and shows neither name nor password."""
    flow = start(digest_session())
    next(flow)
    fields = fields_of(flow.send(answer(401, a_challenge(more=", userhash=true"))))
    assert fields["username"] == "svc_orders"
    assert "userhash" not in fields
    message = refused(flow, answer(401, a_challenge("n2", ", userhash=true")))
    assert "userhash" in message
    assert message.endswith("the application's words")
    assert "svc_orders" not in message
    assert "Circle" not in message


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_body_of_a_safe_method_waits(method: str) -> None:
    """It is left out of the request that has no answer to a challenge, and comes with the answer."""
    flow = start(digest_session(), a_request(method, b"query"))
    first = next(flow)
    assert (first.body, first.headers.get("Content-Type"), first.headers.get("Accept")) == (None, None, "*/*")
    second = flow.send(answer(401, a_challenge()))
    assert (second.body, second.headers.get("Content-Type")) == (b"query", "text/plain")
    ends(flow, answer(200))


def test_body_that_nobody_asked_a_challenge_for() -> None:
    """Without a challenge the request goes again with its body: the answer to half a request is no result."""
    flow = start(digest_session(), a_request("GET", b"query"))
    next(flow)
    second = flow.send(answer(200))
    assert (second.body, "Authorization" in second.headers) == (b"query", False)
    ends(flow, answer(200))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_body_of_other_methods(method: str) -> None:
    """It is sent from the start: an application that asks for no challenge acts on what arrives."""
    request = a_request(method, b"data")
    flow = start(digest_session(), request)
    first = next(flow)
    assert (first.body, "Authorization" in first.headers) == (b"data", False)
    assert flow.send(answer(401, a_challenge())).body == b"data"
    ends(flow, answer(200))
    assert request.headers.get("Authorization") == "of the connection"
    assert request.secret_headers == frozenset()


@pytest.mark.parametrize("verdict", [Verdict.SUCCESS, Verdict.FAILED, Verdict.AUTHENTICATION_FAILED])
def test_no_challenge_at_all(verdict: Verdict) -> None:
    """An application that answers without asking is taken at its word; nothing is remembered."""
    session = digest_session()
    flow = start(session)
    next(flow)
    ends(flow, answer(403, verdict=verdict))
    assert "Authorization" not in next(start(session)).headers


def test_401_that_is_no_authentication_failure() -> None:
    """Where ``auth.failPath`` decides about 401, a challenge is still answered, and a 401 without one is the application's answer."""
    session = digest_session()
    flow = start(session)
    next(flow)
    fields_of(flow.send(answer(401, a_challenge(), verdict=Verdict.FAILED)))
    ends(flow, answer(200))
    flow = start(digest_session())
    next(flow)
    ends(flow, answer(401, verdict=Verdict.FAILED))


def test_nextnonce() -> None:
    """``Authentication-Info: nextnonce`` names the nonce of the next request (RFC 7616 3.5); its count starts anew."""
    session = digest_session()
    flow = start(session)
    next(flow)
    flow.send(answer(401, a_challenge(more=', opaque="o"')))
    ends(flow, answer(200, info='qop=auth, nextnonce="n\\"2", nc=00000001'))
    for number, info in enumerate(('nextnonce=""', "nextnonce=", 'nextnonce="', 'rspauth="x"'), 1):
        flow = start(session)
        signed = next(flow)
        fields = fields_of(signed)
        assert 'nonce="n\\"2"' in (signed.headers.get("Authorization") or "")
        assert (fields["nonce"], fields["nc"], fields["opaque"]) == ('n"2', f"{number:08x}", "o")
        ends(flow, answer(200, info=info))


def test_other_origins() -> None:
    """A nonce is reused at its own origin only; what works elsewhere takes its place."""
    session = digest_session()
    elsewhere = a_request(url="https://api.example.test:8443/v1")
    for nonce, request in (("n1", a_request()), ("n2", elsewhere)):
        flow = start(session, request)
        assert "Authorization" not in next(flow).headers
        flow.send(answer(401, a_challenge(nonce)))
        ends(flow, answer(200))
        assert fields_of(next(start(session, request)))["nonce"] == nonce


def test_what_is_remembered_is_bounded() -> None:
    """Counts are kept for the nonces used last; the one in use stays among them, however many are refused meanwhile."""
    session = digest_session()
    flow = start(session)
    next(flow)
    flow.send(answer(401, a_challenge("kept")))
    ends(flow, answer(200))
    waiting = [start(session) for _ in range(200)]
    for number, flow in enumerate(waiting):
        assert fields_of(next(flow))["nc"] == f"{number + 2:08x}"
    nonces = session.memory["digest"]
    for number in range(200):
        other = HttpRequest("GET", f"https://api.example.test:{number + 1000}/")
        flow = start(session, other)
        next(flow)
        flow.send(answer(401, a_challenge(f"n{number}")))
        flow.close()
        assert fields_of(next(start(session)))["nc"] == f"{number + 202:08x}"
    assert len(nonces.counts) <= 64
