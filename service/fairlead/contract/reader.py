"""REST JSON to a message, telling everything that is wrong with it at once (D20, contract.md 1.4 to 1.10)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec
from google.protobuf.message import Message

from fairlead.contract.openvalue import NULL, judge_open
from fairlead.contract.plan import FieldPlan, Kind, MessagePlan, plan_of
from fairlead.contract.problems import INVALID_JSON, UNKNOWN_FIELD, ContractError, ContractProblem, Problems
from fairlead.contract.rules import judge_items, judge_number, judge_text
from fairlead.contract.suggest import nearest
from fairlead.contract.syntax import JsonText, SyntaxProblem, checked
from fairlead.v1 import options_pb2

Unknown = Literal["refuse", "ignore"]
M = TypeVar("M", bound=Message)

_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_ELEMENTS: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_TEXTS: Final = msgspec.json.Decoder(list[str]).decode
_TEXT: Final = msgspec.json.Decoder(str).decode
_BOOLEAN: Final = msgspec.json.Decoder(bool).decode
_NUMBER: Final = msgspec.json.Decoder(int | float | str).decode
_NUMERIC: Final = re.compile(r"\s*[+-]?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?\s*", re.ASCII)

_LONGEST_SHOWN_KEY: Final = 200


@dataclass(frozen=True, slots=True)
class Read(Generic[M]):
    """A body that was read: the message, and the paths of unknown keys that were dropped (only with ``unknown="ignore"``)."""

    message: M
    ignored: list[str] = field(default_factory=list)
