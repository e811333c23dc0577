"""Mappings, filters and transforms, compiled once and applied per record (exports-imports.md 6, 7, 10, 11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    """A record cannot be mapped: ``code`` ``mapping_error`` or ``lookup_no_match``, ``source`` ``mapping`` or ``lookup``; ``generate``
    is the path of the target that failed (``items[*].qty``), when one did."""

    def __init__(self, code: str, message: str, source: str, generate: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.source = source
        self.generate = generate


class LookupPending(Exception):
    """The result of a dynamic lookup for this record is not known yet: it has to be asked for, and the record mapped again
    (exports-imports.md 12)."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class RecordMapper(Protocol):
    """A compiled mapping with its lookups."""

    @property
    def is_identity(self) -> bool:
        """No rules: records come back unchanged, byte for byte, and need not be decoded."""

    @property
    def static_lookups(self) -> Mapping[str, Callable[[Json], Json]]:
        """Static lookups by name, for templates."""

    @property
    def dynamic_names(self) -> frozenset[str]:
        """Names of the dynamic lookups that it may ask ``scope.dynamic`` for."""

    def map(self, record: Json, operation: Operation | None, scope: Scope) -> Json:
        """The mapped record; raises ``MappingError``, and ``LookupPending`` from ``scope.dynamic``. ``scope.context`` holds the names
        beside the record's."""


class Mappings(Protocol):
    """Compiles ``mapping`` (1.0) and ``mappings`` (2.0) of an import tree."""

    def compile(self, import_tree: Tree) -> RecordMapper:
        """Raises ``InvalidContent`` with every problem at once (fields relative to the import) or ``NotSupported``."""


class RecordFilter(Protocol):
    """A compiled filter (exports-imports.md 7)."""

    @property
    def passes_all(self) -> bool:
        """No rules: records need not be decoded."""

    def passes(self, record: Json, scope: Scope) -> bool:
        """Whether the record passes. ``scope.context`` holds ``settings`` and what ``["context", ...]`` names. Raises ``MappingError`` with
        source ``filter``."""


class RecordTransform(Protocol):
    """A compiled transform (exports-imports.md 6)."""

    @property
    def is_identity(self) -> bool:
        """No rules: records stay as they are, byte for byte, and need not be decoded."""

    def apply(self, record: Json, scope: Scope) -> Json:
        """The new record; the one given is not changed. Raises ``MappingError`` with source ``transformation`` or ``lookup``, and
        ``LookupPending``."""


class Expressions(Protocol):
    """Compiles the rules of filters and transforms; ``field`` is where they stand in the document (``filter``)."""

    def compile_filter(self, expression: Tree | None, field: str) -> RecordFilter:
        """Raises ``InvalidContent`` (``invalid_filter``) with every problem at once, or ``NotSupported`` for a script."""

    def compile_transform(
        self, expression: Tree | None, field: str, *, lookups: Sequence[Tree] = ()
    ) -> RecordTransform:
        """``lookups``: those of the document, of which equal names in the rules win (12). Raises ``InvalidContent`` with every problem at once, or ``NotSupported`` for a script."""
