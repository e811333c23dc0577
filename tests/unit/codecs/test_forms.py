"""Forms, parts and plain text (exports-imports.md 2.1, 2.3, 9.3)."""

from __future__ import annotations

from email import message_from_bytes
from typing import Any

import pytest

from fairlead.codecs.media_types import body_place, content_type, is_json_template
from fairlead.codecs.registry import codecs
from fairlead.codecs.urlencoded import MAX_DEPTH, MAX_PAIRS
from fairlead.domain.errors import InvalidContent
from fairlead.engine.ports import BatchWriter, Place, RecordReader, RecordWriter, UnreadableBody
from tests.unit.codecs.reading import read


def written(media_type: str, record: bytes) -> bytes:
    """A record as a body."""
    codec = codecs[media_type]
    assert isinstance(codec, RecordWriter)
    return codec.write(record)


@pytest.mark.parametrize(
    ("body", "record"),
    [
        ("a=1&b[c]=2&d[0]=x", {"a": "1", "b": {"c": "2"}, "d": ["x"]}),
        ("a=&b", {"a": "", "b": ""}),
        ("a+b=c%20d%2B&%C3%A9=%26", {"a b": "c d+", "é": "&"}),
        ("a=1&a=2&a=3", {"a": ["1", "2", "3"]}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[1]=y&a[0]=x", {"a": ["x", "y"]}),
        ("a[5]=x", {"a": {"5": "x"}}),
        ("a[0][n]=1&a[1][n]=2", {"a": [{"n": "1"}, {"n": "2"}]}),
        ("a%5Bb%5D=1", {"a": {"b": "1"}}),
        ("a=1&a[b]=2", {"a": {"b": "2"}}),
        ("a[b]=1&a=2", {"a": "2"}),
        ("a[b=1&[c]=2&d]=3&0=4", {"a[b": "1", "[c]": "2", "d]": "3", "0": "4"}),
        ("__proto__[x]=1&$where=2&a.b=3&=4", {"__proto__": {"x": "1"}, "$where": "2", "a.b": "3", "": "4"}),
        ("&&a=1&", {"a": "1"}),
    ],
)
def test_a_form_is_one_record(body: str, record: dict[str, Any]) -> None:
    """2.3: one record; names with brackets nest."""
    assert read("urlencoded", body) == [record]
    assert codecs["urlencoded"].parse(body.encode(), None) == record


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"a=1&b=%FF", "pair 2 of the body is not valid utf-8"),
        (b"a=\xff", "the body is not valid utf-8 at byte 2"),
        (b"a" + b"[x]" * (MAX_DEPTH + 1) + b"=1", f"the name of pair 1 of the body has more than {MAX_DEPTH} brackets"),
        (b"a" + b"[x]" * 100_000 + b"=1", "brackets"),
        (b"&" * MAX_PAIRS, f"more than {MAX_PAIRS} pairs"),
    ],
)
def test_a_form_that_cannot_be_read_is_told_by_its_pair(body: bytes, message: str) -> None:
    """The number of the pair, or the byte, and nothing of its content."""
    with pytest.raises(UnreadableBody) as error:
        read("urlencoded", body)
    assert message in error.value.message


@pytest.mark.parametrize(
    ("record", "body"),
    [
        ('{"a":1,"b":{"c":2},"d":["x"]}', "a=1&b[c]=2&d[0]=x"),
        ('{"a b":"c d+&","é":"ü"}', "a+b=c+d%2B%26&%C3%A9=%C3%BC"),
        ('{"*-._~":"*-._~"}', "*-._%7E=*-._%7E"),
        ('{"a":null,"b":true,"c":1.50,"d":{},"e":[]}', "a=&b=true&c=1.50"),
        ('{"a":[{"b":[1,2]}]}', "a[0][b][0]=1&a[0][b][1]=2"),
        ('{"a":{"[x]":1}}', "a[%5Bx%5D]=1"),
        ("{}", ""),
    ],
)
def test_a_record_becomes_a_form(record: str, body: str) -> None:
    """9.3: ``a=1&b[c]=2&d[0]=x``, names and values form-encoded."""
    assert written("urlencoded", record.encode()) == body.encode()


def test_a_form_has_a_depth() -> None:
    """As deep as it is read, and no deeper."""
    for levels, fits in ((MAX_DEPTH, True), (MAX_DEPTH + 1, False)):
        record = b'{"a":' * (levels + 1) + b"1" + b"}" * (levels + 1)
        if fits:
            assert read("urlencoded", written("urlencoded", record)) is not None
        else:
            with pytest.raises(InvalidContent, match="nested deeper than"):
                written("urlencoded", record)


def test_a_record_becomes_parts() -> None:
    """9.3: one part per top-level member, objects and arrays as JSON text; read back by a library that is not ours."""
    record = b'{"a":"x\\r\\ny","n":1.50,"o":{"k":[1,2.0]},"e":null,"q\\"\\n":"\xc3\xa9"}'
    body = written("form-data", record)
    header = content_type("form-data", body)
    assert header is not None
    message = message_from_bytes(b"Content-Type: " + header.encode() + b"\r\n\r\n" + body)
    parts = [part for part in message.get_payload() if not isinstance(part, str)]
    assert [part.get_param("name", header="Content-Disposition") for part in parts] == ["a", "n", "o", "e", "q%22%0A"]
    contents = [part.get_payload(decode=True) for part in parts]
    assert contents == [b"x\r\ny", b"1.50", b'{"k":[1,2.0]}', b"", "é".encode()]


def test_a_boundary_comes_from_the_content() -> None:
    """The same record is the same request, so that a loop of pages is seen; another record has another boundary."""
    assert written("form-data", b'{"a":1}') == written("form-data", b'{"a":1}')
    first, second = (written("form-data", record).splitlines()[0] for record in (b'{"a":1}', b'{"a":2}'))
    assert first != second


@pytest.mark.parametrize(
    ("word", "body", "header"),
    [
        ("form-data", b"--x1\r\n\r\n", "multipart/form-data; boundary=x1"),
        ("form-data", b"--x1--\r\n", "multipart/form-data; boundary=x1"),
        ("form-data", b"--a:b\n", 'multipart/form-data; boundary="a:b"'),
        ("form-data", b"no parts", "multipart/form-data"),
        ("json", b"--x1\r\n", "application/json"),
        ("csv", b"", "text/csv"),
        ("nonsense", b"", None),
    ],
)
def test_the_content_type_names_the_boundary_of_the_body(word: str, body: bytes, header: str | None) -> None:
    """connections.md 13.3, also for parts that a template wrote."""
    assert content_type(word, body) == header


def test_answers_in_parts_are_not_read() -> None:
    """form-data is written only."""
    assert not isinstance(codecs["form-data"], RecordReader)
    assert codecs["form-data"].parse(b"", None) is None
    with pytest.raises(UnreadableBody, match="written and not read"):
        codecs["form-data"].parse(b"--x--", None)


@pytest.mark.parametrize("media_type", ["urlencoded", "form-data"])
def test_forms_take_one_object(media_type: str) -> None:
    """9.3: no batches; and a record without names is refused by name."""
    assert not isinstance(codecs[media_type], BatchWriter)
    for record in (b"[]", b'"x"', b"nonsense"):
        with pytest.raises(InvalidContent, match="cannot be written"):
            written(media_type, record)


@pytest.mark.parametrize(
    ("word", "text", "place"),
    [
        ("form-data", ' {"a":"{{x}}"}', Place.JSON),
        ("form-data", "--x\r\n{{x}}", Place.PLAIN),
        ("urlencoded", '{"a":1}', Place.JSON),
        ("urlencoded", "{{x}}", Place.FORM),
        ("urlencoded", "a={{x}}", Place.FORM),
        ("json", '{"a":1}', Place.JSON),
        ("xml", "{", Place.XML),
        (None, None, Place.JSON),
    ],
)
def test_where_a_body_template_stands(word: str | None, text: str | None, place: Place) -> None:
    """handlebars.md 3: a JSON template of a form or of parts is JSON; exports-imports.md 2.1 writes it as the other thing."""
    assert body_place(word, text) is place
    assert is_json_template(word, text) is (word in ("form-data", "urlencoded") and place is Place.JSON)


def test_plain_text_is_one_record() -> None:
    """2.3: ``{"value":"<text>"}``; paths find nothing but ``$``."""
    assert read("plaintext", "\ufeffa\nb") == [{"value": "a\nb"}]
    assert read("plaintext", b"\xe9", encoding="win1252") == [{"value": "é"}]
    assert read("plaintext", b"") == []
    assert codecs["plaintext"].parse(b"x", None) == "x"
    with pytest.raises(UnreadableBody, match="at byte 1"):
        read("plaintext", b"a\xff")


@pytest.mark.parametrize(
    ("record", "body"),
    [
        (b'{"a":"x y"}', b"x y"),
        (b'{"a":1.50}', b"1.50"),
        (b'{"a":null}', b""),
        (b'{"a":{"b" : 1}}', b'{"b":1}'),
        (b'{\n  "a": 1.50,\n  "b": "\\u00e9"\n}', '{"a":1.50,"b":"é"}'.encode()),
        (b'[{"a": 1}, {"a": 2}]', b'[{"a":1},{"a":2}]'),
        (b"{}", b"{}"),
    ],
)
def test_a_record_becomes_text(record: bytes, body: bytes) -> None:
    """9.3: text of the only member, else JSON text; of several records lines."""
    assert written("plaintext", record) == body
    codec = codecs["plaintext"]
    assert isinstance(codec, BatchWriter)
    assert codec.write_batch([record, b'{"z":"last"}']) == body + b"\nlast"
