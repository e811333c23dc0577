"""A field filled from text: path segments, query parameters and headers (contract.md 1.1, 1.11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from google.protobuf.message import Message

from fairlead.contract.plan import FieldPlan
from fairlead.contract.problems import INVALID_QUERY, ContractProblem, Problems
from fairlead.contract.rules import normal_date
from fairlead.contract.scalars import Scalars
from fairlead.contract.syntax import JsonText
from fairlead.v1 import options_pb2

_NO_DOCUMENT: Final = JsonText(b"")


def set_field_from_text(message: Message, field: FieldPlan, texts: Sequence[str]) -> list[ContractProblem]:
    """Set a field from the texts given for it, by the rules of the field; answers what is wrong as ``invalid_query_params``.

    A repeated field takes all texts, another one the last. An empty text is not given, nor is a date that does not parse
    (contract.md 1.5).
    """
    given = [text for text in texts if text and not (field.date and normal_date(text) is None)]
    if not given:
        return []
    if field.is_whole:
        raise TypeError(f"{field.json_name} cannot be written as text")
    problems = Problems()
    scalars = Scalars(_NO_DOCUMENT, options_pb2.MODE_UNSPECIFIED, problems)
    values = [scalars.of_text(field, text, field.query) for text in (given if field.repeated else given[-1:])]
    if problems.found:
        return [ContractProblem(INVALID_QUERY, problem.message, problem.field) for problem in problems.found]
    if field.repeated:
        target: Any = getattr(message, field.name)
        target.extend(values)
    else:
        setattr(message, field.name, values[0])
    return []
