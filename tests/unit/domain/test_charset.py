"""Charsets of applications, and text of any bytes for people."""

from __future__ import annotations

import pytest

from fairlead.domain.charset import charset_name, readable


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("utf-8", "utf-8"),
        ("UTF8", "utf-8"),
        ("ISO-8859-1", "iso8859-1"),
        ("klingon", None),
        ("", None),
        ("x" * 100, None),
        ("zlib", None),
        ("rot13", None),
        *[(name, None) for name in ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined")],
    ],
)
def test_names_of_charsets(given: str, name: str | None) -> None:
    """exports-imports.md 2.3: Python's own notations are none; some of them take quadratic time."""
    assert charset_name(given) == name


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("ü".encode(), None, "ü"),
        ("ü".encode("latin-1"), "latin-1", "ü"),
        (b"\xff", None, "\ufffd"),
        ("ü".encode(), "klingon", "ü"),
        (b"xn--a", "punycode", "xn--a"),
        (b"", "utf-16", ""),
    ],
)
def test_bytes_are_readable_whatever_they_are(body: bytes, charset: str | None, text: str) -> None:
    """contract.md 1.16: the text as received; what does not decode is replaced."""
    assert readable(body, charset) == text
