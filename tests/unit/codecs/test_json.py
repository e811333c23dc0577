"""The JSON codec: answers to records (exports-imports.md 2.2), records to bodies (9.3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fairlead.codecs.json import JsonCodec
from fairlead.codecs.media_types import codec_for_content_type
from fairlead.codecs.registry import codecs
from fairlead.domain.paths import PathError
from fairlead.engine.ports import ReadOptions, UnreadableBody

CODEC = JsonCodec()
BODY = (
    b'\xef\xbb\xbf {"data":{"items":[ {"a" : 1.50, "a":2} , 5, [1 ,2], null]},"o":{"k" : 1},"n":null,"s":5,"e":[],'
    b'"l":[{"x":[1,2]},{"x":3},{}],"d.e":[{"z":140891.90}]} '
)


@pytest.mark.parametrize(
    ("path", "records"),
    [
        ("data.items", [b'{"a" : 1.50, "a":2}', b'{"value":5}', b"[1 ,2]", b'{"value":null}']),
        ("$.data.items[0]", [b'{"a" : 1.50, "a":2}']),
        ("data.items[2]", [b'{"value":1}', b'{"value":2}']),
        ("data.items[9]", None),
        ("['d.e']", [b'{"z":140891.90}']),
        ("d.e", None),
        ("o", [b'{"k" : 1}']),
        ("o[*]", [b'{"k" : 1}']),
        ("n", None),
        ("n[*]", None),
        ("none", None),
        ("none[*].x", None),
        ("o.k.x", None),
        ("s", []),
        ("e", []),
        ("e[*]", []),
        ("l[*]", [b'{"x":[1,2]}', b'{"x":3}', b"{}"]),
        ("l[*].x", [b'{"value":1}', b'{"value":2}', b'{"value":3}']),
        ("$..x", [b'{"value":1}', b'{"value":2}', b'{"value":3}']),
        ("$..nope", None),
        ("$..z", [b'{"value":140891.90}']),
    ],
)
def test_records_at_a_path(path: str, records: list[bytes] | None) -> None:
    """The table of 2.2: records byte for byte, None when nothing or null is there."""
    assert CODEC.records(BODY, None, ReadOptions(path)) == records


@pytest.mark.parametrize("path", [None, "", "$"])
@pytest.mark.parametrize(
    ("body", "records"),
    [
        (b' [{"a" : 1} , 2] ', [b'{"a" : 1}', b'{"value":2}']),
        (b' {"a" : 1} ', [b'{"a" : 1}']),
        (b"[]", []),
        (b"5", []),
        (b'[{"s":"\\ud800" }, 1E400]', [b'{"s":"\\ud800" }', b'{"value":1E400}']),
    ],
)
def test_records_of_the_whole_body(body: bytes, records: list[bytes], path: str | None) -> None:
    """Without a path: elements of an array, one object, nothing else (2.2)."""
    assert CODEC.records(body, None, ReadOptions(path)) == records


@pytest.mark.parametrize("body", [b"", b" \r\n"])
def test_empty_body(body: bytes) -> None:
    """An empty body has no value and no records; at a path there is nothing."""
    assert CODEC.parse(body, None) is None
    assert CODEC.records(body, None, ReadOptions()) == []
    assert CODEC.records(body, None, ReadOptions("a")) is None


@pytest.mark.parametrize(
    ("body", "charset", "message"),
    [
        (b"[1,\xff]", None, "byte 3"),
        (b"[1,\xff]", "UTF-8", "byte 3"),
        (b"[\x80]", "us-ascii", "byte 1"),
        (b"[]", "zlib", "charset"),
        (b"[]", "unicode_escape", "charset"),
        (b"[]", "idna", "charset"),
        (b"[]", "../../x", "charset"),
        (b"[]", "x" * 5000, "charset"),
        (b"[", None, "byte 1"),
        (b'{"a":1}}', None, "byte 7"),
        (b'{"a":{"b":nul}}', None, "byte"),
        (b'{"a":{"b":01}}', None, "byte"),
        (b'{"a":{"b":"\x01"}}', None, "byte"),
        (b'{"a":1} x', None, "byte 8"),
        (b"<html>", None, "byte 0"),
        (b"[" * 100_000, None, "500 levels"),
    ],
)
@pytest.mark.parametrize("path", [None, "a", "a.b", "[*]", "a[*]", "$..a", "a.b.c.d", "0"])
def test_unreadable(body: bytes, charset: str | None, message: str, path: str | None) -> None:
    """A body that is not JSON is refused by every reader, wherever the path points; the message names the byte, not the content."""
    readers: list[Callable[[], object]] = [
        lambda: CODEC.records(body, charset, ReadOptions(path)),
        lambda: CODEC.parse(body, charset),
    ]
    for read in readers:
        with pytest.raises(UnreadableBody, match=message) as caught:
            read()
        assert "html" not in caught.value.message


@pytest.mark.parametrize("charset", ["ISO-8859-1", "utf-16", "utf-16-le", "windows-1252", "UTF8", "utf-8-sig"])
def test_charsets(charset: str) -> None:
    """Text in another charset is read; records are UTF-8."""
    body = '{"l":[{"a":"é"}]}'.encode(charset)
    assert CODEC.parse(body, charset) == {"l": [{"a": "é"}]}
    assert CODEC.records(body, charset, ReadOptions("l")) == ['{"a":"é"}'.encode()]


def test_broken_path() -> None:
    """A path that does not compile says so, whatever the body."""
    with pytest.raises(PathError):
        CODEC.records(b"[]", None, ReadOptions("a["))


def test_writing() -> None:
    """Records go out as they are."""
    assert CODEC.write(b'{"a" : 1.50}') == b'{"a" : 1.50}'
    assert CODEC.write_batch([b'{"a" : 1.50}', b"[]"]) == b'[{"a" : 1.50},[]]'
    assert CODEC.write_batch([]) == b"[]"


@pytest.mark.parametrize(
    ("header", "word", "charset"),
    [
        ("application/json", "json", None),
        ("Application/JSON; Charset=UTF-8", "json", "UTF-8"),
        ('application/vnd.api+json; profile="a;charset=no" ; charset="iso-8859-1"', "json", "iso-8859-1"),
        ("text/json;charset=", "json", None),
        ("text/plain; charset=utf-8", "plaintext", "utf-8"),
        ("text/html", None, None),
        ("application/soap+xml", "xml", None),
        ("text/csv", "csv", None),
        ("application/x-www-form-urlencoded", "urlencoded", None),
        ("application/octet-stream", None, None),
        ("json", None, None),
        ("", None, None),
        ("application/json;" + "a=b;" * 1000, None, None),
    ],
)
def test_content_type(header: str, word: str | None, charset: str | None) -> None:
    """A Content-Type names a media type of the contract and a charset (connections.md 5.1); also one without a codec in this build."""
    assert codec_for_content_type(header) == (word, charset)


def test_registry() -> None:
    """Every codec is registered under its own word."""
    assert [codecs[name].media_type for name in codecs] == list(codecs)
