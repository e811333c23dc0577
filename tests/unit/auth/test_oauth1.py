"""OAuth 1.0: the vectors of the reference and of RFC 5849, and what a verifier that is not ours says."""

from __future__ import annotations

from base64 import b64decode
from typing import Any
from urllib.parse import parse_qsl

import pytest
from authlib.oauth1.rfc5849.signature import generate_signature_base_string, verify_hmac_sha1, verify_rsa_sha1
from authlib.oauth1.rfc5849.wrapper import OAuth1Request
from oauthlib.oauth1 import ResourceEndpoint

from fairlead.auth.oauth1 import Oauth1, base_string, escape, protocol_parameters, signature_of
from fairlead.domain.errors import InvalidContent
from fairlead.domain.http import Headers, HttpRequest
from fairlead.domain.redaction import Redactor
from tests.servers.verifier import Consumer, Validator, key_pair
from tests.unit.auth.sessions import answer, session
from tests.unit.clock import START

PRIVATE, PUBLIC = key_pair("rsa")
OTHER_PRIVATE, _ = key_pair("rsa")
HMAC = ["hmac-sha1", "hmac-sha256", "hmac-sha512"]
RSA = ["rsa-sha1", "rsa-sha256", "rsa-sha512"]
FORM = "application/x-www-form-urlencoded"
URL = "https://api.example.test/v1/orders?limit=5&status=open%20%26%20paid"
REFERENCE = {
    "consumerKey": "ck-123",
    "consumerSecret": "cs secret",
    "accessToken": "at-456",
    "tokenSecret": "ts-789",
    "signatureMethod": "hmac-sha1",
}
NETSUITE = {
    "consumerKey": "ck_iclient",
    "consumerSecret": "cs_iclient",
    "accessToken": "tid_conn",
    "tokenSecret": "tsec_conn",
    "signatureMethod": "hmac-sha256",
    "realm": "123456_SB1",
}


def _request(url: str = URL, method: str = "GET", body: bytes | None = None, content_type: str = "") -> HttpRequest:
    return HttpRequest(method, url, Headers([("Content-Type", content_type)] if content_type else []), body)


def _http(settings: dict[str, Any]) -> dict[str, Any]:
    return {"mediaType": "json", "auth": {"type": "oauth1", "oauth": {"oauth1": settings}}}


def _signed(request: HttpRequest, settings: dict[str, Any]) -> HttpRequest:
    return next(Oauth1().flow(request, session(_http(settings))))


def _parameters(request: HttpRequest) -> list[tuple[str, str]]:
    """Of the header: names, and values as written."""
    header = request.headers.get("Authorization") or ""
    assert header.startswith("OAuth ")
    pairs = [part.partition("=") for part in header.removeprefix("OAuth ").split(", ")]
    assert all(value[0] == value[-1] == '"' for _, _, value in pairs)
    return [(name, value[1:-1]) for name, _, value in pairs]


def test_the_vector_of_the_reference() -> None:
    """connections.md 3.8: base string and signature, letter by letter."""
    parameters = protocol_parameters(REFERENCE, nonce="7d8f3e4a1b2c", timestamp=1768469400)
    assert base_string(_request(), parameters) == (
        "GET&https%3A%2F%2Fapi.example.test%2Fv1%2Forders&limit%3D5%26oauth_consumer_key%3Dck-123%26oauth_nonce%3D7d8f3e4a1b2c"
        "%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D1768469400%26oauth_token%3Dat-456%26oauth_version%3D1.0"
        "%26status%3Dopen%2520%2526%2520paid"
    )
    assert signature_of(_request(), parameters, REFERENCE) == "TkL1J9blA1JvuhzF1u63Szrff7Y="


def test_the_header_of_the_reference() -> None:
    """connections.md 3.8: order and quoting of the whole header; the nonce is 32 hex digits of 16 random bytes."""
    signed = _signed(_request(), REFERENCE)
    parameters = protocol_parameters(REFERENCE, nonce="000102030405060708090a0b0c0d0e0f", timestamp=1768469400)
    signature = escape(signature_of(_request(), parameters, REFERENCE))
    assert signed.headers.get_all("Authorization") == [
        'OAuth oauth_consumer_key="ck-123", oauth_token="at-456", oauth_signature_method="HMAC-SHA1",'
        ' oauth_timestamp="1768469400", oauth_nonce="000102030405060708090a0b0c0d0e0f", oauth_version="1.0",'
        f' oauth_signature="{signature}"'
    ]
    assert signature.endswith("%3D")
    assert signed.secret_headers == {"authorization"}
    assert int(START.timestamp()) == 1768469400


def test_the_vector_of_netsuite() -> None:
    """connections.md 14: HMAC-SHA256, POST of JSON, whose body is not signed; ``realm`` comes first and is not signed either."""
    url = (
        "https://123456-sb1.restlets.api.netsuite.com/app/site/hosting/restlet.nl"
        "?script=customscript_orders&deploy=customdeploy_orders"
    )
    request = _request(url, "POST", b'{"a":1}', "application/json")
    parameters = protocol_parameters(NETSUITE, nonce="f1e2d3c4b5a6", timestamp=1768469400)
    assert base_string(request, parameters) == (
        "POST&https%3A%2F%2F123456-sb1.restlets.api.netsuite.com%2Fapp%2Fsite%2Fhosting%2Frestlet.nl"
        "&deploy%3Dcustomdeploy_orders%26oauth_consumer_key%3Dck_iclient%26oauth_nonce%3Df1e2d3c4b5a6"
        "%26oauth_signature_method%3DHMAC-SHA256%26oauth_timestamp%3D1768469400%26oauth_token%3Dtid_conn"
        "%26oauth_version%3D1.0%26script%3Dcustomscript_orders"
    )
    assert signature_of(request, parameters, NETSUITE) == "8BS3/6eWzKK6m9FbPUAW81SNfxekCbRu41lMGDeWQCQ="
    assert _parameters(_signed(request, NETSUITE))[0] == ("realm", "123456_SB1")


def test_the_example_of_rfc_5849() -> None:
    """RFC 5849 1.2: a request for a photo."""
    settings = {
        "consumerSecret": "kd94hf93k423kf44",
        "tokenSecret": "pfkkdhi9sl3r4s00",
        "signatureMethod": "hmac-sha1",
    }
    parameters = [
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_token", "nnch734d00sl2jdk"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131202"),
        ("oauth_nonce", "chapoH"),
    ]
    request = _request("http://photos.example.net/photos?file=vacation.jpg&size=original")
    assert signature_of(request, parameters, settings) == "MdpQcU8iPSUjWoN/UDMsK2sui9I="


def test_the_base_string_of_rfc_5849() -> None:
    """RFC 5849 3.4.1.1: a form, parameters that come twice, blanks both ways, names without a value."""
    request = _request(
        "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", "POST", b"c2&a3=2+q", f"{FORM}; charset=utf-8"
    )
    parameters = [
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
    ]
    assert base_string(request, parameters) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D"
        "%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1"
        "%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("HTTP://EXAMPLE.COM:80/r%20v/X?id=123", "http://example.com/r%20v/X"),
        ("https://www.example.net:8080/?q=1", "https://www.example.net:8080/"),
        ("https://www.example.net", "https://www.example.net/"),
        ("https://www.example.net:443?q=1", "https://www.example.net/"),
        ("http://www.example.net:443/a", "http://www.example.net:443/a"),
        ("https://[2001:DB8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
        ("https://example.net/a/%7e~%2F/B", "https://example.net/a/%7e~%2F/B"),
    ],
)
def test_the_address_that_is_signed(url: str, address: str) -> None:
    """RFC 5849 3.4.1.2: scheme and host in lower case, no usual port, no query, the path as it is sent."""
    assert base_string(_request(url), [("a", "b")]).split("&")[1] == escape(address)


@pytest.mark.parametrize(
    ("text", "encoded"),
    [("aZ09-._~", "aZ09-._~"), (" +*", "%20%2B%2A"), ("ü/€", "%C3%BC%2F%E2%82%AC"), ("!'()", "%21%27%28%29")],
)
def test_percent_encoding(text: str, encoded: str) -> None:
    """RFC 5849 3.6: nothing but letters, digits and ``-._~`` stays; upper-case digits."""
    assert escape(text) == encoded


def test_parameters_are_sorted_as_they_are_encoded() -> None:
    """RFC 5849 3.4.1.3.2: ``%`` stands before the letters whatever it encodes; equal names are sorted by value."""
    request = _request("https://a.test/?zü=1&z=2&z=10&%C3%BC=3&a=4")
    assert base_string(request, []).split("&")[2] == escape("%C3%BC=3&a=4&z=10&z=2&z%C3%BC=1")


def test_bytes_that_are_no_utf8_are_signed_as_they_are_sent() -> None:
    """RFC 5849 3.4.1.3.1: decoding loses nothing."""
    request = _request("https://a.test/?a=%FF", "POST", b"b=%FE\xfd", FORM)
    assert base_string(request, []).split("&")[2] == escape("a=%FF&b=%FE%FD")


@pytest.mark.parametrize(
    ("body", "content_type", "is_signed"),
    [
        (b"n=1", FORM, True),
        (b"n=1", "Application/X-WWW-Form-URLEncoded;charset=UTF-8", True),
        (b"n=1", "text/plain", False),
        (b"n=1", "", False),
        (None, FORM, False),
    ],
)
def test_only_a_form_is_signed(body: bytes | None, content_type: str, is_signed: bool) -> None:
    """connections.md 3.8: the body belongs to what is signed when its ``Content-Type`` says that it is a form."""
    assert base_string(_request("https://a.test/", "POST", body, content_type), []).endswith("n%3D1") is is_signed


class _Unhurried(Validator):
    """Takes the time of the clock that is moved by hand."""

    timestamp_lifetime = 10**10


@pytest.mark.parametrize("method", [*HMAC, *RSA, "plaintext"])
@pytest.mark.parametrize("wrong", [False, True])
def test_oauthlib_verifies(method: str, wrong: bool) -> None:
    """connections.md 3.8: each method, with a form and a realm, judged by oauthlib; a wrong key is refused."""
    consumer = Consumer("ck123", "cs secret&=%ü", "at456", "ts-789/+", PUBLIC)
    settings = {
        "consumerKey": "ck123",
        "consumerSecret": consumer.consumer_secret,
        "accessToken": "at456",
        "tokenSecret": "wrong" if wrong else consumer.token_secret,
        "signatureMethod": method,
        "consumerPrivateKey": OTHER_PRIVATE if wrong else PRIVATE,
        "realm": "Orders",
    }
    request = _request(f"{URL}&limit=4&empty=", "POST", b"name=Ada+Lovelace&n=%C3%A9&n", FORM)
    signed = _signed(request, settings)
    fields = dict(signed.headers.items())
    body = (signed.body or b"").decode()
    endpoint = ResourceEndpoint(_Unhurried(consumer))
    valid, _ = endpoint.validate_protected_resource_request(signed.url, signed.method, body, fields, None)
    assert valid is not wrong


class _Client:
    """What authlib asks of a client."""

    client_secret = "cs secret&=%ü"
    rsa_public_key = PUBLIC

    def get_client_secret(self) -> str:
        """Of the consumer."""
        return self.client_secret

    def get_rsa_public_key(self) -> str:
        """Of the consumer."""
        return self.rsa_public_key


class _Token:
    """What authlib asks of a token."""

    def get_oauth_token_secret(self) -> str:
        """Of the token."""
        return "ts-789/+"


@pytest.mark.parametrize(("method", "verify"), [("hmac-sha1", verify_hmac_sha1), ("rsa-sha1", verify_rsa_sha1)])
def test_authlib_verifies(method: str, verify: Any) -> None:
    """connections.md 3.8: the methods that authlib knows, judged by it as well."""
    settings = {
        "consumerKey": "ck123",
        "consumerSecret": _Client.client_secret,
        "accessToken": "at456",
        "tokenSecret": "ts-789/+",
        "signatureMethod": method,
        "consumerPrivateKey": PRIVATE,
    }
    signed = _signed(_request(), settings)
    judged = OAuth1Request(signed.method, signed.url, None, dict(signed.headers.items()))
    judged.client, judged.credential = _Client(), _Token()
    assert generate_signature_base_string(judged)
    assert verify(judged)
    judged.uri = "https://api.example.test/v1/others"
    assert not verify(judged)


def test_plaintext_sends_the_key() -> None:
    """connections.md 3.8: ``oauth_signature`` is the key, encoded once more; nonce and time are there all the same."""
    signed = _signed(_request(), {**REFERENCE, "signatureMethod": "plaintext"})
    parameters = dict(_parameters(signed))
    assert parameters["oauth_signature"] == "cs%2520secret%26ts-789"
    assert parameters["oauth_signature_method"] == "PLAINTEXT"
    assert len(parameters["oauth_nonce"]) == 32
    assert parameters["oauth_timestamp"] == "1768469400"


def test_what_plaintext_sends_is_masked() -> None:
    """contract.md 1.7: a secret is found in a text in the form in which it is sent."""
    http = _http({**REFERENCE, "signatureMethod": "plaintext"})
    redactor = Redactor(["cs secret", "ts-789", *Oauth1().secrets(http)])
    header = _signed(_request(), http["auth"]["oauth"]["oauth1"]).headers.get("Authorization") or ""
    shown = redactor(header)
    assert "secret" not in shown
    assert "ts-789" not in shown


def test_every_request_has_its_own_nonce_and_time() -> None:
    """RFC 5849 3.3: one flow signs one request; a refusal is final, for nothing can be renewed."""
    numbers = iter(range(10))
    made = session(_http(REFERENCE), random=lambda count: next(numbers).to_bytes(count, "big"))
    nonces = []
    for _ in range(2):
        flow = Oauth1().flow(_request(), made)
        nonces.append(dict(_parameters(next(flow)))["oauth_nonce"])
        with pytest.raises(StopIteration):
            flow.send(answer(status=401))
    assert nonces == ["0" * 32, "0" * 31 + "1"]
    assert Oauth1().renewal(made) is None
    assert not Oauth1().is_due(made)


def test_the_given_request_stays() -> None:
    """A header of the same name is replaced in the copy, not in the request."""
    request = _request()
    request.headers.set("authorization", "mine")
    assert len(_signed(request, REFERENCE).headers.get_all("Authorization")) == 1
    assert request.headers.items() == [("authorization", "mine")]
    assert request.secret_headers == frozenset()


@pytest.mark.parametrize(
    ("realm", "written"),
    [
        ("http://sp.example.test/", 'realm="http://sp.example.test/"'),
        ("{{connection.name}}-{{{connection.http.auth.oauth.oauth1.consumerKey}}}", 'realm="test-ck-123"'),
        ('a "b" \\c', 'realm="a \\"b\\" \\\\c"'),
    ],
)
def test_the_realm_is_a_template(realm: str, written: str) -> None:
    """connections.md 3.8: rendered, a quoted string, first."""
    header = _signed(_request(), {**REFERENCE, "realm": realm}).headers.get("Authorization") or ""
    assert header.startswith(f"OAuth {written}, oauth_consumer_key=")


@pytest.mark.parametrize("realm", ["a\r\nX-Other: b", "{{{dateAdd"])
def test_a_realm_that_cannot_be_sent(realm: str) -> None:
    """connections.md 13.2: a line break is refused and not sent; a template that cannot be rendered names its field."""
    with pytest.raises(InvalidContent) as caught:
        _signed(_request(), {**REFERENCE, "realm": realm})
    (problem,) = caught.value.problems
    assert (problem.code, problem.field) == ("invalid_template", "http.auth.oauth.oauth1.realm")


def test_a_key_that_cannot_be_used() -> None:
    """The field is named, nothing of the key is shown."""
    with pytest.raises(InvalidContent) as caught:
        _signed(_request(), {**REFERENCE, "signatureMethod": "rsa-sha1", "consumerPrivateKey": "s3cr3t"})
    (problem,) = caught.value.problems
    assert (problem.code, problem.field) == ("invalid_field", "http.auth.oauth.oauth1.consumerPrivateKey")
    assert "s3cr3t" not in problem.message


def test_the_signature_is_base64() -> None:
    """RFC 5849 3.4.2: of the digest; its length tells the hash."""
    lengths = []
    for method in HMAC:
        query = "&".join(
            "=".join(pair) for pair in _parameters(_signed(_request(), {**REFERENCE, "signatureMethod": method}))
        )
        lengths.append(len(b64decode(dict(parse_qsl(query))["oauth_signature"])))
    assert lengths == [20, 32, 64]
