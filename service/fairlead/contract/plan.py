"""A descriptor compiled once into what reading, checking and printing need per field (the per-request cost is here)."""

from __future__ import annotations

from typing import Final, cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from fairlead.contract.descriptors import enum_rules, field_rules, is_open, message_class, message_rules, value_rules
from fairlead.v1 import options_pb2

WRITTEN: Final = "written"
"""Field of a stored message that lists its nulls, empty lists and empty objects (D21); never part of the JSON."""


class Kind:
    """How a field's value, or each element of a repeated one, is written in JSON.

    Plain constants: looking up an ``enum.Enum`` member costs 0.12 microseconds, several times per field of every request.
    """

    TEXT: Final = "text"
    WHOLE: Final = "whole number"
    REAL: Final = "number"
    BOOLEAN: Final = "boolean"
    WORD: Final = "word of an enum"
    OPEN: Final = "any JSON"
    ROW: Final = "list inside a list"
    OBJECT: Final = "object"


_KINDS: Final = {
    FieldDescriptor.TYPE_STRING: Kind.TEXT,
    FieldDescriptor.TYPE_INT32: Kind.WHOLE,
    FieldDescriptor.TYPE_SINT32: Kind.WHOLE,
    FieldDescriptor.TYPE_UINT32: Kind.WHOLE,
    FieldDescriptor.TYPE_DOUBLE: Kind.REAL,
    FieldDescriptor.TYPE_FLOAT: Kind.REAL,
    FieldDescriptor.TYPE_BOOL: Kind.BOOLEAN,
    FieldDescriptor.TYPE_ENUM: Kind.WORD,
}

_BOUNDS: Final = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SINT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
}


class WordPlan:
    """The words of one enum: ``number_of`` reads (folded unless ``exact``), ``word_of`` prints, ``allowed`` is for messages."""

    __slots__ = ("_numbers", "allowed", "exact", "word_of")

    def __init__(self, enum: EnumDescriptor) -> None:
        self.exact: Final = enum_rules(enum).exact
        self.word_of: Final[dict[int, str]] = {}
        self._numbers: Final[dict[str, int]] = {}
        for value in enum.values:
            rules = value_rules(value)
            if not rules.word:
                continue
            self.word_of[value.number] = rules.word
            for word in (rules.word, *rules.aliases):
                self._numbers[word if self.exact else word.lower()] = value.number
        self.allowed: Final = ", ".join(self.word_of.values())

    def number_of(self, word: str) -> int | None:
        """The number of a REST word, ``None`` when it is none of ours."""
        return self._numbers.get(word if self.exact else word.lower())


class FieldPlan:
    """One field: names, kind and rules, ready for look-up without touching the descriptor again.

    ``judged``: its values have rules of their own. ``is_free``: a single scalar of which only ``required`` speaks, so that every
    value of its type is right and is printed as it is; most fields are, and take the short way.
    """

    __slots__ = (
        "aliases",
        "always_printed",
        "beside_body",
        "date",
        "drop_empty",
        "empty_is_null",
        "fold",
        "has_presence",
        "header",
        "is_free",
        "is_free_text",
        "is_whole",
        "json_kind",
        "json_name",
        "json_text",
        "judged",
        "keep_null",
        "kind",
        "lowered",
        "max_length",
        "maximum",
        "message",
        "min_items",
        "minimum",
        "name",
        "number",
        "object_as_text",
        "one_of",
        "output_only",
        "problems_as",
        "query",
        "repeated",
        "required",
        "secret",
        "words",
    )

    def __init__(self, field: FieldDescriptor) -> None:
        rules = field_rules(field)
        self.name: Final = field.name
        self.number: Final = field.number
        self.json_name: Final = field.json_name
        self.aliases: Final = tuple(rules.aliases)
        self.query: Final = rules.query or field.json_name
        self.repeated: Final = field.is_repeated
        self.has_presence: Final = field.has_presence
        self.kind: Final = _kind(field)
        self.is_whole: Final = self.kind in (Kind.OBJECT, Kind.ROW, Kind.OPEN)
        self.words: Final = None if field.enum_type is None else word_plan(field.enum_type)
        self.message: Final = (
            None if field.message_type is None or self.kind is Kind.OPEN else plan_of(field.message_type)
        )
        self.required: Final = frozenset(rules.required)
        self.output_only: Final = frozenset(rules.output_only)
        self.secret: Final = rules.secret
        self.json_kind: Final = rules.json_kind
        self.json_text: Final = rules.json_text
        bounds = _BOUNDS.get(field.type, (None, None))
        self.minimum: Final[float | None] = rules.minimum if rules.HasField("minimum") else bounds[0]
        self.maximum: Final[float | None] = rules.maximum if rules.HasField("maximum") else bounds[1]
        self.lowered: Final = rules.lowered
        self.max_length: Final = rules.max_length
        self.fold: Final = rules.fold
        self.header: Final = rules.header
        self.problems_as: Final = rules.problems_as
        self.keep_null: Final = rules.keep_null
        self.drop_empty: Final = rules.drop_empty
        self.always_printed: Final = rules.always_printed
        self.object_as_text: Final = rules.object_as_text
        self.empty_is_null: Final = rules.empty_is_null
        self.date: Final = rules.date
        self.min_items: Final = rules.min_items
        self.beside_body: Final = rules.beside_body
        self.one_of: Final = {word.lower(): word for word in rules.one_of}
        self.judged: Final = self.kind in (Kind.WHOLE, Kind.REAL) or bool(
            self.secret or self.max_length or self.fold or self.date or self.one_of
        )
        self.is_free: Final = not (
            self.repeated or self.is_whole or self.judged or self.problems_as or self.kind is Kind.WORD
        )
        self.is_free_text: Final = self.is_free and self.kind is Kind.TEXT and not self.required


class MessagePlan:
    """One message: its fields in the order of the contract, and by descriptor, proto name and REST spelling.

    ``by_name`` knows the members of the JSON; fields that travel as a header are none.
    """

    __slots__ = (
        "always_printed",
        "by_field",
        "by_name",
        "by_proto_name",
        "fields",
        "in_order",
        "is_row",
        "message_class",
        "position",
        "required",
        "written",
    )

    def __init__(self, message: Descriptor) -> None:
        self.message_class: Final[type[Message]] = message_class(message)
        self.is_row: Final = message_rules(message).bare_list
        self.written = False
        self.fields: tuple[FieldPlan, ...] = ()
        self.by_field: Final[dict[FieldDescriptor, FieldPlan]] = {}
        self.by_name: Final[dict[str, FieldPlan]] = {}
        self.by_proto_name: Final[dict[str, FieldPlan]] = {}
        self.position: Final[dict[FieldDescriptor, int]] = {}
        self.required: Final[dict[int, tuple[FieldPlan, ...]]] = {}
        self.always_printed: tuple[FieldPlan, ...] = ()
        self.in_order = True

    def fill(self, message: Descriptor) -> None:
        """Compile the fields; apart from ``__init__`` because a message may contain itself."""
        declared = [field for field in message.fields if field.name != WRITTEN]
        self.written = len(declared) < len(message.fields)
        self.fields = tuple(FieldPlan(field) for field in declared)
        if self.is_row and not (len(self.fields) == 1 and self.fields[0].repeated):
            raise TypeError(f"{message.full_name} is a bare list and must have one repeated field")
        for place, (field, plan) in enumerate(zip(declared, self.fields, strict=True)):
            self.by_field[field] = plan
            self.by_proto_name[plan.name] = plan
            self.position[field] = place
            for name in () if plan.header else (plan.json_name, *plan.aliases):
                if self.by_name.setdefault(name, plan) is not plan:
                    raise TypeError(f"{message.full_name} has two fields that are written {name}")
        for mode in options_pb2.Mode.values():
            self.required[mode] = tuple(plan for plan in self.fields if mode in plan.required)
        self.always_printed = tuple(plan for plan in self.fields if plan.always_printed and not plan.header)
        numbers = [plan.number for plan in self.fields]
        self.in_order = numbers == sorted(numbers)

    @property
    def names(self) -> tuple[str, ...]:
        """The REST names of the members, in the order of the contract."""
        return tuple(plan.json_name for plan in self.fields if not plan.header)


_plans: Final[dict[Descriptor, MessagePlan]] = {}
_word_plans: Final[dict[EnumDescriptor, WordPlan]] = {}


def plan_of(message: Descriptor) -> MessagePlan:
    """The plan of a message, compiled at the first call.

    Raises ``TypeError`` for a contract that REST cannot carry: 64-bit numbers (D3), bytes outside ``JsonValue``, maps.
    """
    plan = _plans.get(message)
    if plan is None:
        plan = _plans[message] = MessagePlan(message)
        try:
            plan.fill(message)
        except TypeError:
            del _plans[message]
            raise
    return plan


def plan_for(message: Message) -> MessagePlan:
    """The plan of a message's type."""
    return plan_of(cast(Descriptor, message.DESCRIPTOR))


def word_plan(enum: EnumDescriptor) -> WordPlan:
    """The words of an enum, compiled at the first call."""
    plan = _word_plans.get(enum)
    if plan is None:
        plan = _word_plans[enum] = WordPlan(enum)
    return plan


def _kind(field: FieldDescriptor) -> str:
    if field.message_type is not None:
        if field.message_type.GetOptions().map_entry:
            raise TypeError(f"{field.full_name} is a map; REST objects with free keys are JsonValue (D1)")
        if is_open(field):
            return Kind.OPEN
        return Kind.ROW if message_rules(field.message_type).bare_list else Kind.OBJECT
    kind = _KINDS.get(field.type)
    if kind is None:
        raise TypeError(
            f"{field.full_name} has a type that REST cannot carry (D3: numbers are 32-bit, open values JsonValue)"
        )
    return kind
