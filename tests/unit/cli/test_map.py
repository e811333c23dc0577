"""``fairlead map``: a mapping tried without a service (README, The command line)."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from fairlead.cli.exits import FAILED, OK, USAGE
from fairlead.cli.main import run

FIELDS = {"fields": [{"extract": "a", "generate": "x.y", "dataType": "number"}]}
LISTS = {"lists": [{"generate": "items", "fields": [{"extract": "l[*].q", "generate": "qty", "dataType": "number"}]}]}
ENTRIES = [{"generate": "n", "dataType": "number", "extract": "$.a", "status": "Active"}]
STATIC = [{"name": "l", "map": {"USA": "US"}}]
DYNAMIC = [{"name": "l", "relativeURI": "/customers?c={{record.c}}"}]
LOOKED_UP = {"fields": [{"extract": "c", "generate": "iso", "lookupName": "l"}]}


class Terminal:
    """One call of the command."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        self._file = folder / "mapping.json"
        self._monkeypatch = monkeypatch
        self._captured = capfdbinary

    def map(self, document: Any, records: str, *options: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        self._file.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
        stdin = io.TextIOWrapper(io.BytesIO(records.encode("utf-8", "surrogatepass")))
        self._monkeypatch.setattr(sys, "stdin", stdin)
        code = run(["map", "--mapping", str(self._file), *options])
        sys.stdout.flush()
        out, err = self._captured.readouterr()
        return code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Terminal:
    """A command line without colours."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    return Terminal(tmp_path, monkeypatch, capfdbinary)


MAPPED: dict[str, tuple[Any, str, str]] = {
    "1.0": ({"mapping": FIELDS}, '{"a":"1.50"}\n{"a":2}', '{"x":{"y":1.5}}\n{"x":{"y":2}}\n'),
    "2.0": ({"mappings": ENTRIES}, '[{"a":"7"}]', '{"n":7}\n'),
    "a whole import": ({"name": "n", "http": {"relativeURI": ["/"]}, "mapping": FIELDS}, '{"a":1}', '{"x":{"y":1}}\n'),
    "a whole rest import": ({"rest": {"relativeURI": ["/"], "lookups": STATIC}, "mapping": LOOKED_UP}, '{"c":"USA"}', '{"iso":"US"}\n'),
    "a bare mapping 1.0": (FIELDS, '{"a":1}', '{"x":{"y":1}}\n'),
    "lists of a bare mapping": (LISTS, '{"l":[{"q":"2"}]}', '{"items":[{"qty":2}]}\n'),
    "a bare mapping 1.0 with lookups": ({**LOOKED_UP, "lookups": STATIC}, '{"c":"USA"}', '{"iso":"US"}\n'),
    "a bare mapping 2.0": (ENTRIES, '{"a":"7"}', '{"n":7}\n'),
    "the body of a request": ({"import": {"mapping": FIELDS}, "data": []}, '{"a":1}', '{"x":{"y":1}}\n'),
    "static lookups": ({"mapping": LOOKED_UP, "lookups": STATIC}, '{"c":"USA"}', '{"iso":"US"}\n'),
    "settings": ({"mapping": {"fields": [{"extract": "{{settings.import.p}}-{{a}}", "generate": "k"}]}, "settings": {"p": "P"}}, '{"a":1}', '{"k":"P-1"}\n'),
    "no mapping": ({}, '{"n":12345678901234567890.10}', '{"n":12345678901234567890.10}\n'),
    "children": ({"oneToMany": True, "pathToMany": "l", "mapping": {"fields": [{"extract": "_PARENT.no", "generate": "no"}, {"extract": "s", "generate": "s"}]}}, '{"no":1,"l":[{"s":"A"},{"s":"B"}]}', '{"no":1,"s":"A"}\n{"no":1,"s":"B"}\n'),
    "an array over lines": ({"mapping": FIELDS}, '\n[\n {"a":1},\n {"a":2}\n]\n', '{"x":{"y":1}}\n{"x":{"y":2}}\n'),
    "grouped rows, one a line": ({"mapping": {"fields": [{"extract": "a", "generate": "b"}]}}, '[{"a":1},{"a":2}]\n[{"a":3}]', '{"b":1}\n{"b":3}\n'),
    "nothing": ({"mapping": FIELDS}, "", ""),
}  # fmt: skip


@pytest.mark.parametrize(("document", "records", "out"), MAPPED.values(), ids=MAPPED.keys())
def test_what_comes_out(terminal: Terminal, document: Any, records: str, out: str) -> None:
    """Piped: one mapped record a line, digits as they were, nothing on stderr."""
    assert terminal.map(document, records) == (OK, out, "")


def test_operations(terminal: Terminal) -> None:
    """exports-imports.md 10.3: the same mapping for a record that exists."""
    mapping = {"fields": [{"extract": "a", "generate": n, "conditional": {"when": f"record_{n}"}} for n in ("created", "updated")]}  # fmt: skip
    assert terminal.map({"mapping": mapping}, '{"a":1}')[1] == '{"created":1}\n'
    assert terminal.map({"mapping": mapping}, '{"a":1}', "--operation", "update")[1] == '{"updated":1}\n'


FAILED_RECORDS: dict[str, tuple[Any, str, str, str]] = {
    "a field": ({"mapping": FIELDS}, '{"a":1}\n{"a":"x"}\n{"a":3}', "record 2", "x.y: 'x' is not a number"),
    "a list": ({"mapping": LISTS}, '{"l":[{"q":1},{"q":"z"}]}', "record 1", "items[*].qty: 'z' is not a number"),
    "an entry": ({"mappings": ENTRIES}, '{"a":"x"}', "record 1", "n: 'x' is not a number"),
    "a lookup": ({"mapping": LOOKED_UP, "lookups": STATIC}, '{"c":"Mars"}', "record 1", "iso: "),
    "a dynamic lookup": ({"mapping": LOOKED_UP, "lookups": DYNAMIC}, '{"c":"x"}', "record 1", "iso: the dynamic lookup 'l' would ask the application"),
    "a child": ({"oneToMany": True, "pathToMany": "l", "mapping": FIELDS}, '{"l":[{"a":1},{"a":"x"}]}', "record 1, element 2", "x.y: "),
}  # fmt: skip


@pytest.mark.parametrize(("document", "records", "name", "why"), FAILED_RECORDS.values(), ids=FAILED_RECORDS.keys())
def test_a_record_that_fails(terminal: Terminal, document: Any, records: str, name: str, why: str) -> None:
    """Exit code 1; stderr points at the record and its first field, the others come out all the same."""
    code, out, err = terminal.map(document, records)
    first, last = err.strip().splitlines()
    assert code == FAILED
    assert first.startswith(f"fairlead: {name}: {why}")
    assert f" records failed, the first one: {name}: {why}" in last
    assert len(out.splitlines()) == {"a field": 2, "a child": 1}.get(next(k for k, v in FAILED_RECORDS.items() if v[0] is document), 0)  # fmt: skip


def test_side_by_side(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal input and output stand in one row, and what the application wrote is text, never markup."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    code, out, err = terminal.map({"mapping": FIELDS}, '{"a":"[red]x"}\n{"a":"5"}')
    out = re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert code == FAILED
    assert "record 1" in out
    assert "[red]x" in out
    assert "▶ x.y: '[red]x' is not a number" in out
    assert any('"a": "5"' in line and '"x": {' in line for line in out.splitlines())
    assert err.strip().startswith("fairlead: 1 of 2 records failed, the first one: record 1: x.y: ")


WRONG: list[tuple[Any, str, str]] = [
    ("{", "", "mapping.json: neither a JSON object nor an array"),
    ("null", "", "mapping.json: neither a JSON object nor an array"),
    ("[1]", "", "invalid_field: mappings.0 must be an object"),
    ({"fieldz": []}, "", 'unknown_field: Unknown field "fieldz"'),
    ({"fields": [{"extract": "a[", "generate": "b"}]}, "", "invalid_mapping: mapping.fields.0.extract"),
    ({"mapping": {"fieldz": []}}, "", 'unknown_field: Unknown field "mapping.fieldz"'),
    ({"mapping": {"fields": [{"extract": "a[", "generate": "b"}]}}, "", "invalid_mapping: mapping.fields.0.extract"),
    ({"mapping": LOOKED_UP}, "", "invalid_ref: mapping.fields.0.lookupName"),
    ({"oneToMany": True}, "", "missing_required_field: pathToMany"),
    ({"mapping": FIELDS}, '{"a":1}\n{"a":', "stdin, line 2: not a record"),
    ({"mapping": FIELDS}, '[{"a":1}', "stdin: not a JSON array"),
    ({"mapping": FIELDS}, "[1]", "stdin, element 1: not a record"),
]


@pytest.mark.parametrize(("document", "records", "sentence"), WRONG, ids=[row[2] for row in WRONG])
def test_wrong_usage(terminal: Terminal, document: Any, records: str, sentence: str) -> None:
    """Exit code 2 and a sentence, never a traceback."""
    code, _, err = terminal.map(document, records)
    assert code == USAGE
    assert sentence in " ".join(err.split())


def test_records_come_from_stdin(terminal: Terminal) -> None:
    """The mapping cannot come from there as well."""
    assert run(["map", "--mapping", "-"]) == USAGE
