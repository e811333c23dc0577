"""Rules between the fields of a connection, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.domain.rules.connection import check_connection

AUTH = "http.auth"
Rows = list[tuple[dict[str, Any], set[str]]]
"""Members of ``auth`` (and of the block, under ``http``), and the fields that are missing or wrong."""

AUTHENTICATION: Rows = [
    ({}, set()),
    ({"type": "custom"}, set()),
    *[({"type": kind}, {f"{AUTH}.basic.username"}) for kind in ("basic", "digest", "wsse")],
    *[({"type": kind, "basic": {"username": "u"}}, set[str]()) for kind in ("basic", "digest", "wsse")],
    *[({"type": kind, "basic": {"username": "u", "password": ""}}, set[str]()) for kind in ("basic", "digest", "wsse")],
    ({"type": "basic", "basic": {"username": "a:b"}}, {f"{AUTH}.basic.username"}),
    ({"type": "digest", "basic": {"username": "a:b"}}, set[str]()),
    *[({"type": kind, "basic": {"username": "u\r\nX: y"}}, {f"{AUTH}.basic.username"}) for kind in ("basic", "digest", "wsse")],
    ({"type": "token"}, {f"{AUTH}.token.token"}),
    ({"type": "token", "token": {"token": "t"}}, set()),
    ({"type": "token", "token": {"refreshRelativeURI": "/t"}}, set()),
    ({"type": "token", "token": {"token": "t", "location": "body"}}, {f"{AUTH}.token.paramName"}),
    ({"type": "token", "token": {"token": "t", "location": "body", "paramName": "p"}}, set()),
    (
        {"type": "token", "token": {"token": "t", "location": "body", "paramName": "p"}, "http": {"mediaType": "xml"}},
        {f"{AUTH}.token.location"},
    ),
    (
        {"type": "token", "token": {"token": "t", "location": "body", "paramName": "p"}, "http": {"mediaType": "urlencoded"}},
        set(),
    ),
    ({"type": "cookie"}, {f"{AUTH}.cookie.uri"}),
    *[
        ({"type": "cookie", "cookie": {"uri": uri}}, set[str]())
        for uri in ("/l", "l?to=ftp://x", "HTTPS://sso.test/l", "{{connection.settings.sso}}://l")
    ],
    ({"type": "cookie", "cookie": {"uri": "ftp://sso.test/l"}}, {f"{AUTH}.cookie.uri"}),
    *[({"type": "cookie", "cookie": {"uri": "/l", "successStatusCode": n}}, set[str]()) for n in (200, 302, 599)],
    *[
        ({"type": "cookie", "cookie": {"uri": "/l", "successStatusCode": n}}, {f"{AUTH}.cookie.successStatusCode"})
        for n in (0, 199, 600)
    ],
    ({"type": "token", "token": {"refreshRelativeURI": "ftp://x.test/t"}}, {f"{AUTH}.token.refreshRelativeURI"}),
    ({"type": "token", "token": {"refreshRelativeURI": "{{a}}://x/t"}}, set()),
    (
        {"type": "token", "token": {"token": "t", "refreshToken": "r\n", "refreshTokenLocation": "header"}},
        {f"{AUTH}.token.refreshToken"},
    ),
    ({"type": "token", "token": {"token": "t", "refreshToken": "r\n"}}, set()),
    ({"type": "custom", "token": {"refreshRelativeURI": "ftp://x.test/t"}}, {f"{AUTH}.token.refreshRelativeURI"}),
    (
        {"type": "oauth", "oauth": {"authURI": "ftp://u", "tokenURI": "file://u", "clientId": "c", "clientSecret": "s"}},
        {f"{AUTH}.oauth.authURI", f"{AUTH}.oauth.tokenURI"},
    ),
    (
        {"type": "oauth", "token": {"location": "body"}, "http": {"_iClientId": "i"}},
        {f"{AUTH}.token.paramName"},
    ),
    ({"type": "oauth"}, {f"{AUTH}.oauth.{n}" for n in ("authURI", "tokenURI", "clientId", "clientSecret")}),
    ({"type": "oauth", "oauth": {"authURI": "u", "tokenURI": "u", "clientId": "c", "clientSecret": "s"}}, set()),
    (
        {"type": "oauth", "oauth": {"authURI": "u", "tokenURI": "u", "clientId": "c", "pkceCodeChallengeMethod": "s256"}},
        set(),
    ),
    ({"type": "oauth", "http": {"_iClientId": "i"}}, set()),
    (
        {"type": "oauth", "oauth": {"grantType": "clientcredentials"}},
        {f"{AUTH}.oauth.{n}" for n in ("tokenURI", "clientId", "clientSecret")},
    ),
    (
        {"type": "oauth", "oauth": {"grantType": "password"}},
        {f"{AUTH}.oauth.{n}" for n in ("tokenURI", "username", "password")},
    ),
    (
        {"type": "oauth", "oauth": {"grantType": "password"}, "http": {"_iClientId": "i"}},
        {f"{AUTH}.oauth.{n}" for n in ("username", "password")},
    ),
    (
        {"type": "oauth1"},
        {
            f"{AUTH}.oauth.oauth1.{n}"
            for n in ("signatureMethod", "consumerKey", "accessToken", "consumerSecret", "tokenSecret")
        },
    ),
    (
        {"type": "oauth1", "oauth": {"oauth1": {"signatureMethod": "rsa-sha1", "consumerKey": "k", "accessToken": "a"}}},
        {f"{AUTH}.oauth.oauth1.consumerPrivateKey"},
    ),
    *[({"type": kind}, {f"{AUTH}.jwt.{n}" for n in ("signatureMethod", "payload", "secret")}) for kind in ("jwt", "jwtbearer")],
    ({"type": "jwt", "jwt": {"token": "j"}}, set()),
    ({"type": "jwt", "jwt": {"token": "j\r\nX: y"}}, {f"{AUTH}.jwt.token"}),
    ({"type": "jwt", "jwt": {"token": "j"}, "token": {"location": "body"}}, {f"{AUTH}.token.paramName"}),
    ({"type": "jwt", "jwt": {"signatureMethod": "hmac-sha256", "payload": {}, "secret": "s"}}, {f"{AUTH}.jwt.payload"}),
    ({"type": "jwt", "jwt": {"signatureMethod": "hmac-sha256", "payload": {"a": 1}, "secret": "s"}}, set()),
    ({"type": "jwtbearer", "jwt": {"signatureMethod": "es256", "payload": {"a": 1}, "secret": "s"}}, {f"{AUTH}.jwt.privateKey"}),
    *[
        ({"type": "token", "token": {"token": "t", "headerName": name}}, {f"{AUTH}.token.headerName"})
        for name in ("Host", "content-length", "Transfer-Encoding", "Connection", "X Y", "X: y", "\u00fc", "X: a\r\nInjected")
    ],
    ({"type": "token", "token": {"token": "t", "headerName": "X-Api-Key", "scheme": "a\nb"}}, {f"{AUTH}.token.scheme"}),
    ({"type": "token", "token": {"token": "  "}}, {f"{AUTH}.token.token"}),
    ({"type": "token", "token": {"token": "t" * 16385}}, {f"{AUTH}.token.token"}),
    ({"type": "token", "token": {"token": "t" * 16384}}, set()),
    ({"type": "specific"}, {f"{AUTH}.type"}),
    ({"type": "custom", "failValues": ["x"]}, {f"{AUTH}.failPath"}),
    ({"type": "custom", "failValues": ["x"], "failPath": "p"}, set()),
    *[({"type": "custom", "failStatusCode": n}, set[str]()) for n in (200, 401, 599, 999)],
    *[({"type": "custom", "failStatusCode": n}, {f"{AUTH}.failStatusCode"}) for n in (0, 99, 199, 1000)],
    (
        {"type": "custom", "failures": [{"statusCode": 403}, {"statusCode": 99}, {}]},
        {f"{AUTH}.failures.1.statusCode"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("auth", "fields"), AUTHENTICATION)
def test_what_an_authentication_type_cannot_do_without(auth: dict[str, Any], fields: set[str]) -> None:
    """connections.md 2, the rows of ``auth.type``."""
    own = {name: value for name, value in auth.items() if name != "http"}
    block = {"baseURI": "https://a.test", "mediaType": "json", **auth.get("http", {}), "auth": own}
    assert {problem.field for problem in check_connection(block)} == fields


BLOCK: Rows = [
    ({"baseURI": "https://a.test/v1"}, set()),
    ({"baseURI": "HTTP://a.test"}, set()),
    ({"baseURI": "https://müller.test/"}, set()),
    ({"baseURI": "{{connection.http.unencrypted.base}}"}, set()),
    ({"baseURI": "https://{{connection.http.unencrypted.host}}/v1"}, set()),
    ({"baseURI": "ftp://a.test"}, {"http.baseURI"}),
    ({"baseURI": "a.test"}, {"http.baseURI"}),
    ({"baseURI": "https://"}, {"http.baseURI"}),
    ({"baseURI": "https://a b.test"}, {"http.baseURI"}),
    ({"baseURI": "https://a.test:99999"}, {"http.baseURI"}),
    ({"ping": {"successValues": ["x"]}}, {"http.ping.successPath"}),
    ({"ping": {"failValues": ["x"]}}, {"http.ping.failPath"}),
    ({"ping": {"failValues": ["x"], "failPath": "p", "successPath": "p"}}, set()),
    ({"rateLimit": {"failValues": ["x"]}}, {"http.rateLimit.failPath"}),
    *[({"rateLimit": {"failStatusCode": n}}, set[str]()) for n in (200, 429, 999)],
    *[({"rateLimit": {"failStatusCode": n}}, {"http.rateLimit.failStatusCode"}) for n in (0, 99, 199, 1000)],
    ({"rateLimit": {"limit": 500}}, {"http.rateLimit.limit"}),
    ({"rateLimit": {"limit": 500}, "concurrencyLevel": 2}, {"http.rateLimit.limit"}),
    ({"rateLimit": {"limit": 500}, "concurrencyLevel": 1}, set()),
    ({"clientCertificates": {}}, set()),
    ({"clientCertificates": {"ca": "c"}}, set()),
    ({"clientCertificates": {"cert": "c", "key": "k"}}, set()),
    ({"clientCertificates": {"pfx": "p", "passphrase": "x"}}, set()),
    ({"clientCertificates": {"cert": "c"}}, {"http.clientCertificates.key"}),
    ({"clientCertificates": {"key": "k"}}, {"http.clientCertificates.cert"}),
    ({"clientCertificates": {"passphrase": "x"}}, {"http.clientCertificates.cert"}),
    ({"clientCertificates": {"passphrase": "x", "ca": "c"}}, {"http.clientCertificates.cert"}),
    ({"clientCertificates": {"pfx": "p", "cert": "c", "key": "k"}}, {"http.clientCertificates.pfx"}),
    ({"encryptedFields": [{"id": "k", "required": True}]}, {"http.encrypted.k"}),
    ({"encryptedFields": [{"id": "k", "required": True}], "encrypted": {"k": 0}}, set()),
    ({"encryptedFields": [{"id": "k"}], "unencryptedFields": [{"id": "u", "required": True}]}, {"http.unencrypted.u"}),
]


@pytest.mark.parametrize(("block", "fields"), BLOCK)
def test_the_other_rules_of_the_block(block: dict[str, Any], fields: set[str]) -> None:
    """connections.md 2, 10: each problem names its field, also in its message."""
    problems = check_connection({"baseURI": "https://a.test", "mediaType": "json", **block})
    assert {problem.field for problem in problems} == fields
    assert all(problem.message.startswith(str(problem.field)) for problem in problems)


def test_the_codes_tell_missing_from_wrong() -> None:
    """contract.md 1.5."""
    block = {"baseURI": "x", "auth": {"type": "token", "token": {"location": "body"}}, "rateLimit": {"limit": 1}}
    assert {(p.code, p.field) for p in check_connection(block)} == {
        ("invalid_field", "http.baseURI"),
        ("missing_required_field", "http.auth.token.token"),
        ("missing_required_field", "http.auth.token.paramName"),
        ("invalid_field", "http.auth.token.location"),
        ("invalid_field", "http.rateLimit.limit"),
    }


def test_a_password_in_the_base_uri_is_not_told() -> None:
    """contract.md 1.7."""
    (problem,) = check_connection({"baseURI": "https://user:s3cret@a b.test"})
    assert "s3cret" not in problem.message
