"""``oneToMany``: the children of a record go their own ways and come back as one result (exports-imports.md 9.8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fairlead.domain import jsonvalue
from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.domain.paths import Path, PathError, compile_path, elements_of
from fairlead.engine.ports import RecordResult
from fairlead.engine.run import Submission


@dataclass(frozen=True, slots=True)
class OneToMany:
    """Where the children of a record are."""

    path: Path

    @classmethod
    def of(cls, import_model: Tree, problems: list[Problem]) -> OneToMany | None:
        """Nothing when an import does not ask for it; problems are added with their field."""
        if not import_model.get("oneToMany"):
            return None
        text = import_model.get("pathToMany")
        if not isinstance(text, str) or not text:
            problems.append(Problem("missing_required_field", "pathToMany is required with oneToMany", "pathToMany"))
            return None
        try:
            return cls(compile_path(text))
        except PathError as error:
            problems.append(Problem("invalid_field", f"pathToMany: {error}", "pathToMany"))
            return None

    def children(self, record: Submission) -> Iterator[Submission]:
        """One submission per element, in order. A scalar is the record ``{"value":...}``, as in answers (2.2); an object in place of the
        array is the only child."""
        parent = record.own
        found = self.path.find(parent)
        elements = [element for match in found for element in elements_of(match)]
        for number, element in enumerate(elements):
            value = element if isinstance(element, (dict, list)) else {"value": element}
            yield Submission(record.index, value=value, child=number, parent=parent)


def joined(children: Sequence[RecordResult]) -> RecordResult:
    """The result of the record: the highest status, the first id, all answers and errors."""
    answers = [child.json for child in children]
    return RecordResult(
        max((child.status_code for child in children), default=200),
        id=next((child.id for child in children if child.id is not None), None),
        json=jsonvalue.join_array([answer or b"null" for answer in answers]) if any(answers) else None,
        ignored=all(child.ignored for child in children),
        errors=[error for child in children for error in child.errors],
        data_uri=next((child.data_uri for child in children if child.data_uri is not None), None),
    )
