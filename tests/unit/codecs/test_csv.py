"""The CSV codec: rows to records (exports-imports.md 2.3), records to rows (9.3)."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.codecs import csv as csv_codec
from fairlead.codecs import csv_lines
from fairlead.codecs.csv import MAX_COLUMNS
from fairlead.codecs.csv_format import CsvFormatError, csv_format
from fairlead.codecs.registry import codecs
from fairlead.domain.errors import InvalidContent
from fairlead.engine.ports import BatchWriter, BodyTooLarge, UnreadableBody
from tests.unit.codecs.reading import read

ROWS: list[tuple[str, dict[str, Any], list[Any]]] = [
    ("", {}, []),
    ("a,b", {}, []),
    ("a,b\n1,2", {}, [{"a": "1", "b": "2"}]),
    ("a,b\r\n1,2\r\n", {}, [{"a": "1", "b": "2"}]),
    ("a,b\r1,2\r3,4", {}, [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
    ("\ufeffa,b\n1,2\n", {}, [{"a": "1", "b": "2"}]),
    ("a\n\n1\n\n\n2\n", {}, [{"a": "1"}, {"a": "2"}]),
    ('a,b\n"x ""y""","l\r\nm,n"\n', {}, [{"a": 'x "y"', "b": "l\r\nm,n"}]),
    ("a,b,c\n1\n", {}, [{"a": "1"}]),
    ("a,b\n,\n", {}, [{"a": "", "b": ""}]),
    ("a,a\n1,2\n", {}, [{"a": "2"}]),
    ("a\n007\n1.50\ntrue\nnull\nNaN\n", {}, [{"a": c} for c in ("007", "1.50", "true", "null", "NaN")]),
    ("__proto__,$where,a.b,\n1,2,3,4\n", {}, [{"__proto__": "1", "$where": "2", "a.b": "3", "": "4"}]),
    ("a\nx\x0cy\x1c\u2028z\x85\0\n", {}, [{"a": "x\x0cy\x1c\u2028z\x85\0"}]),
    ("a;b\n1;2", {"columnDelimiter": ";"}, [{"a": "1", "b": "2"}]),
    ("a\tb\n1\t2", {"columnDelimiter": "\t"}, [{"a": "1", "b": "2"}]),
    ('a||b\n1||"x||y"\n', {"columnDelimiter": "||"}, [{"a": "1", "b": "x||y"}]),
    ('a,b;1,"x;y";3,l\nm;', {"rowDelimiter": ";"}, [{"a": "1", "b": "x;y"}, {"a": "3", "b": "l\nm"}]),
    ('a:b||1:"x\r\n||y"||\n', {"rowDelimiter": "||", "columnDelimiter": ":"}, [{"a": "1", "b": "x\r\n||y"}]),
    ("a,b\n1,2\n", {"rowDelimiter": "\r\n"}, [{"a": "1", "b": "2"}]),
    (" a , b\n 1 , 2 3\t\n", {}, [{" a ": " 1 ", " b": " 2 3\t"}]),
    (' a , b\n 1 , "2,3"\n', {"trimSpaces": True}, [{"a": "1", "b": "2,3"}]),
    ('a,b\r\n1,l\nm\r\n2,"n\r\no"\r\n', {"rowDelimiter": "\r\n"}, [{"a": "1", "b": "l\nm"}, {"a": "2", "b": "n\r\no"}]),
    ("a,b\r\n1,l\nm\n", {"rowDelimiter": "\r\n"}, [{"a": "1", "b": "l\nm"}]),
    ("a|1\n|2\n", {"rowDelimiter": "|"}, [{"a": "1\n"}, {"a": "2"}]),
    ('"a" , "b"\n"x ""y"" , " ,\t"z\n "\t\n', {"trimSpaces": True}, [{"a": 'x "y" ,', "b": "z"}]),
    ('a||b\n"x" || "y"\n', {"trimSpaces": True, "columnDelimiter": "||"}, [{"a": "x", "b": "y"}]),
    (
        'a\tb\n"x" \t "y"\t\n',
        {"trimSpaces": True, "columnDelimiter": "\t", "hasHeaderRow": False},
        [{"Column0": "a", "Column1": "b"}, {"Column0": "x", "Column1": "y", "Column2": ""}],
    ),
    ('a,b\n5" , 6"\n', {"trimSpaces": True}, [{"a": '5"', "b": '6"'}]),
    ("1,2\n3\n", {"hasHeaderRow": False}, [{"Column0": "1", "Column1": "2"}, {"Column0": "3"}]),
    ("1\n2,3\n", {"hasHeaderRow": False}, [{"Column0": "1"}, {"Column0": "2", "Column1": "3"}]),
    ('Report "A\n\na\n1\n', {"rowsToSkip": 2}, [{"a": "1"}]),
    ("a\n1\n", {"rowsToSkip": 9}, []),
    ('"a",b\n"1,2"\n', {"disableQuoteAndStripEnclosingQuotes": True}, [{"a": '"1', "b": '2"'}]),
    (
        "k,n\nx,1\nx,2\ny,3\nx,4\n",
        {"keyColumns": ["k"]},
        [[{"k": "x", "n": "1"}, {"k": "x", "n": "2"}], [{"k": "y", "n": "3"}], [{"k": "x", "n": "4"}]],
    ),
    (
        "k,l,n\nx,1,1\nx,2,2\nx,2,3\n",
        {"keyColumns": ["k", "l"]},
        [[{"k": "x", "l": "1", "n": "1"}], [{"k": "x", "l": "2", "n": "2"}, {"k": "x", "l": "2", "n": "3"}]],
    ),
]


@pytest.mark.parametrize(("body", "settings", "records"), ROWS)
def test_rows_become_records(body: str, settings: dict[str, Any], records: list[Any]) -> None:
    """2.3: header, delimiters, quotes, blanks, skipped rows, groups; cells are strings."""
    assert read("csv", body, csv=settings) == records


@pytest.mark.parametrize(
    ("body", "settings", "message"),
    [
        ("a,b\n1,2\n3,4,5\n", {}, "row 3 of the CSV has 3 cells, its header has 2"),
        ("x\na,b\n1,2,3\n", {"rowsToSkip": 1}, "row 3 of the CSV has 3 cells, its header has 2"),
        ('a,b\n1,2\n3,"secret\n4,5\n', {}, "row 3 of the CSV opens a quote that is never closed"),
        ('a\n"x"secret\n', {}, "row 2 of the CSV goes on after the quote that closes a cell"),
        ('a\n"x" secret\n', {"trimSpaces": True}, "row 2 of the CSV goes on after the quote that closes a cell"),
        ("a\n1\n", {"keyColumns": ["k"]}, "the CSV has no column 'k', which file.csv.keyColumns names"),
        ("," * MAX_COLUMNS, {}, f"row 1 of the CSV has more than {MAX_COLUMNS} cells"),
    ],
)
def test_a_malformed_row_is_told_by_its_number(body: str, settings: dict[str, Any], message: str) -> None:
    """Bad rows are errors with the number of the row and without its content."""
    with pytest.raises(UnreadableBody) as error:
        read("csv", body, csv=settings)
    assert error.value.message == message


@pytest.mark.parametrize(
    ("body", "charset", "encoding", "cell"),
    [
        ("a\né\n".encode(), None, None, "é"),
        ("a\né\n".encode("cp1252"), "windows-1252", "utf8", "é"),
        ("a\né\n".encode("cp1252"), None, "win1252", "é"),
        ("a\né\n".encode("latin-1"), None, "iso88591", "é"),
        ("a\né\n".encode("mac-roman"), None, "macroman", "é"),
        ("a\n日\n".encode("shift-jis"), None, "shiftjis", "日"),
        ("a\n日\n".encode("gb18030"), None, "gb18030", "日"),
        ("\ufeffa\né\n".encode("utf-16-le"), None, "utf-16le", "é"),
        ("a\né\n".encode("utf-16"), "utf-16", None, "é"),
    ],
)
def test_text_is_decoded_by_the_header_then_by_the_export(
    body: bytes, charset: str | None, encoding: str | None, cell: str
) -> None:
    """2.3: charset of ``Content-Type``, else ``file.encoding``, else UTF-8."""
    assert read("csv", body, charset=charset, encoding=encoding) == [{"a": cell}]


@pytest.mark.parametrize("rows", [1, 100_000])
def test_what_does_not_decode_is_told_by_its_byte(rows: int) -> None:
    """The byte counts from the start of the body, also far beyond the first piece that is read."""
    good = b"a\n" + b"x\n" * rows
    with pytest.raises(UnreadableBody, match=f"the body is not valid utf-8 at byte {len(good)}$"):
        read("csv", good + b"\xff\n")


def test_delimiters_are_exchanged_for_letters_that_the_body_does_not_hold() -> None:
    """A cell may hold any letter, those of private use too."""
    letters = "".join(map(chr, range(0xE000, 0xE010)))
    assert read("csv", f"a||b\n{letters}||2", csv={"columnDelimiter": "||"}) == [{"a": letters, "b": "2"}]


@pytest.mark.parametrize(
    ("head", "unit"),
    [('a\n"', "x"), ("a\n", "x"), ("a\n", '"\n",'), ('a\n"', "x\n"), ("", "a,")],
    ids=["open quote", "long cell", "many cells", "open quote over lines", "header"],
)
def test_a_row_without_end_is_refused(head: str, unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row is in memory at once: its length is bounded, however it is made up."""
    monkeypatch.setattr(csv_lines, "MAX_ROW", 200_000)
    with pytest.raises(UnreadableBody, match="a row of the CSV has more than 200000 bytes; is a quote left open"):
        read("csv", head + unit * 400_000)


def test_a_group_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows of one key are one record, which has a size."""
    monkeypatch.setattr(csv_codec, "MAX_GROUP", 100)
    with pytest.raises(UnreadableBody, match="into one record take more than 100 bytes"):
        read("csv", "k\n" + "x\n" * 100, csv={"keyColumns": ["k"]})


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"columnDelimiter": '"'}, "columnDelimiter"),
        ({"columnDelimiter": "\n"}, "columnDelimiter"),
        ({"columnDelimiter": ";", "rowDelimiter": ";"}, "columnDelimiter"),
        ({"rowDelimiter": "x" * 17}, "rowDelimiter"),
        ({"rowsToSkip": -1}, "rowsToSkip"),
    ],
)
def test_settings_that_cannot_work_are_told_with_their_field(settings: dict[str, Any], field: str) -> None:
    """Told on save, not at the first answer."""
    with pytest.raises(CsvFormatError) as error:
        csv_format(settings)
    assert error.value.field == f"file.csv.{field}"


def test_paths_look_into_the_rows() -> None:
    """connections.md 5.1: CSV answers have the values of JSON once parsed."""
    assert codecs["csv"].parse(b"a,b\n1,2\n", None) == [{"a": "1", "b": "2"}]
    assert codecs["csv"].parse(b"", None) is None


@pytest.mark.parametrize(
    ("records", "body"),
    [
        ([b'{"a":1,"b":"x"}'], "a,b\n1,x\n"),
        ([b'{"a":1.50}', b'{"b":true,"a":null}', b"{}"], "a,b\n1.50,\n,true\n,\n"),
        ([b'{"a":{"k":[1.0,"x"]},"b":[]}'], 'a,b\n"{""k"":[1.0,""x""]}",[]\n'),
        ([b'{"a":"x,y","b":"l\\nm","c":"\\"q\\""}'], 'a,b,c\n"x,y","l\nm","""q"""\n'),
        ([b'[{"a":1},{"a":2}]'], "a\n1\n2\n"),
        ([b"{}"], ""),
    ],
)
def test_records_become_rows(records: list[bytes], body: str) -> None:
    """9.3: header row and rows, columns in order of first appearance; digits as in the source."""
    codec = codecs["csv"]
    assert isinstance(codec, BatchWriter)
    assert codec.write_batch(records) == body.encode()
    if len(records) == 1:
        assert codec.write(records[0]) == body.encode()


def test_only_objects_become_rows() -> None:
    """A text has no column."""
    codec = codecs["csv"]
    assert isinstance(codec, BatchWriter)
    with pytest.raises(InvalidContent, match="cannot be written as csv"):
        codec.write(b"[1]")


def test_a_row_is_bounded_and_a_body_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is what has not become a row yet."""
    monkeypatch.setattr(csv_lines, "MAX_ROW", 200_000)
    assert len(read("csv", "a\n" + '"x\ny"\n' * 100_000) or ()) == 100_000


@pytest.mark.parametrize(
    "body", [b"a\n" + b"1\n" * 600_000, b"n" * 1_000_000 + b"\n" + b"1\n" * 100], ids=["values", "names"]
)
def test_what_paths_look_into_is_bounded(body: bytes) -> None:
    """contract.md 1.15: rows cost more than their bytes in memory, and repeat every name where they are written."""
    with pytest.raises(BodyTooLarge, match="too large for a look into it"):
        codecs["csv"].parse(body, None)
