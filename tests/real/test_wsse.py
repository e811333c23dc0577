"""WSSE as XML::Atom checks it, running as CGI in Apache httpd."""

from __future__ import annotations

import base64
import hashlib
import secrets

import pytest

from tests.e2e.client import RestClient
from tests.real.judging import accepted, connection, curl, needs_curl, refused
from tests.servers.httpd import PASSWORD, USER, Httpd, needs_atom, needs_httpd

pytestmark = [needs_httpd, needs_atom, needs_curl]

REFUSED = 403
"""How XML::Atom answers a wrong password; 401 without credentials."""


def token(password: str) -> str:
    """A header value made by hand."""
    nonce, created = secrets.token_bytes(16), "2026-01-15T09:30:00Z"
    digest = hashlib.sha1(nonce + created.encode() + password.encode()).digest()
    texts = base64.b64encode(digest).decode(), base64.b64encode(nonce).decode()
    return f'UsernameToken Username="{USER}", PasswordDigest="{texts[0]}", Nonce="{texts[1]}", Created="{created}"'


async def test_curl_judges_the_server(apache: Httpd) -> None:
    """XML::Atom takes a digest of the right password once, and refuses a wrong one, a replay and none."""
    url = f"{apache.url}/wsse"
    right = ["--header", f"X-WSSE: {token(PASSWORD)}"]
    assert (await curl(*right, url)).json == {"orders": [{"id": 1}]}
    assert (await curl(*right, url)).status == REFUSED
    assert (await curl("--header", f"X-WSSE: {token('wrong')}", url)).status == REFUSED
    assert (await curl(url)).status == 401


async def test_the_right_password_is_taken(rest: RestClient, apache: Httpd) -> None:
    """connections.md 3.6: a fresh nonce for every request."""
    auth = {"type": "wsse", "basic": {"username": USER, "password": PASSWORD}}
    await accepted(rest, connection(apache.url, "/wsse", auth), "/wsse")


@pytest.mark.parametrize(("user", "password"), [(USER, "S3cr3t:password"), (USER, ""), ("svc_order", PASSWORD)])
async def test_a_wrong_password_is_refused(rest: RestClient, apache: Httpd, user: str, password: str) -> None:
    """connections.md 3.6, 6.1: 403 counts where it is configured."""
    auth = {"type": "wsse", "basic": {"username": user, "password": password}, "failStatusCode": REFUSED}
    await refused(rest, connection(apache.url, "/wsse", auth), REFUSED)
