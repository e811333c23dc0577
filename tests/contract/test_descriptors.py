"""The contract keeps its own rules: what buf cannot know about the options of ``fairlead.v1`` (D1 to D5, D20, D21)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, FileDescriptor, MethodDescriptor

from fairlead.v1 import (
    authorization_service_pb2,
    connection_pb2,
    connection_service_pb2,
    edge_service_pb2,
    export_pb2,
    export_service_pb2,
    iclient_pb2,
    iclient_service_pb2,
    import_model_pb2,
    options_pb2,
    token_service_pb2,
)

SERVICES = (
    authorization_service_pb2,
    connection_service_pb2,
    export_service_pb2,
    iclient_service_pb2,
    token_service_pb2,
    edge_service_pb2,
)
MODELS: tuple[Descriptor, ...] = (
    connection_pb2.Connection.DESCRIPTOR,
    export_pb2.Export.DESCRIPTOR,
    import_model_pb2.Import.DESCRIPTOR,
    iclient_pb2.Iclient.DESCRIPTOR,
)
NUMBERS_AS_TEXT = {
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_SINT64,
    FieldDescriptor.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64,
}
CARRYING = {
    options_pb2.MODE_CREATE,
    options_pb2.MODE_REPLACE,
    options_pb2.MODE_VIRTUAL_CONNECTION,
    options_pb2.MODE_VIRTUAL_MODEL,
}


def files() -> list[FileDescriptor]:
    """Every file of the contract that a service reaches."""
    found: dict[str, FileDescriptor] = {}
    waiting: list[FileDescriptor] = [module.DESCRIPTOR for module in SERVICES]
    while waiting:
        file = waiting.pop()
        if file.package == "fairlead.v1" and file.name not in found:
            found[file.name] = file
            waiting.extend(file.dependencies)
    return list(found.values())


FILES = files()
MESSAGES: list[Descriptor] = [message for file in FILES for message in file.message_types_by_name.values()]
ENUMS: list[EnumDescriptor] = [
    enum for file in FILES if not file.name.endswith("/options.proto") for enum in file.enum_types_by_name.values()
]
FIELDS: list[FieldDescriptor] = [
    field for message in MESSAGES if not message.file.name.endswith("/options.proto") for field in message.fields
]
METHODS: list[MethodDescriptor] = [
    method
    for module in SERVICES
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]


def rules(field: FieldDescriptor) -> options_pb2.FieldRules:
    """The options of a field."""
    return field.GetOptions().Extensions[options_pb2.field]


def below(message: Descriptor) -> Iterator[Descriptor]:
    """The message and every message inside it."""
    seen: dict[str, Descriptor] = {}
    waiting = [message]
    while waiting:
        current = waiting.pop()
        if current.full_name not in seen:
            seen[current.full_name] = current
            waiting.extend(field.message_type for field in current.fields if field.message_type is not None)
    return iter(seen.values())


def test_every_proto_file_is_reached() -> None:
    """Each proto file is part of what the services speak; a forgotten one would be checked by nobody."""
    folder = Path(connection_pb2.__file__).parent
    assert {file.name for file in FILES} == {f"fairlead/v1/{path.name}" for path in folder.glob("*.proto")}


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.name)
def test_words_of_an_enum(enum: EnumDescriptor) -> None:
    """The zero value means "not given" and has no word; the others have words that stay different without case (D20)."""
    zero, *others = enum.values
    assert not zero.GetOptions().Extensions[options_pb2.value].word
    assert zero.name.endswith("_UNSPECIFIED")
    words = [
        word.lower()
        for value in others
        for each in [value.GetOptions().Extensions[options_pb2.value]]
        for word in (each.word, *each.aliases)
    ]
    assert all(words)
    assert len(words) == len(set(words))


def test_one_enum_for_each_set_of_words() -> None:
    """No two enums have the same words: one set of words has one name."""
    sets = [frozenset(value.GetOptions().Extensions[options_pb2.value].word for value in enum.values) for enum in ENUMS]
    assert len(sets) == len(set(sets))


def test_secret_fields_are_redacted_in_other_languages() -> None:
    """``secret`` and ``debug_redact`` are the same set of fields (D5)."""
    secret = {field.full_name for field in FIELDS if rules(field).secret}
    redacted = {field.full_name for field in FIELDS if field.GetOptions().debug_redact}
    assert secret == redacted
    assert "fairlead.v1.HttpConnection.encrypted" in secret


def test_numbers_stay_numbers() -> None:
    """proto3 JSON writes 64-bit numbers as text, so there are none (D3)."""
    assert [field.full_name for field in FIELDS if field.type in NUMBERS_AS_TEXT] == []


def test_open_values_are_json_values() -> None:
    """Bytes and maps stand nowhere but in ``JsonValue`` (D1); what it holds is limited only on a ``JsonValue``."""
    wrong = [
        field.full_name
        for field in FIELDS
        if (field.type == FieldDescriptor.TYPE_BYTES and field.full_name != "fairlead.v1.JsonValue.json")
        or (field.message_type is not None and field.message_type.GetOptions().map_entry)
        or (rules(field).json_kind and (field.message_type is None or field.message_type.name != "JsonValue"))
        or (rules(field).json_text and rules(field).json_kind != options_pb2.JSON_KIND_OBJECT)
    ]
    assert wrong == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_documents_know_what_was_given(model: Descriptor) -> None:
    """In a document absent and empty differ (``scheme: ""``), so scalars have presence; only ``_id`` cannot."""
    without = {
        f"{message.name}.{field.json_name}"
        for message in below(model)
        for field in message.fields
        if not field.is_repeated and not field.has_presence
    }
    assert without == {f"{model.name}._id", "JsonValue.json"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_documents_end_in_written_and_start_with_the_envelope(model: Descriptor) -> None:
    """``written`` is the last field (D21); ``_id`` comes first, then ``lastModified`` (contract.md 1.6)."""
    fields = model.fields
    assert (fields[-1].name, fields[-1].number, fields[-1].is_repeated) == ("written", 1000, True)
    assert [field.json_name for field in fields[:3]] == ["_id", "lastModified", "createdAt"]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_locks_and_ids_of_entries_are_known(model: Descriptor) -> None:
    """``cLocked`` is carried at any depth, ``_id`` is ignored in every entry of a list (contract.md 1.9)."""
    inside = [message for message in below(model) if message.name not in ("JsonValue", "StringList", "Queue")]
    assert [message.name for message in inside if "c_locked" not in message.fields_by_name] == []
    entries = {
        field.message_type.name: field.message_type
        for message in inside
        for field in message.fields
        if field.is_repeated and field.message_type in inside
    }
    for name, entry in entries.items():
        written = {field.json_name: rules(field) for field in entry.fields}
        assert set(written["_id"].output_only) == CARRYING, name


def test_modes_of_output_only_and_required() -> None:
    """What the server sets is ignored in every call that carries a document, and is required in none (contract.md 1.9)."""
    for field in FIELDS:
        modes = rules(field)
        if modes.output_only:
            assert set(modes.output_only) == CARRYING, field.full_name
            assert not modes.required, field.full_name
        assert set(modes.required) <= CARRYING, field.full_name


def test_words_are_written_once_per_message() -> None:
    """No REST spelling, alias included, stands for two fields of one message."""
    for message in MESSAGES:
        names = [name for field in message.fields for name in (field.json_name, *rules(field).aliases)]
        assert len(names) == len(set(names)), message.full_name


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_rpc_is_reachable_as_it_says(method: MethodDescriptor) -> None:
    """An rpc has a REST path or is internal; ``{names}`` of the path, ``body`` and ``response_body`` are fields (D2)."""
    http = method.GetOptions().Extensions[annotations_pb2.http]
    if method.GetOptions().Extensions[options_pb2.method].internal:
        assert http.WhichOneof("pattern") is None
        return
    request, response = method.input_type.fields_by_name, method.output_type.fields_by_name
    for rule in (http, *http.additional_bindings):
        path = getattr(rule, rule.WhichOneof("pattern"))
        assert path.startswith("/v1/") or path == "/connection/oauth2callback"  # contract.md 1.1
        assert set(re.findall(r"{(\w+)}", path)) <= set(request)
        assert rule.body in ("", "*", *request)
    assert http.response_body in ("", *response)


def test_calls_that_carry_a_document_name_their_mode() -> None:
    """Mode and body belong together: rules of required and masked fields follow from the mode (D20)."""
    for method in METHODS:
        http = method.GetOptions().Extensions[annotations_pb2.http]
        mode = method.GetOptions().Extensions[options_pb2.method].mode
        assert bool(http.body) == bool(mode), method.name
