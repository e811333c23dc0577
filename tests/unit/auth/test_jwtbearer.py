"""JSON web tokens: the vector of the reference, claims, reuse, and what joserfc says of every algorithm."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

from fairlead.auth.jwtbearer import ALGORITHMS, JwtBearer
from fairlead.domain import jsonvalue
from fairlead.domain.errors import InvalidContent
from fairlead.domain.http import Headers, HttpRequest
from fairlead.engine.ports import AuthSession, Verdict
from tests.unit.auth.sessions import answer, drive, session
from tests.unit.clock import START, ManualClock

NOW = int(START.timestamp())
SECRET = "shared-secret-for-docs"
REFUSED = answer(status=401)
GOOD = answer()
VECTOR = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsxIn0.eyJpc3MiOiJteS1zZXJ2aWNlIiwiYXVkIjoiaHR0cHM6Ly9hcGkuZXhhbXBsZS50ZXN0"
    "IiwiaWF0IjoxNzY4NDY5NDAwLCJleHAiOjE3Njg0NzMwMDB9.Qitl0_IDQ7kM8F0dD1kvHTSiW0y24pVMZtgOnmLQDl0"
)


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


RSA = rsa.generate_private_key(65537, 2048)
EC = {
    "es256": ec.generate_private_key(ec.SECP256R1()),
    "es384": ec.generate_private_key(ec.SECP384R1()),
    "es512": ec.generate_private_key(ec.SECP521R1()),
}


def _http(payload: Any, method: Any = "hmac-sha256", **fields: Any) -> dict[str, Any]:
    token = fields.pop("place", None)
    jwt = {"signatureMethod": method, "payload": payload, "secret": SECRET, **fields}
    auth = {"type": "jwtbearer", "jwt": jwt, **({"token": token} if token else {})}
    return {"mediaType": "json", "auth": auth, "unencrypted": {"who": 'a"b', "n": 7}}


def _request() -> HttpRequest:
    return HttpRequest("GET", "https://api.example.test/v1/orders?limit=5", Headers([("Accept", "*/*")]))


def _bearer(request: HttpRequest) -> str:
    scheme, _, token = (request.headers.get("Authorization") or "").partition(" ")
    assert scheme == "Bearer"
    return token


def _token(made: AuthSession) -> str:
    (request,) = drive(JwtBearer().flow(_request(), made), GOOD)
    return _bearer(request)


def _part(token: str, index: int) -> bytes:
    part = token.split(".")[index]
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _claims(payload: dict[str, Any], **fields: Any) -> str:
    return _part(_token(session(_http(payload, **fields))), 1).decode()


def test_the_vector_of_the_reference() -> None:
    """connections.md 3.9: byte for byte, sent as a bearer token and marked as a credential."""
    payload = {"iss": "my-service", "aud": "https://api.example.test", "iat": 1768469400, "exp": 1768473000}
    request = _request()
    (signed,) = drive(JwtBearer().flow(request, session(_http(payload, headers={"kid": "k1"}))), GOOD)
    assert signed.headers.get_all("Authorization") == [f"Bearer {VECTOR}"]
    assert signed.secret_headers == {"authorization"}
    assert request.headers.items() == [("Accept", "*/*")]


def _key(method: str) -> Key:
    if method.startswith("hmac-"):
        return OctKey.import_key(SECRET)
    return ECKey.import_key(_pem(EC[method])) if method in EC else RSAKey.import_key(_pem(RSA))


def _other_key(method: str) -> Key:
    if method.startswith("hmac-"):
        return OctKey.import_key("another-secret-for-docs")
    return (
        ECKey.generate_key(EC[method].curve.name.replace("secp", "P-")[:5]) if method in EC else RSAKey.generate_key()
    )


@pytest.mark.parametrize("method", sorted(ALGORITHMS))
def test_joserfc_verifies(method: str) -> None:
    """RFC 7518 3.1: every algorithm; another key is refused; a signature of ``es*`` is r and s without more."""
    pem = _pem(EC.get(method, RSA))
    made = _token(session(_http({"sub": "x", "exp": 60}, method, privateKey=pem, headers={"kid": "k1"})))
    algorithm = ALGORITHMS[method]
    verified = jws.deserialize_compact(made, _key(method), algorithms=[algorithm])
    assert verified.headers() == {"alg": algorithm, "typ": "JWT", "kid": "k1"}
    assert jsonvalue.loads(verified.payload) == {"sub": "x", "exp": NOW + 60, "iat": NOW}
    assert len(_part(made, 2)) == {"es256": 64, "es384": 96, "es512": 132}.get(method, len(_part(made, 2)))
    with pytest.raises(BadSignatureError):
        jws.deserialize_compact(made, _other_key(method), algorithms=[algorithm])


CLAIMS: list[tuple[dict[str, Any], str]] = [
    ({"iss": "i"}, f'{{"iss":"i","iat":{NOW},"exp":{NOW + 300}}}'),
    ({"exp": 3600, "iss": "i"}, f'{{"exp":{NOW + 3600},"iss":"i","iat":{NOW}}}'),
    ({"iat": -60, "nbf": -60, "exp": 60}, f'{{"iat":{NOW - 60},"nbf":{NOW - 60},"exp":{NOW + 60}}}'),
    ({"iat": 0, "exp": 999_999_999}, f'{{"iat":{NOW},"exp":{NOW + 999_999_999}}}'),
    ({"iat": 1_000_000_000, "exp": 1_768_473_000}, '{"iat":1000000000,"exp":1768473000}'),
    ({"iat": None, "exp": None}, f'{{"iat":{NOW},"exp":{NOW + 300}}}'),
    ({"exp": jsonvalue.loads("3600.0"), "iat": 0}, f'{{"exp":{NOW + 3600},"iat":{NOW}}}'),
    ({"exp": jsonvalue.loads("1768473000.50"), "iat": 0}, f'{{"exp":1768473000.50,"iat":{NOW}}}'),
    ({"exp": jsonvalue.loads("-1e999"), "iat": 0}, f'{{"exp":-1e999,"iat":{NOW}}}'),
    ({"exp": -(10**30), "iat": 0}, f'{{"exp":-{10**30},"iat":{NOW}}}'),
    ({"exp": "3600", "iat": "0"}, '{"exp":1768473000,"iat":1768469400}'),
    ({"exp": True, "iat": 0}, f'{{"exp":true,"iat":{NOW}}}'),
    ({"other": 5, "exp": 1, "iat": 1}, f'{{"other":5,"exp":{NOW + 1},"iat":{NOW + 1}}}'),
    (
        {"big": 12345678901234567890, "d": jsonvalue.loads("1.50"), "exp": 1, "iat": 1},
        f'{{"big":12345678901234567890,"d":1.50,"exp":{NOW + 1},"iat":{NOW + 1}}}',
    ),
]


@pytest.mark.parametrize(("payload", "claims"), CLAIMS)
def test_times_of_claims(payload: dict[str, Any], claims: str) -> None:
    """connections.md 3.9: numbers below 1,000,000,000 are offsets; ``iat`` and ``exp`` are added when absent; all else stays as written,
    in its order."""
    assert _claims(payload) == claims


def test_claims_are_templates_at_any_depth() -> None:
    """connections.md 3.9, handlebars.md 2.1: string values, in objects and arrays too; names, numbers and words stay; a text stays a text."""
    payload = {
        "sub": "{{connection.http.unencrypted.who}}",
        "n": "{{connection.http.unencrypted.n}}",
        "act": {"{{x}}": ["{{{iClient.name}}}", 5, True, None, {"k": "{{settings.connection.s}}"}]},
        "exp": 1,
        "iat": 1,
    }
    context = {"iClient": {"name": "ic"}, "settings": {"connection": {"s": "ü"}}}
    claims = _part(_token(session(_http(payload), context=context)), 1).decode()
    assert claims == (
        f'{{"sub":"a\\"b","n":"7","act":{{"{{{{x}}}}":["ic",5,true,null,{{"k":"ü"}}]}},"exp":{NOW + 1},"iat":{NOW + 1}}}'
    )


@pytest.mark.parametrize(
    ("headers", "written"),
    [
        (None, '{"alg":"HS256","typ":"JWT"}'),
        ({"kid": "{{connection.name}}"}, '{"alg":"HS256","typ":"JWT","kid":"test"}'),
        ({"kid": "k", "alg": "none"}, '{"alg":"HS256","typ":"JWT","kid":"k"}'),
        ({"x5c": ["{{connection.name}}"], "typ": "at+jwt"}, '{"alg":"HS256","typ":"at+jwt","x5c":["test"]}'),
    ],
)
def test_the_header(headers: dict[str, Any] | None, written: str) -> None:
    """connections.md 3.9: ``alg`` is what signs, whatever the headers say; they may name another ``typ`` (RFC 9068)."""
    assert _part(_token(session(_http({"a": 1}, headers=headers))), 0).decode() == written


def test_a_secret_in_base64() -> None:
    """connections.md 3.9: the bytes are the key, not the text."""
    made = _token(session(_http({"a": 1}, secret="_-8gc2VjcmV0IG9mIDE0IGJ5dGVz", isSecretBase64Encoded=True)))
    key = OctKey.import_key(b"\xff\xef secret of 14 bytes")
    assert jws.deserialize_compact(made, key, algorithms=["HS256"])


@pytest.mark.parametrize(
    ("settings", "url", "headers"),
    [
        ({}, "?limit=5", {"Authorization": f"Bearer {VECTOR}"}),
        ({"headerName": "X-Jwt", "scheme": ""}, "?limit=5", {"X-Jwt": VECTOR}),
        ({"scheme": "JWT"}, "?limit=5", {"Authorization": f"JWT {VECTOR}"}),
        ({"location": "url", "paramName": "jwt"}, f"?limit=5&jwt={VECTOR}", {}),
    ],
)
@pytest.mark.parametrize("given", [False, True])
def test_where_it_stands(settings: dict[str, str], url: str, headers: dict[str, str], given: bool) -> None:
    """connections.md 3.9: a made token and a given one stand where ``auth.token`` says."""
    payload = {"iss": "my-service", "aud": "https://api.example.test", "iat": 1768469400, "exp": 1768473000}
    http = _http(payload, headers={"kid": "k1"}, place=settings, **({"token": VECTOR, "secret": None} if given else {}))
    (signed,) = drive(JwtBearer().flow(_request(), session(http)), GOOD)
    assert signed.url == f"https://api.example.test/v1/orders{url}"
    assert dict(signed.headers.items()) == {"Accept": "*/*", **headers}


def test_in_the_body() -> None:
    """connections.md 3.2: as a member of a JSON object."""
    http = _http({"a": 1}, token="j.w.t", place={"location": "body", "paramName": "jwt"})
    request = HttpRequest("POST", "https://a.test/", Headers([("Content-Type", "application/json")]), b'{"a":1}')
    (signed,) = drive(JwtBearer().flow(request, session(http)), GOOD)
    assert signed.body == b'{"a":1,"jwt":"j.w.t"}'


def test_a_given_token_is_never_renewed() -> None:
    """connections.md 3.9: sent as it is; its refusal is final."""
    made = session(_http({"a": 1}, token="j.w.t"))
    assert [_bearer(request) for request in drive(JwtBearer().flow(_request(), made), REFUSED)] == ["j.w.t"]
    assert made.memory == {}


async def test_used_until_shortly_before_its_end() -> None:
    """connections.md 3.9: one token for all requests until 30 seconds before ``exp``."""
    clock = ManualClock()
    made = session(_http({"exp": 300}), clock=clock)
    first = _token(made)
    await clock.advance(269)
    assert _token(made) == first
    await clock.advance(1)
    second = _token(made)
    assert second != first
    assert f'"exp":{NOW + 570}' in _part(second, 1).decode()


@pytest.mark.parametrize(
    ("exp", "seconds", "same"),
    [
        (30, 1, False),
        (-5, 1, False),
        (1_768_000_000, 1, False),
        ("{{connection.http.unencrypted.end}}", 1, True),
        ("soon", 1, False),
        ("9" * 400, 1, False),
        (10**30, 86_400, True),
        (10**400, 86_400, True),
        (-(10**400), 1, False),
        ([], 1, False),
    ],
)
async def test_ends_of_other_kinds(exp: Any, seconds: int, same: bool) -> None:
    """connections.md 3.9: what ends at once, or nobody knows when, serves one request; an end that a template gave counts."""
    clock = ManualClock()
    http = _http({"exp": exp, "jti": "{{timestamp 'SSS'}}{{connection.http.unencrypted.end}}"})
    http["unencrypted"]["end"] = str(NOW + 300)
    made = session(http, clock=clock)
    _token(made)
    first = made.memory["jwtbearer"]
    await clock.advance(seconds)
    _token(made)
    assert (made.memory["jwtbearer"] is first) is same


async def test_refused_once_a_new_one_is_made() -> None:
    """connections.md 3.9, 6.2: a token of an earlier request is replaced and the request repeated once; the next request uses the new one."""
    clock = ManualClock()
    made = session(_http({"exp": 3600}), clock=clock)
    old = _token(made)
    await clock.advance(5)
    first, second = drive(JwtBearer().flow(_request(), made), REFUSED, GOOD)
    assert _bearer(first) == old
    assert f'"iat":{NOW + 5}' in _part(_bearer(second), 1).decode()
    assert _token(made) == _bearer(second)


async def test_refused_twice_is_final() -> None:
    """connections.md 6.2: no third request; and a later one does not begin with a token that was refused."""
    clock = ManualClock()
    made = session(_http({"exp": 3600}), clock=clock)
    _token(made)
    await clock.advance(5)
    assert len(drive(JwtBearer().flow(_request(), made), REFUSED, REFUSED, GOOD)) == 2
    assert made.memory == {}


def test_no_repetition_of_what_was_made_for_this_request() -> None:
    """connections.md 3.9: the first request of all is refused for good."""
    made = session(_http({"exp": 3600}))
    assert len(drive(JwtBearer().flow(_request(), made), REFUSED, GOOD)) == 1
    assert made.memory == {}


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.END_OF_PAGES, Verdict.SUCCESS])
def test_other_failures_say_nothing_of_the_token(verdict: Verdict) -> None:
    """connections.md 6: only an authentication failure does."""
    made = session(_http({"exp": 3600}))
    old = _token(made)
    assert len(drive(JwtBearer().flow(_request(), made), answer(status=403, verdict=verdict), GOOD)) == 1
    assert _token(made) == old


async def test_requests_refused_together_share_the_new_one() -> None:
    """connections.md 6.2: credentials that are newer than those just used are used, and not made once more."""
    clock = ManualClock()
    made = session(_http({"exp": 3600}), clock=clock)
    _token(made)
    flows = [JwtBearer().flow(_request(), made) for _ in range(2)]
    for flow in flows:
        next(flow)
    await clock.advance(5)
    first = flows[0].send(REFUSED)
    await clock.advance(5)
    second = flows[1].send(REFUSED)
    assert _bearer(first) == _bearer(second)


@pytest.mark.parametrize("change", [{"secret": "another-secret"}, {"payload": {"a": 2}}, {"headers": {"kid": "k2"}}])
def test_another_version_of_the_connection_has_another_token(change: dict[str, Any]) -> None:
    """A memory that survives a change of the document never serves a token made with an old key or old claims."""
    before = session(_http({"a": 1, "exp": 3600}))
    old = _token(before)
    after = session(_http(**{"payload": {"a": 1, "exp": 3600}, **change}))
    after.memory = before.memory
    assert _token(after) != old


def test_settings_that_a_claim_reads() -> None:
    """Nor does it serve one whose templates read what has changed beside the connection's own block."""
    http = _http({"sub": "{{settings.connection.s}}", "exp": 3600})
    before = session(http, context={"settings": {"connection": {"s": "old"}}})
    _token(before)
    after = session(jsonvalue.loads(jsonvalue.dumps(http)), context={"settings": {"connection": {"s": "new"}}})
    after.memory = before.memory
    assert b'"sub":"new"' in _part(_token(after), 1)


@pytest.mark.parametrize("name", ["payload", "headers"])
def test_a_template_that_cannot_be_rendered(name: str) -> None:
    """The member is named."""
    http = _http(**{"payload": {"a": 1}, name: {"act": {"sub": "{{regexReplace 'a' 'b' '['}}"}}})
    with pytest.raises(InvalidContent) as caught:
        _token(session(http))
    (problem,) = caught.value.problems
    assert (problem.code, problem.field) == ("invalid_template", f"http.auth.jwt.{name}.act.sub")


def test_a_key_that_cannot_be_used() -> None:
    """The field is named, nothing of the key is shown."""
    with pytest.raises(InvalidContent) as caught:
        _token(session(_http({"a": 1}, "es256", privateKey="s3cr3t")))
    (problem,) = caught.value.problems
    assert (problem.code, problem.field) == ("invalid_field", "http.auth.jwt.privateKey")
    assert "s3cr3t" not in problem.message


def test_nothing_shows_the_token() -> None:
    """What the process remembers has no secret in its ``repr``."""
    made = session(_http({"a": 1}))
    token = _token(made)
    shown = repr(made.memory) + repr(made)
    assert token not in shown
    assert SECRET not in shown


def test_nothing_is_renewed_ahead() -> None:
    """Tokens are made while signing: there is nothing to ask the application for."""
    made = session(_http({"a": 1}))
    assert not JwtBearer().is_due(made)
    assert JwtBearer().renewal(made) is None
