"""Which request a record takes: create or update, and at which position (exports-imports.md 9.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fairlead.domain import jsonvalue
from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.domain.paths import NOTHING, Path, PathError, compile_path
from fairlead.engine.ports import Json, Operation

_UPDATING_METHODS: Final = ("PUT", "PATCH")
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
class Evidence:
    """What dynamic lookups say about one record; both may raise ``LookupPending`` and ``MappingError``."""

    exists: Callable[[str], bool]
    """Whether the lookup of that name found something that is not empty."""
    uri_has_values: Callable[[], bool]
    """Whether every lookup that the URI of the first position uses has a value."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What tells whether a record exists: the lookup when there is one, else the value at the path."""

    lookup: str | None
    path: Path | None

    @classmethod
    def of(cls, http: Tree, kind: str, lookups: Sequence[Tree], problems: list[Problem]) -> Sign | None:
        """``existingLookupName`` and ``existingExtract``, or those that begin with ``ignore``; nothing when there are none."""
        name = http.get(f"{kind}LookupName") or None
        if name is not None:
            problems.extend(_lookup_problems(name, f"http.{kind}LookupName", lookups))
        path = _path(http.get(f"{kind}Extract"), f"http.{kind}Extract", problems)
        return cls(name, path) if name is not None or path is not None else None

    def exists(self, record: Json, evidence: Evidence | None) -> bool | None:
        """By the lookup or the value at the path, in grouped rows that of the first; ``None`` when nothing says."""
        if self.lookup is not None:
            return None if evidence is None else evidence.exists(self.lookup)
        if self.path is None:
            return None
        value = self.path.first(record)
        if value is NOTHING and isinstance(record, list) and record:
            value = self.path.first(record[0])
        return value is not NOTHING and not jsonvalue.is_empty(value)


@dataclass(frozen=True, slots=True)
class Positions:
    """The rule of 9.4, compiled. ``operations``: one per position; ``worded``: ``requestType`` says which is which."""

    operations: tuple[Operation, ...]
    worded: bool
    existing: Sign | None
    ignoring: Sign | None
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
        lookups = [entry for tree in (import_model, http) for entry in tree.get("lookups") or ()]
        existing, ignoring = (Sign.of(http, kind, lookups, problems) for kind in ("existing", "ignore"))
        return cls(
            _operations(words, methods, count),
            bool(words),
            existing or ignoring,
            ignoring or existing,
            ignore_existing,
            ignore_missing,
        )

    def choose(self, record: Json, evidence: Evidence | None = None) -> Choice:
        """What happens with ``record`` (before the mapping). Without ``evidence`` no lookup is run, and what only a lookup can tell is
        unknown (contract.md 2.11). Raises what the evidence raises."""
        position = self._position(record, evidence)
        return Choice(position, self.operations[position], self._ignores(record, evidence))

    def _position(self, record: Json, evidence: Evidence | None) -> int:
        if len(self.operations) == 1:
            return 0
        exists = None if self.existing is None else self.existing.exists(record, evidence)
        if exists is None and not self.worded:
            return 0 if evidence is None or evidence.uri_has_values() else 1
        wanted = Operation.UPDATE if exists else Operation.CREATE
        return self.operations.index(wanted) if wanted in self.operations else 0

    def _ignores(self, record: Json, evidence: Evidence | None) -> bool:
        if not (self.ignore_existing or self.ignore_missing):
            return False
        exists = None if self.ignoring is None else self.ignoring.exists(record, evidence)
        return bool((self.ignore_existing and exists) or (self.ignore_missing and not exists))

    @property
    def looks_at_records(self) -> bool:
        """Whether choosing needs the decoded record."""
        return any(sign is not None and sign.path is not None for sign in (self.existing, self.ignoring))


def _lookup_problems(name: str, field: str, lookups: Sequence[Tree]) -> list[Problem]:
    found = next((entry for entry in reversed(lookups) if entry.get("name") == name), None)
    if found is not None and found.get("_lookupCacheId") and not found.get("relativeURI"):
        message = f"{field}: a cache lookup is stored but not supported by this build yet"
        return [Problem("feature_not_supported", message, field)]
    if found is None or not found.get("relativeURI"):
        known = ", ".join(sorted({str(entry["name"]) for entry in lookups if entry.get("relativeURI")})) or "none"
        return [
            Problem("invalid_ref", f"{field} must name a lookup that asks the application; there are: {known}", field)
        ]
    return []


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
