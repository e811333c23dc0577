"""Answers that somebody made to hurt: what each does to the service that reads it, as an export and as the answer of a batch.

The worked table of contract.md 1.15, 1.16 and exports-imports.md 2.2, 2.3. A row is a document, the paths by which it is read, and what is
told: a code, or the number of records.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from tests.servers.documents import Document

MEBIBYTE: Final = 1024 * 1024
INVALID, TOO_LARGE, BROKEN, NO_ROOM = "invalid_response", "response_too_large", "connection_error", "export_too_large"


@dataclass(frozen=True)
class Hostile:
    """``told``: the code of ``/export/pages``, or how many records its first page has. ``batch``: the code that each of two records of a
    batch gets, where it is another. ``path``, ``file``: how it is read."""

    document: Document
    told: str | int
    batch: str = ""
    path: str = ""
    file: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)


def _of(content_type: str, make: bytes | str | Callable[[], bytes], told: str | int, **more: Any) -> Hostile:
    headers = more.pop("headers", ())
    short = more.pop("short", 0)
    if isinstance(make, str):
        make = make.encode()
    made = (lambda body=make: body) if isinstance(make, bytes) else make
    return Hostile(Document(content_type, made, headers, short=short), told, **more)


json = partial(_of, "application/json")
xml = partial(_of, "application/xml")
csv = partial(_of, "text/csv")
form = partial(_of, "application/x-www-form-urlencoded")
_GZIP: Final = (("Content-Encoding", "gzip"),)


def _nested(opening: bytes, closing: bytes, levels: int) -> bytes:
    return opening * levels + closing * levels


def _laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE a [<!ENTITY l0 "lol">{entities}]><a><b>&l9;</b></a>'.encode()


def _quadratic() -> bytes:
    return b'<!DOCTYPE a [<!ENTITY e "%b">]><a><b>%b</b></a>' % (b"x" * 100_000, b"&e;" * 100_000)


def _bomb(size: int, layers: int = 1, unit: bytes = b"0") -> bytes:
    """``size`` bytes that are a small body when compressed."""
    packer = zlib.compressobj(9, wbits=31)
    made = b"".join(packer.compress(unit * MEBIBYTE) for _ in range(size // MEBIBYTE // len(unit))) + packer.flush()
    for _ in range(layers - 1):
        made = gzip.compress(made)
    return made


def _page(record: bytes, count: int) -> bytes:
    return b"[" + b",".join([record] * count) + b"]"


_ORDERS: Final = {"path": "//order"}
_ODD_KEYS: Final = b'{"__proto__":{"a":1},"constructor":2,"$where":"1","a.b":3,"":4,"a[0]":5,"\\u0000":6}'

HOSTILE: Final[dict[str, Hostile]] = {
    # -- JSON
    "json-deep-arrays": json(_nested(b"[", b"]", 100_000), INVALID),
    "json-deep-objects": json(b'[{"a":' * 50_000 + b"1" + b"}]" * 50_000, INVALID),
    "json-deep-open": json(b"[" * 100_000, INVALID),
    "json-deep-in-a-path": json(b'{"items":[' + _nested(b"[", b"]", 100_000) + b"]}", INVALID, path="items"),
    "json-deep-mebibytes": json(lambda: b"[" * (40 * MEBIBYTE), INVALID),
    "json-400-digits": json(b'[{"n":' + b"9" * 400 + b"}]", 1),
    "json-million-digits": json(b'[{"n":' + b"9" * 1_000_000 + b"}]", 1),
    "json-exponent": json('[{"n":1e999999999}]', 1),
    "json-odd-keys": json(b"[" + _ODD_KEYS + b"]", 1),
    "json-half-surrogate": json('[{"a":"\\ud800","\\udfff":1}]', 1),
    "json-duplicate-keys": json('[{"a":1,"a":2}]', 1),
    "json-nan": json('[{"a":NaN}]', INVALID),
    "json-infinity": json("[-Infinity]", INVALID),
    "json-cut": json('[{"a":1},{"a"', INVALID),
    "json-garbage": json('[{"a":1}] x', INVALID),
    "json-two": json('{"a":1}{"a":2}', INVALID),
    "json-control": json('[{"a":"\n"}]', INVALID),
    "json-not-utf-8": json(b'[{"a":"\xff"}]', INVALID),
    "json-nothing": json("", 0),
    "json-blanks": json(lambda: b" " * (40 * MEBIBYTE), INVALID),
    "json-html": _of("text/html", "<html>Sign in</html>", INVALID),
    "json-20-million-numbers": json(lambda: _page(b"1", 20_000_000), TOO_LARGE),
    "json-10-million-objects": json(lambda: _page(b"{}", 10_000_000), TOO_LARGE),
    "json-many-members": json(lambda: b"{" + b",".join(b'"k%d":1' % n for n in range(2_000_000)) + b"}", NO_ROOM, model={"data": "members"}),
    "json-many-members-at-a-path": json(lambda: b"{" + b",".join(b'"k%d":[1]' % n for n in range(1_000_000)) + b"}", 1, path="k999999"),
    "json-many-surrogates": json(lambda: _page(b'"\\ud800"', 1_000_000), 20),
    "json-brackets-in-texts": json(lambda: _page(b'{"[":1}', 4_000_000), 20),
    "json-one-record-of-45-mebibytes": json(lambda: b'[{"a":"' + b"x" * (45 * MEBIBYTE) + b'"}]', NO_ROOM),
    "json-one-record-of-values": json(lambda: b'[{"a":' + _page(b"[]", 15_000_000) + b"}]", NO_ROOM),
    "json-long-rows": json(lambda: b"[" + _page(b'"%b"' % (b"n" * MEBIBYTE), 2) + b",[1,2]" * 100_000 + b"]", TOO_LARGE, model={"http": {"response": {"twoDArray": {"hasHeader": True}}}}),
    "json-51-mebibytes": json(lambda: b"[" + b" " * (51 * MEBIBYTE) + b"]", TOO_LARGE),
    "json-short": json('[{"a":1}]' + " " * 100, BROKEN, short=50),
    "json-utf-16": json('[{"a":"ä"}]'.encode("utf-16-le"), INVALID),
    "json-utf-16-said": _of("application/json; charset=utf-16", '[{"a":"ä"}]'.encode("utf-16"), 1),
    "json-charset-nobody-knows": _of("application/json; charset=klingon", "[]", INVALID),
    "json-token-in-values": json(
        lambda: b'{"next":"x","items":[1],"more":' + _page(b"[]", 10_000_000) + b"}",
        TOO_LARGE,
        model={"http": {"relativeURI": "{{export.http.paging.token}}", "paging": {"method": "token", "path": "next"}, "response": {"resourcePath": "items"}}},
    ),
    # -- XML
    "xml-laughs": xml(_laughs, INVALID, path="/a/b"),
    "xml-quadratic": xml(_quadratic, INVALID, path="/a/b"),
    "xml-external-entity": xml('<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a><b>&e;</b></a>', INVALID, path="/a/b"),
    "xml-parameter-entity": xml('<!DOCTYPE a [<!ENTITY % e SYSTEM "http://127.0.0.1:9/x"> %e;]><a><b>x</b></a>', INVALID, path="/a/b"),
    "xml-external-dtd": xml('<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a><b>x</b></a>', 1, path="/a/b", batch="-"),
    "xml-undeclared-entity": xml("<a><b>&nbsp;</b></a>", INVALID, path="/a/b"),
    "xml-xinclude": xml('<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd" parse="text"/></a>', 1, path="/a/xi:include", batch="-"),
    "xml-deep": xml(_nested(b"<a>", b"</a>", 100_000), INVALID, path="//a"),
    "xml-deep-streamed": xml(lambda: _nested(b"<order>", b"</order>", 1_000_000), INVALID, **_ORDERS),
    "xml-10-million-elements": xml(lambda: b"<a>" + b"<b/>" * 10_000_000 + b"</a>", TOO_LARGE, path="/a/b"),
    "xml-10-million-in-one": xml(lambda: b"<a>" + b"<b/>" * 10_000_000 + b"</a>", TOO_LARGE),
    "xml-attributes": xml(lambda: b"<a><order " + b" ".join(b'a%d="1"' % n for n in range(1_000_000)) + b"/></a>", TOO_LARGE, **_ORDERS),
    "xml-attributes-within-bounds": xml(lambda: b"<a><order " + b" ".join(b'a%d="1"' % n for n in range(200_000)) + b"/></a>", 1, path="/a/order"),
    "xml-same-attribute": xml('<a><b c="1" c="2"/></a>', INVALID, path="/a/b"),
    "xml-45-mebibytes-of-text": xml(lambda: b"<a><order>" + b"x" * (45 * MEBIBYTE) + b"</order></a>", TOO_LARGE, **_ORDERS),
    "xml-names": xml(lambda: b"<a>" + b"".join(b"<n%d/>" % n for n in range(400_000)) + b"</a>", 1),
    "xml-cut": xml("<a><b>x</b>", INVALID, path="/a/b"),
    "xml-cut-late": xml(lambda: b"<a>" + b"<order>1</order>" * 200_000, INVALID, **_ORDERS),
    "xml-not-xml": xml("{}", INVALID, path="/a"),
    "xml-wrong-charset": xml('<?xml version="1.0" encoding="UTF-8"?><a><b>\xe9</b></a>'.encode("latin-1"), INVALID, path="/a/b"),
    "xml-charset-nobody-knows": xml('<?xml version="1.0" encoding="klingon"?><a/>', INVALID, path="/a"),
    "xml-utf-16": xml('<a><b>ä</b></a>'.encode("utf-16"), 1, path="/a/b", batch="-"),
    "xml-utf-16-without-a-mark": xml('<a><b>ä</b></a>'.encode("utf-16-be"), INVALID, path="/a/b"),
    "xml-within-each-other": xml(lambda: _nested(b"<order>", b"</order>", 250), 20, **_ORDERS, batch="-"),
    "xml-comments": xml(lambda: b"<a>" + b"<!--" + b"x" * (20 * MEBIBYTE) + b"--><order/></a>", TOO_LARGE, **_ORDERS),
    # -- CSV
    "csv-quote-left-open": csv('a,b\n1,"2\n3,4\n', INVALID),
    "csv-quote-left-open-early": csv(lambda: b'a,b\n1,"' + b"2,3\n" * 8_000_000, TOO_LARGE),
    "csv-longer-than-the-header": csv("a,b\n1,2\n1,2,3\n", INVALID),
    "csv-text-after-a-quote": csv('a,b\n1,"2"3\n', INVALID),
    "csv-45-mebibyte-cell": csv(lambda: b"a,b\n1," + b"x" * (45 * MEBIBYTE) + b"\n", TOO_LARGE),
    "csv-commas": csv(lambda: b"," * (9 * MEBIBYTE), TOO_LARGE),
    "csv-20-million-rows": csv(lambda: b"a\n" + b"1\n" * 20_000_000, TOO_LARGE),
    "csv-long-name": csv(lambda: b"n" * (8 * MEBIBYTE) + b"\n" + b"1\n" * 1_000_000, TOO_LARGE),
    "csv-one-group": csv(lambda: b"a,b\n" + b"1,2\n" * 6_000_000, TOO_LARGE, file={"csv": {"keyColumns": ["a"]}}),
    "csv-wrong-charset": csv(b"a\n\xff\n", INVALID),
    "csv-wrong-charset-late": csv(lambda: b"a\n" + b"x\n" * 500_000 + b"\xff\n", INVALID),
    "csv-utf-16": _of("text/csv; charset=utf-16", "a\nä\n".encode("utf-16"), 1, batch="-"),
    "csv-utf-16-of-the-file": csv("a\nä\n".encode("utf-16"), 1, file={"encoding": "utf-16le"}, batch="-"),
    "csv-nul": csv(b"a\n\x00\n", 1, batch="-"),
    # -- forms, parts, text
    "form-million-names": form(lambda: b"&".join(b"a%d=1" % n for n in range(1_000_000)), TOO_LARGE),
    "form-one-name": form(lambda: b"a=1&" * 90_000, 1, batch="-"),
    "form-deep": form(b"a" + b"[b]" * 100_000 + b"=1", INVALID),
    "form-not-utf-8": form("a=%ff", INVALID),
    "parts": _of("multipart/form-data; boundary=x", '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n', INVALID),
    "text-45-mebibytes": _of("text/plain", lambda: b"x" * (45 * MEBIBYTE), TOO_LARGE),
    "octets": _of("application/octet-stream", bytes(range(256)), INVALID),
    # -- compressed
    "gzip-bomb": json(lambda: _bomb(1024 * MEBIBYTE), TOO_LARGE, headers=_GZIP),
    "gzip-bomb-of-numbers": json(lambda: _bomb(190 * MEBIBYTE, unit=b"1,"), INVALID, headers=_GZIP),
    "gzip-layers": json(lambda: _bomb(1024 * MEBIBYTE, layers=3), INVALID, headers=_GZIP),
    "gzip-layers-said": json(lambda: _bomb(MEBIBYTE, layers=2), BROKEN, headers=(("Content-Encoding", "gzip, gzip"),)),
    "gzip-cut": json(lambda: gzip.compress(_page(b'{"a":1}', 100_000))[:-20], BROKEN, headers=_GZIP),
    "gzip-damaged": json(lambda: gzip.compress(b"[]")[:10] + b"\xff" * 100, BROKEN, headers=_GZIP),
    "gzip-that-is-none": json("[]", BROKEN, headers=_GZIP),
    "gzip-members": json(lambda: gzip.compress(b"") * 1_000_000, 0, headers=_GZIP),
    "gzip-csv-bomb": csv(lambda: _bomb(190 * MEBIBYTE, unit=b"1\n"), TOO_LARGE, headers=_GZIP),
    "gzip-xml-bomb": xml(lambda: _bomb(190 * MEBIBYTE, unit=b"<b>"), INVALID, headers=_GZIP, path="/b/b"),
    "brotli": json("[]", BROKEN, headers=(("Content-Encoding", "br"),)),
}  # fmt: skip

BATCHES: Final[dict[str, tuple[bytes, list[str]]]] = {
    "batch-shorter": (b'{"items":[{"id":1}]}', ["", INVALID]),
    "batch-longer": (b'{"items":[{"id":1},{"id":2},{"id":3}]}', ["", ""]),
    "batch-no-array": (b'{"items":{"id":1}}', [INVALID, INVALID]),
    "batch-nothing": (b"", [INVALID, INVALID]),
    "batch-scalars": (b'{"items":[1,null]}', ["", ""]),
}
"""Answers to a batch of two, and the code of each record, nothing where it is in."""

DOCUMENTS: Final = {
    **{name: hostile.document for name, hostile in HOSTILE.items()},
    **{name: Document("application/json", partial(bytes, body)) for name, (body, _) in BATCHES.items()},
    "good": Document("application/json", lambda: b'[{"id":1}]'),
}
