"""Secrets are found by value, however they are written."""

from __future__ import annotations

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest

from fairlead.domain.redaction import Redactor
from fairlead.domain.secret import MASK, Secret

SECRET = 'S3cr"t&p√ss word+/='


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET)[1:-1].replace("/", "\\/"),
        json.dumps({"quoted": json.dumps({"password": SECRET})}),
        json.dumps({"quoted": json.dumps({"password": SECRET}, ensure_ascii=False)}, ensure_ascii=False),
        html.escape(SECRET),
        html.escape(SECRET, quote=False),
        html.escape(SECRET, quote=False).replace('"', "&quot;"),
        re.sub("%..", lambda found: found[0].lower(), quote(SECRET, safe="/")),
        quote(quote(SECRET, safe=""), safe=""),
        json.dumps(SECRET)[1:-1].replace("&", "\\u0026").replace("+", "\\u002B"),
        SECRET.replace("&", "&amp;"),
        SECRET.replace("&", "&#38;").replace('"', "&#x22;"),
        html.escape(html.escape(SECRET)),
        SECRET.encode().hex(),
        quote(base64.b64encode(SECRET.encode()).decode(), safe="/"),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"u:" + SECRET.encode()).decode(),
        base64.b64encode(b"us:" + SECRET.encode()).decode(),
    ],
)
def test_every_form_of_a_secret_is_masked(text: str) -> None:
    """contract.md 1.7: plain, URL-encoded, JSON- and XML-escaped, hexadecimal, Base64 at each alignment."""
    shown = Redactor([SECRET])(f"before {text} after")
    assert MASK in shown
    assert shown.startswith("before ")
    assert text not in shown


def test_short_secrets_do_not_blank_ordinary_text() -> None:
    """contract.md 1.7: four or more characters."""
    assert Redactor(["abc"])("abc abcd") == "abc abcd"


def test_the_longest_secret_wins() -> None:
    """A secret inside another one leaves no tail behind."""
    assert Redactor(["token", "token-with-more"])("x token-with-more y") == f"x {MASK} y"


@pytest.mark.parametrize(("before", "after"), [(0, 0), (0, 50), (95, 0), (95, 50_000), (200, 3), (1595, 50_000)])
def test_a_text_is_redacted_before_it_is_cut(before: int, after: int) -> None:
    """contract.md 1.7: no beginning of a secret is left at the cut, nor where looking ahead ends."""
    shown = Redactor(["token-value"]).cut("x" * before + "token-value" + "y" * after, 100)
    assert shown == ("x" * before + MASK + "y" * after)[:100]


def test_a_text_of_nothing_but_secrets_shows_none() -> None:
    """Masks are shorter than what they hide: what is looked at may end within a secret."""
    secret = "s3cret" * 50
    shown = Redactor([secret]).cut(secret * 1000, 100)
    assert "s3c" not in shown
    assert len(shown) <= 100


@pytest.mark.parametrize("form", [repr, str, format, lambda s: f"{s}", lambda s: f"{s!r:>6}"])
def test_a_secret_never_shows_itself(form: object) -> None:
    """D5: repr, str and format are the mask."""
    assert form(Secret("value-of-the-secret")) == MASK  # type: ignore[operator]  # every entry of the table is callable


@pytest.mark.parametrize("also", [(), ("Bearer t0k3n-value-that-is-long",)])
def test_a_short_text_is_shown_whole(also: tuple[str, ...]) -> None:
    """contract.md 1.5: only a text that is longer than what is looked at loses its end."""
    redactor = Redactor(["t0k3n-value-that-is-long", "k" * 300])
    text = "The token Bearer t0k3n-value-that-is-long has not the scope orders.read; ask your administrator."
    shown = redactor.cut(text, 4096, also)
    assert shown.startswith("The token ")
    assert shown.endswith(" has not the scope orders.read; ask your administrator.")
    assert "t0k3n" not in shown


def test_a_long_secret_does_not_swallow_the_message() -> None:
    """A stored key of several thousand characters is one secret among others."""
    key = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEF\n" * 120
    redactor = Redactor([key])
    assert redactor.cut("no such order", 4096) == "no such order"
    assert redactor(f"<{json.dumps(key)}>") == f'<"{MASK}">'
