"""Mappings, compiled once and applied per record (exports-imports.md 10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Protocol

from fairlead.domain.document import Tree
from fairlead.engine.ports.templates import Scope
from fairlead.engine.ports.values import Json


class Operation(Enum):
    """What a record's request will do (exports-imports.md 9.4)."""

    CREATE = "create"
    UPDATE = "update"


class MappingError(Exception):
    """A record cannot be mapped: ``code`` ``mapping_error`` or ``lookup_no_match``, ``source`` ``mapping`` or ``lookup``."""

    def __init__(self, code: str, message: str, source: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.source = source


class RecordMapper(Protocol):
    """A compiled mapping with its lookups."""

    @property
    def is_identity(self) -> bool:
        """No rules: records come back unchanged, byte for byte, and need not be decoded."""

    @property
    def static_lookups(self) -> Mapping[str, Callable[[Json], Json]]:
        """Static lookups by name, for templates."""

    def map(self, record: Json, operation: Operation | None, scope: Scope) -> Json:
        """The mapped record; raises ``MappingError``. ``scope.context`` holds the names beside the record's."""


class Mappings(Protocol):
    """Compiles ``mapping`` (1.0) and ``mappings`` (2.0) of an import tree."""

    def compile(self, import_tree: Tree) -> RecordMapper:
        """Raises ``InvalidContent`` with every problem at once (fields relative to the import) or ``NotSupported``."""
