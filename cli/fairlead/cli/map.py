"""``fairlead map``: a mapping tried on records, here, without a service and without a request."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console, Group, RenderableType
from rich.highlighter import JSONHighlighter
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from fairlead.api.documents import import_document
from fairlead.cli.exits import FAILED, USAGE, Stop
from fairlead.cli.files import read_document, write_line
from fairlead.domain import jsonvalue
from fairlead.domain.dialect import http_import
from fairlead.domain.document import Tree
from fairlead.domain.errors import FairleadError, InvalidContent, Problem
from fairlead.domain.jsonvalue import JsonError
from fairlead.engine.one_to_many import OneToMany
from fairlead.engine.ports import MappingError, Operation, RecordMapper, Scope
from fairlead.engine.prepare import decoded
from fairlead.engine.run import Submission
from fairlead.mapping.compiler import MappingCompiler
from fairlead.templates.compiler import TemplateCompiler

_WRAPPED: Final = "import"
_BARE: Final = ("fields", "lists")
"""Members of a mapping 1.0, which no import has by itself."""
_SHOWN: Final = JSONHighlighter()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record, or of one of its children."""

    name: str
    record: bytes
    mapped: bytes | None
    failure: str = ""
    """The first field that failed, and why."""


@dataclass(frozen=True, slots=True)
class LocalMapping:
    """A mapping that asks nobody."""

    tree: Tree
    mapper: RecordMapper
    many: OneToMany | None
    operation: Operation

    @classmethod
    def of(cls, text: bytes, operation: Operation) -> LocalMapping:
        """From a document. Raises ``FairleadError`` with every problem of the mapping."""
        written = import_document(text)
        tree = decoded(http_import(written, "rest" if "rest" in written and "http" not in written else "http"))
        problems: list[Problem] = []
        many = OneToMany.of(tree, problems)
        mapper = MappingCompiler(TemplateCompiler()).compile(tree)
        if problems:
            raise InvalidContent(problems)
        return cls(tree, mapper, many, operation)

    def outcomes(self, records: Iterator[bytes]) -> Iterator[Outcome]:
        """One per record, or one per child (exports-imports.md 9.8), in order."""
        for number, raw in enumerate(records, start=1):
            record = Submission(number, raw)
            if self.many is None:
                yield self._outcome(record, f"record {number}")
                continue
            for child in self.many.children(record):
                yield self._outcome(child, f"record {number}, element {(child.child or 0) + 1}")

    def _outcome(self, record: Submission, name: str) -> Outcome:
        if self.mapper.is_identity:
            return Outcome(name, record.pre_raw, record.pre_raw)
        names = {"import": self.tree, "settings": {"import": self.tree.get("settings") or {}}, "job": {}}
        scope = Scope({**names, "connection": {}}, datetime.now(UTC), dynamic=_not_here)
        try:
            record.mapped(self.mapper.map(record.pre, self.operation, scope))
        except MappingError as error:
            # Messages begin with the field by themselves where it is known; the path is said once.
            path = error.generate or ""
            message = error.message if not path or error.message.startswith(path) else f"{path}: {error.message}"
            return Outcome(name, record.pre_raw, None, f"{message} ({error.code})")
        except JsonError as error:
            return Outcome(name, record.pre_raw, None, f"the record cannot be written: {error} (mapping_error)")
        return Outcome(name, record.pre_raw, record.post_raw)


def map_records(
    mapping: Annotated[
        Path,
        typer.Option(
            "--mapping",
            help="JSON file: a mapping alone (fields and lists, or the array of mappings), or a whole import with its lookups.",
        ),
    ],
    operation: Annotated[
        Operation, typer.Option("--operation", help="What conditional.when record_created and record_updated see.")
    ] = Operation.CREATE,
) -> None:
    """Map the records of stdin (a JSON array, or one record a line) without a service: input and output side by side in a terminal, one
    mapped record a line when piped.

    Exits 1 when a record cannot be mapped; stderr says which one, which field and why. Dynamic lookups would ask an application: fields
    that use one fail here.

    Example: fairlead map --mapping customers.json < customers.ndjson
    """
    if str(mapping) == "-":
        raise Stop("--mapping: must be a file, stdin holds the records", USAGE)
    try:
        local = LocalMapping.of(_import_of(bytes(read_document(mapping, or_array=True))), operation)
    except FairleadError as error:
        problems = "".join(f"\n  {problem.code}: {problem.message}" for problem in error.problems)
        raise Stop(f"{mapping}: the mapping cannot be used:{problems}", USAGE) from None
    terminal, errors = Console(), Console(stderr=True)
    count = failed = 0
    first = ""
    for outcome in local.outcomes(read_all(sys.stdin.buffer.read())):
        count += 1
        if outcome.mapped is None:
            failed += 1
            first = first or f"{outcome.name}: {outcome.failure}"
        if terminal.is_terminal:
            terminal.print(_side_by_side(outcome))
        elif outcome.mapped is not None:
            write_line(outcome.mapped)
        else:
            _tell(errors, f"{outcome.name}: {outcome.failure}")
    sys.stdout.flush()
    if failed:
        _tell(errors, f"{failed} of {count} records failed, the first one: {first}")
        raise typer.Exit(FAILED)


def read_all(content: bytes) -> Iterator[bytes]:
    """The records of a JSON array, or of lines with one record each. Raises ``Stop`` that names the line."""
    records = _elements(content)
    if records is not None:
        yield from (_record(raw, f"element {number}") for number, raw in enumerate(records, start=1))
        return
    for number, line in enumerate(content.splitlines(), start=1):
        if line.strip():
            yield _record(line.strip(), f"line {number}")


def _elements(content: bytes) -> list[bytes] | None:
    """Those of one array; nothing where lines are meant, which may be arrays too (grouped rows)."""
    if not content.lstrip().startswith(b"["):
        return None
    try:
        return jsonvalue.split_array(content)
    except JsonError as error:
        if b"\n" in content.strip():
            return None
        raise Stop(f"stdin: not a JSON array: {error}", USAGE) from None


def _record(raw: bytes, place: str) -> bytes:
    try:
        value = jsonvalue.loads(raw)
    except JsonError as error:
        raise Stop(f"stdin, {place}: not a record: {error}", USAGE) from None
    if not isinstance(value, (dict, list)):
        raise Stop(f"stdin, {place}: not a record: an object, or an array of grouped rows", USAGE)
    return raw


def _import_of(text: bytes) -> bytes:
    """The import that a mapping file holds: the file itself, the one inside the body of a request (``{"import":{...}}``), or one around a
    bare mapping, 1.0 (``fields``, ``lists``) or 2.0 (an array)."""
    if text.lstrip().startswith(b"["):
        return b'{"mappings":' + text + b"}"
    members = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    if _WRAPPED in members:
        return bytes(members[_WRAPPED])
    bare = {name: members.pop(name) for name in _BARE if name in members}
    if not bare or "mapping" in members:
        return text
    return msgspec.json.encode({**members, "mapping": bare})


def _not_here(name: str) -> object:
    message = (
        f"the dynamic lookup {name!r} would ask the application and does not run here; "
        "POST /v1/connections/{_id}/import/map runs it"
    )
    raise MappingError("feature_not_supported", message, "lookup")


def _side_by_side(outcome: Outcome) -> RenderableType:
    table = Table(box=None, expand=True, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(ratio=1)
    table.add_column(ratio=1)
    mapped: RenderableType = _pretty(outcome.mapped) if outcome.mapped is not None else _pointed(outcome.failure)
    table.add_row(_pretty(outcome.record), mapped)
    style = "green" if outcome.mapped is not None else "red"
    return Group(Rule(Text(outcome.name), style=style, align="left"), table)


def _pretty(raw: bytes) -> Text:
    return _SHOWN(Text(msgspec.json.format(raw, indent=2).decode("utf-8", "replace")))


def _pointed(failure: str) -> Text:
    return Text.assemble(("▶ ", "bold red"), (failure, "red"))


def _tell(console: Console, sentence: str) -> None:
    console.print(f"fairlead: {sentence}", markup=False, highlight=False, soft_wrap=True)
