"""A contract of its own for the tests: one field per rule, so that each rule is seen alone."""

from __future__ import annotations

from typing import Any, cast

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from fairlead.v1 import common_pb2, options_pb2

FieldProto = descriptor_pb2.FieldDescriptorProto
TEXT, WHOLE, UNSIGNED, REAL = (
    FieldProto.TYPE_STRING,
    FieldProto.TYPE_INT32,
    FieldProto.TYPE_UINT32,
    FieldProto.TYPE_DOUBLE,
)
BOOLEAN, ENUM, MESSAGE = FieldProto.TYPE_BOOL, FieldProto.TYPE_ENUM, FieldProto.TYPE_MESSAGE
PACKAGE = "fairlead.samples"
OPEN = common_pb2.JsonValue.DESCRIPTOR.full_name
LIST = common_pb2.StringList.DESCRIPTOR.full_name

CREATE, REPLACE = options_pb2.MODE_CREATE, options_pb2.MODE_REPLACE
VIRTUAL_CONNECTION, VIRTUAL_MODEL = options_pb2.MODE_VIRTUAL_CONNECTION, options_pb2.MODE_VIRTUAL_MODEL


def field(
    name: str, kind: int, type_name: str = "", *, many: bool = False, bare: bool = False, json: str = "", **rules: Any
) -> Any:
    """A field with its rules; ``many`` repeats it, ``bare`` leaves out presence."""
    made = FieldProto(name=name, type=kind, label=FieldProto.LABEL_REPEATED if many else FieldProto.LABEL_OPTIONAL)  # type: ignore[arg-type]  # numbers of the enum
    if type_name:
        made.type_name = "." + (type_name if "." in type_name else f"{PACKAGE}.{type_name}")
    if json:
        made.json_name = json
    if rules:
        made.options.Extensions[options_pb2.field].CopyFrom(options_pb2.FieldRules(**rules))
    made.proto3_optional = not many and not bare and kind != MESSAGE
    return made


def message(name: str, *fields: Any, bare_list: bool = False) -> descriptor_pb2.DescriptorProto:
    """A message; fields are numbered in the order given."""
    made = descriptor_pb2.DescriptorProto(name=name)
    for number, one in enumerate(fields, 1):
        one.number = number
        if one.proto3_optional:
            one.oneof_index = len(made.oneof_decl)
            made.oneof_decl.add(name=f"_optional_{one.name}")
        made.field.append(one)
    if bare_list:
        made.options.Extensions[options_pb2.message].bare_list = True
    return made


def enum(name: str, *words: tuple[str, ...], exact: bool = False) -> descriptor_pb2.EnumDescriptorProto:
    """An enum whose values are written as the first word of each tuple and read as any of them."""
    made = descriptor_pb2.EnumDescriptorProto(name=name)
    made.value.add(name=f"{name.upper()}_UNSPECIFIED", number=0)
    for number, (word, *aliases) in enumerate(words, 1):
        value = made.value.add(name=f"{name.upper()}_{number}", number=number)
        value.options.Extensions[options_pb2.value].CopyFrom(options_pb2.EnumValueRules(word=word, aliases=aliases))
    if exact:
        made.options.Extensions[options_pb2.enum].exact = True
    return made


def descriptor_of(kind: type[Message]) -> Descriptor:
    """The descriptor of a message class, typed."""
    return cast(Descriptor, kind.DESCRIPTOR)


def build(name: str, *parts: Any) -> dict[str, type[Message]]:
    """The message classes of a file made of ``parts``."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{name}.proto", package=PACKAGE, syntax="proto3")
    file.dependency.append(common_pb2.DESCRIPTOR.name)
    for part in parts:
        (file.enum_type if isinstance(part, descriptor_pb2.EnumDescriptorProto) else file.message_type).append(part)
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return {
        part.name: GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{part.name}"))
        for part in parts
        if isinstance(part, descriptor_pb2.DescriptorProto)
    }


_CLASSES = build(
    "rules",
    enum("Colour", ("red",), ("Dark-Blue", "navy")),
    enum("Exact", ("HTTPImport",), exact=True),
    message(
        "Inner",
        field("name", TEXT, required=[CREATE]),
        field("note", TEXT, keep_null=True),
        field("tags", TEXT, many=True),
        field("password", TEXT, secret=True),
        field("bare", BOOLEAN, bare=True),
        field("self", MESSAGE, "Inner"),
    ),
    message("State", field("page_index", UNSIGNED), field("done", BOOLEAN)),
    message(
        "Sample",
        field("id", TEXT, json="_id", output_only=[CREATE, REPLACE]),
        field("name", TEXT, required=[CREATE], max_length=5),
        field("upper", TEXT, fold=options_pb2.FOLD_UPPER),
        field("lower", TEXT, fold=options_pb2.FOLD_LOWER),
        field("vendor", TEXT, one_of=["acme", "fooBar"]),
        field("date", TEXT, date=True),
        field("kept_date", TEXT, date=True, keep_null=True),
        field("password", TEXT, secret=True),
        field("count", WHOLE, minimum=1, maximum=50),
        field("level", UNSIGNED, minimum=1, maximum=50, lowered=True),
        field("plain", WHOLE),
        field("ratio", REAL),
        field("flag", BOOLEAN),
        field("colour", ENUM, "Colour"),
        field("adaptor", ENUM, "Exact"),
        field("colours", ENUM, "Colour", many=True),
        field("texts", TEXT, many=True, min_items=1),
        field("bodies", TEXT, many=True, object_as_text=True),
        field("body", TEXT, object_as_text=True),
        field("numbers", WHOLE, many=True),
        field("values", MESSAGE, LIST, many=True),
        field("row", MESSAGE, LIST),
        field("inner", MESSAGE, "Inner"),
        field("inners", MESSAGE, "Inner", many=True),
        field("dropped", MESSAGE, "Inner", many=True, drop_empty=True),
        field("any", MESSAGE, OPEN),
        field("kept_any", MESSAGE, OPEN, keep_null=True),
        field("object", MESSAGE, OPEN, json_kind=options_pb2.JSON_KIND_OBJECT),
        field("array", MESSAGE, OPEN, json_kind=options_pb2.JSON_KIND_ARRAY, drop_empty=True),
        field("data", MESSAGE, OPEN, json_kind=options_pb2.JSON_KIND_RECORDS),
        field("scalar", MESSAGE, OPEN, json_kind=options_pb2.JSON_KIND_SCALAR),
        field("text_or_array", MESSAGE, OPEN, json_kind=options_pb2.JSON_KIND_TEXT_OR_ARRAY),
        field("bag", MESSAGE, OPEN, json_kind=options_pb2.JSON_KIND_OBJECT, json_text=True, secret=True),
        field("state", MESSAGE, "State", problems_as="invalid_state"),
        field("mapped", ENUM, "Colour", problems_as="invalid_mapping"),
        field("base_uri", TEXT, json="baseURI", aliases=["baseUri"]),
        field("opens", MESSAGE, OPEN, many=True),
        field("if_match", TEXT, header="If-Match"),
        field("written", TEXT, many=True),
    ),
    message(
        "Request",
        field("connection_id", TEXT, bare=True),
        field("sample", MESSAGE, "Sample"),
        field("operations", MESSAGE, "Inner", many=True),
        field("data", MESSAGE, OPEN, json_kind=options_pb2.JSON_KIND_RECORDS),
    ),
    message(
        "Answer",
        field("etag", TEXT, bare=True, header="ETag"),
        field("sample", MESSAGE, "Sample"),
        field("samples", MESSAGE, "Sample", many=True),
        field("data", MESSAGE, OPEN, json_kind=options_pb2.JSON_KIND_RECORDS, always_printed=True),
        field("data_uris", TEXT, many=True, json="dataURIs", empty_is_null=True, always_printed=True),
        field("code", UNSIGNED, bare=True, always_printed=True),
        field("ignored", BOOLEAN, bare=True, always_printed=True),
        field("list", MESSAGE, LIST, always_printed=True),
    ),
    message(
        "Query",
        field("limit", WHOLE, minimum=1, maximum=1000),
        field("kind", TEXT, many=True, query="_kind"),
        field("colour", ENUM, "Colour"),
        field("since", TEXT, date=True),
        field("deep", BOOLEAN),
        field("any", MESSAGE, OPEN),
    ),
)
Inner, Sample, Request, Answer, Query = (_CLASSES[name] for name in ("Inner", "Sample", "Request", "Answer", "Query"))
