"""URLs (connections.md 13.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.domain import urls


@pytest.mark.parametrize(
    ("base", "relative", "result"),
    [
        ("https://abc123.com/", "v1/order", "https://abc123.com/v1/order"),
        ("https://a.test/api/v2", "/organizations", "https://a.test/api/v2/organizations"),
        ("https://a.test/api", "", "https://a.test/api"),
        ("https://a.test/api", "?q=1", "https://a.test/api?q=1"),
        ("https://a.test/api?k=1", "/x?q=2", "https://a.test/api/x?k=1&q=2"),
        ("https://a.test/api", "https://a.test/other/1", "https://a.test/other/1"),
        ("https://a.test/api", "/../x", "https://a.test/x"),
    ],
)
def test_the_table_of_13_1(base: str, relative: str, result: str) -> None:
    """Every row of the reference's table."""
    assert urls.join(base, relative) == result


@pytest.mark.parametrize(
    ("base", "relative", "result"),
    [
        ("https://a.test", "x", "https://a.test/x"),
        ("https://a.test", "?q=1", "https://a.test?q=1"),
        ("https://a.test/api/", "//x", "https://a.test/api/x"),
        ("https://a.test", "//evil.test/x", "https://a.test/evil.test/x"),
        ("https://a.test/api", "/./x/../y/.", "https://a.test/api/y/"),
        ("https://a.test/api", "/../../../x", "https://a.test/x"),
        ("https://a.test/api", "/a b/ü?n=ö d", "https://a.test/api/a%20b/%C3%BC?n=%C3%B6%20d"),
        ("https://a.test/api", "/a%20b%2Fc?p=100%", "https://a.test/api/a%20b%2Fc?p=100%25"),
        ("https://a.test/api#x", "/y#z", "https://a.test/api/y"),
        ("https://a.test/api", "/x\r\nHost: evil", "https://a.test/api/x%0D%0AHost:%20evil"),
        ("https://a.test/api", '/x?f={"a":"<b>"}', "https://a.test/api/x?f=%7B%22a%22:%22%3Cb%3E%22%7D"),
        ("https://a.test/api", "orders:batch", "https://a.test/api/orders:batch"),
        ("https://bücher.test/", "x", "https://xn--bcher-kva.test/x"),
        ("HTTPS://A.test:443/", "https://a.test/x", "https://a.test/x"),
        (" https://a.test/api ", "/x", "https://a.test/api/x"),
        ("https://a.test?k=1", "", "https://a.test?k=1"),
        ("https://a.test/\\", "x", "https://a.test/%5C/x"),
    ],
)
def test_joining_beyond_the_table(base: str, relative: str, result: str) -> None:
    """Blanks, non-ASCII and stray percent signs are encoded, ``%xx`` stays, the fragment goes, no relative URI leaves the host."""
    assert urls.join(base, relative) == result


@pytest.mark.parametrize(
    ("base", "relative"),
    [
        ("https://a.test/api", "https://b.test/x"),
        ("https://a.test/api", "http://a.test/x"),
        ("https://a.test/api", "https://a.test:8443/x"),
        ("https://a.test/api", "https://a.test@b.test/x"),
        ("https://a.test/api", "https://a.test\\@b.test:1@x/"),
        ("https://a.test/api", "ftp://a.test/x"),
        ("ftp://a.test", "x"),
        ("a.test/api", "x"),
        ("", "x"),
        ("https://", "x"),
        ("https://a.test:99999", "x"),
        ("https://a b.test", "x"),
    ],
)
def test_other_origins_and_unusable_bases_are_refused(base: str, relative: str) -> None:
    """An absolute relative URI must have the base's origin; only http and https have one."""
    with pytest.raises(urls.UrlError):
        urls.join(base, relative)


def test_errors_hold_no_credentials() -> None:
    """A message shows neither user name, password nor query."""
    with pytest.raises(urls.UrlError) as caught:
        urls.join("https://a.test", "https://svc:hunter2@b.test/x?token=t0k3n")
    assert "hunter2" not in str(caught.value)
    assert "t0k3n" not in str(caught.value)


@pytest.mark.parametrize(
    ("current", "reference", "result"),
    [
        ("https://a.test/v1/x?q=1", "/y", "https://a.test/y"),
        ("https://a.test/v1/x?q=1", "y", "https://a.test/v1/y"),
        ("https://a.test/v1/x?q=1", "?q=2", "https://a.test/v1/x?q=2"),
        ("https://a.test/v1/x", "//b.test/z", "https://b.test/z"),
        ("https://a.test/v1/x", "http://b.test/z z", "http://b.test/z%20z"),
        ("https://a.test/v1/x", "../../../z#f", "https://a.test/z"),
    ],
)
def test_references_are_resolved(current: str, reference: str, result: str) -> None:
    """A ``Location`` or next link means what RFC 3986 5.2 says."""
    assert urls.resolve(current, reference) == result


def test_a_reference_that_is_no_url_is_refused() -> None:
    """``javascript:`` and the like lead nowhere."""
    with pytest.raises(urls.UrlError):
        urls.resolve("https://a.test/", "javascript:alert(1)")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.test/x", "https://A.TEST:443/y?z", True),
        ("http://a.test", "http://a.test:80/", True),
        ("https://a.test", "http://a.test", False),
        ("https://a.test", "https://a.test.b.test", False),
        ("https://a.test", "https://a.test:444", False),
        ("https://[2001:4860::1]/", "https://[2001:4860::1]:443/x", True),
    ],
)
def test_origins(one: str, other: str, same: bool) -> None:
    """An origin is scheme, host without case, and port with its default."""
    assert urls.same_origin(one, other) is same


@pytest.mark.parametrize(
    ("url", "name", "value", "result"),
    [
        ("https://a.test/x", "page", "2", "https://a.test/x?page=2"),
        ("https://a.test/x?page=1&q=%41", "page", "2", "https://a.test/x?page=2&q=%41"),
        ("https://a.test/x?p%61ge=1&q=1&page=3", "page", "a&b c", "https://a.test/x?page=a%26b%20c&q=1"),
        ("https://a.test/x?", "n", "ü/", "https://a.test/x?n=%C3%BC%2F"),
    ],
)
def test_set_query(url: str, name: str, value: str, result: str) -> None:
    """The parameter is replaced where it stands, or added; the rest stays as written."""
    assert urls.set_query(url, name, value) == result


def test_append_query_leaves_what_is_there() -> None:
    """A parameter of that name stays and nothing is appended (connections.md 3.2)."""
    assert urls.append_query("https://a.test/x?limit=5", "token", "t0k3n") == "https://a.test/x?limit=5&token=t0k3n"
    assert urls.append_query("https://a.test/x?token=", "token", "t0k3n") == "https://a.test/x?token="


@pytest.mark.parametrize(
    ("url", "result"),
    [
        ("https://a.test/x?q=a>b", "https://a.test/x?q=a%3Eb"),
        ("https://a.test/x?p=100%", "https://a.test/x?p=100%25"),
        ("https://a.test/x?p=%e4", "https://a.test/x?p=%e4"),
        ("https://a.test/x?f[0]=(1),'a';*!$&+", "https://a.test/x?f[0]=(1),'a';*!$&+"),
        ("https://a.test/x#y", "https://a.test/x"),
    ],
)
def test_encode_changes_only_what_a_url_cannot_hold(url: str, result: str) -> None:
    """One wrong character is enough to be noticed; everything else stays as written."""
    assert urls.encode(url) == result


def test_form_and_query_pairs() -> None:
    """Parameters come back decoded, in order, empty ones too; a form grows only by a name that it lacks."""
    assert urls.query_pairs("https://a.test/x?a=1&b=&a=%20+") == [("a", "1"), ("b", ""), ("a", "  ")]
    assert urls.path_and_query("https://a.test/x/y?z=%20") == ("/x/y", "z=%20")
    assert urls.append_form("a=1", "t", "x y") == "a=1&t=x+y"
    assert urls.append_form("t=1", "t", "x y") == "t=1"
    assert urls.append_form("", "t", "x") == "t=x"


@given(st.text(max_size=60))
def test_whatever_is_joined_can_be_sent(relative: str) -> None:
    """A joined URL is plain ASCII without blanks or controls, stays at its origin, and encoding it again changes nothing."""
    try:
        url = urls.join("https://a.test/api?k=1", relative)
    except urls.UrlError:
        return
    assert url.isascii()
    assert not any(c <= " " or c == "\x7f" for c in url)
    assert urls.origin(url) == ("https", "a.test", 443)
    assert urls.encode(url) == url
