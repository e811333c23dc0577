"""Compile a mapping with the real template engine and run one record through it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fairlead.domain.errors import FairleadError
from fairlead.domain.jsonvalue import dumps, loads
from fairlead.engine.ports import MappingError, Operation, Scope
from fairlead.mapping.compiler import CompiledMapping, MappingCompiler
from fairlead.templates.compiler import TemplateCompiler

NOW = datetime(2026, 1, 15, tzinfo=UTC)
_COMPILER = MappingCompiler(TemplateCompiler())


def compiled(mapping: dict[str, Any], **import_model: Any) -> CompiledMapping:
    """The mapping of an import with these other members."""
    return _COMPILER.compile({"mapping": mapping, **import_model})


def scope(**context: Any) -> Scope:
    """A scope with names beside the record's."""
    return Scope(context, NOW)


def mapped(record: str, mapping: dict[str, Any], operation: Operation = Operation.CREATE, **import_model: Any) -> str:
    """JSON text in, JSON text out, digit by digit; rule by rule and by the generated function."""
    return both_ways(compiled(mapping, **import_model), loads(record), operation)


def both_ways(
    mapper: CompiledMapping, record: Any, operation: Operation | None = None, seen: Scope | None = None
) -> str:
    """The record mapped as it is for few and for many records, which must not differ; the error when there is one."""
    if mapper.is_identity:
        return dumps(mapper.map(record, operation, scope())).decode()
    outcomes: list[str | MappingError] = []
    for apply in (mapper.by_rules, mapper.generated()):
        try:
            outcomes.append(dumps(apply(record, operation, seen or scope())).decode())
        except MappingError as error:
            outcomes.append(error)
    first, second = outcomes
    if isinstance(first, MappingError):
        assert vars(first) == vars(second)
        raise first
    assert first == second
    return first


def fields_of(*fields: dict[str, Any]) -> dict[str, Any]:
    """A mapping of these fields."""
    return {"fields": list(fields)}


def problems_of(mapping: dict[str, Any], **import_model: Any) -> list[tuple[str, str | None]]:
    """Codes and fields of what compiling complains about."""
    try:
        compiled(mapping, **import_model)
    except FairleadError as error:
        return [(problem.code, problem.field) for problem in error.problems]
    return []
