"""Which request a record takes: create or update, and at which position (exports-imports.md 9.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fairlead.domain import jsonvalue
from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.domain.paths import NOTHING, Path, PathError, compile_path
from fairlead.engine.ports import Json, Operation

_UPDATING_METHODS: Final = ("PUT", "PATCH")
_EXTRACTS: Final = ("existingExtract", "ignoreExtract")
_WORDS: Final = {
    "CREATE": (Operation.CREATE, False),
    "UPDATE": (Operation.UPDATE, False),
    "CREATEANDIGNORE": (Operation.CREATE, True),
    "UPDATEANDIGNORE": (Operation.UPDATE, True),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What happens with one record: at which position it is sent, as which operation; or that it is ignored."""

    position: int
    operation: Operation
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class Positions:
    """The rule of 9.4, compiled. ``operations``: one per position; ``worded``: ``requestType`` says which is which."""

    operations: tuple[Operation, ...]
    worded: bool
    existing: Path | None
    ignoring: Path | None
    ignore_existing: bool
    ignore_missing: bool

    @classmethod
    def of(cls, import_model: Tree, problems: list[Problem]) -> Positions:
        """From an import in the ``http`` dialect; problems are added with their field."""
        http = import_model.get("http") or {}
        methods = http.get("method") or ["POST"]
        words = [str(word).upper() for word in http.get("requestType") or ()]
        ignore_existing = bool(import_model.get("ignoreExisting"))
        ignore_missing = bool(import_model.get("ignoreMissing"))
        for word in words:
            operation, ignores = _WORDS.get(word, (Operation.CREATE, False))
            ignore_existing |= ignores and operation is Operation.CREATE
            ignore_missing |= ignores and operation is Operation.UPDATE
        count = max(len(methods), len(http.get("relativeURI") or ()), 1)
        existing, ignoring = (_path(http.get(name), f"http.{name}", problems) for name in _EXTRACTS)
        for name in ("existingLookupName", "ignoreLookupName"):
            if http.get(name):
                problem = "a lookup that decides about create or update is stored but not supported by this build yet"
                problems.append(Problem("feature_not_supported", problem, f"http.{name}"))
        return cls(
            _operations(words, methods, count),
            bool(words),
            existing or ignoring,
            ignoring or existing,
            ignore_existing,
            ignore_missing,
        )

    def choose(self, record: Json) -> Choice:
        """What happens with ``record`` (before the mapping)."""
        position = self._position(record)
        return Choice(position, self.operations[position], self._ignores(record))

    def _position(self, record: Json) -> int:
        if len(self.operations) == 1:
            return 0
        exists = _exists(self.existing, record)
        if exists is None and not self.worded:
            return 0  # every lookup that its URI uses has a value: this build runs none that has not
        wanted = Operation.UPDATE if exists else Operation.CREATE
        return self.operations.index(wanted) if wanted in self.operations else 0

    def _ignores(self, record: Json) -> bool:
        if not (self.ignore_existing or self.ignore_missing):
            return False
        exists = _exists(self.ignoring, record)
        return bool((self.ignore_existing and exists) or (self.ignore_missing and not exists))

    @property
    def looks_at_records(self) -> bool:
        """Whether choosing needs the decoded record."""
        return self.existing is not None or self.ignoring is not None


def _exists(path: Path | None, record: Json) -> bool | None:
    """True or false by the value at the path, in grouped rows that of the first; ``None`` when nothing says."""
    if path is None:
        return None
    value = path.first(record)
    if value is NOTHING and isinstance(record, list) and record:
        value = path.first(record[0])
    return value is not NOTHING and not jsonvalue.is_empty(value)


def _operations(words: Sequence[str], methods: Sequence[str], count: int) -> tuple[Operation, ...]:
    said = [_WORDS[word][0] for word in words if word in _WORDS][:count]
    if count == 1:
        updates = Operation.UPDATE in said or methods[0] in _UPDATING_METHODS
        return (Operation.UPDATE if updates else Operation.CREATE,)
    # Without words, two positions mean update first, then create.
    return (*said, *(Operation.UPDATE, Operation.CREATE)[len(said) :])


def _path(text: Json, field: str, problems: list[Problem]) -> Path | None:
    if not isinstance(text, str) or not text:
        return None
    try:
        return compile_path(text)
    except PathError as error:
        problems.append(Problem("invalid_field", f"{field}: {error}", field))
        return None
