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
    """The rule of 9.4, compiled. ``operations``: one per position."""

    operations: tuple[Operation, ...]
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
        existing, ignoring = http.get("existingExtract"), http.get("ignoreExtract")
        for name in ("existingLookupName", "ignoreLookupName"):
            if http.get(name):
                problem = "a lookup that decides about create or update is stored but not supported by this build yet"
                problems.append(Problem("feature_not_supported", problem, f"http.{name}"))
        return cls(
            tuple(_operation(words, methods, index, count) for index in range(count)),
            _path(existing or ignoring, "http.existingExtract", problems),
            _path(ignoring or existing, "http.ignoreExtract", problems),
            ignore_existing,
            ignore_missing,
        )

    def choose(self, record: Json) -> Choice:
        """What happens with ``record`` (before the mapping)."""
        if self.ignore_existing or self.ignore_missing:
            known = self._exists(self.ignoring, record)
            if (self.ignore_existing and known is True) or (self.ignore_missing and known is not True):
                return Choice(0, self.operations[0], ignored=True)
        if len(self.operations) == 1:
            return Choice(0, self.operations[0])
        exists = self._exists(self.existing, record)
        wanted = Operation.CREATE if exists is False else Operation.UPDATE
        position = self.operations.index(wanted) if wanted in self.operations else 0
        return Choice(position, self.operations[position])

    @property
    def looks_at_records(self) -> bool:
        """Whether choosing needs the decoded record."""
        return self.existing is not None or self.ignoring is not None

    @staticmethod
    def _exists(path: Path | None, record: Json) -> bool | None:
        """True or false by the value at the path; ``None`` when nothing says."""
        if path is None:
            return None
        value = path.first(record)
        return value is not NOTHING and not jsonvalue.is_empty(value)


def _operation(words: Sequence[str], methods: Sequence[str], index: int, count: int) -> Operation:
    if index < len(words) and words[index] in _WORDS:
        return _WORDS[words[index]][0]
    if count == 2:
        # Without words, two positions mean update first, then create (9.4, last paragraph).
        return Operation.UPDATE if index == 0 else Operation.CREATE
    method = methods[min(index, len(methods) - 1)]
    return Operation.UPDATE if method in _UPDATING_METHODS else Operation.CREATE


def _path(text: Json, field: str, problems: list[Problem]) -> Path | None:
    if not isinstance(text, str) or not text:
        return None
    try:
        return compile_path(text)
    except PathError as error:
        problems.append(Problem("invalid_field", f"{field}: {error}", field))
        return None
