"""No secret in what is logged or told (D5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from fairlead.contract.checker import check
from fairlead.contract.descriptors import field_rules, is_open
from fairlead.contract.problems import ContractError
from fairlead.contract.reader import read
from fairlead.contract.redacted import redacted, secret_paths
from fairlead.v1 import connection_pb2, export_pb2, import_model_pb2, options_pb2
from tests.unit.contract.samples import Sample, descriptor_of

MARKER = "m4rker-of-a-secret"
KINDS = [connection_pb2.Connection, export_pb2.Export, import_model_pb2.Import]


def fill_secrets(message: Any, around: tuple[Descriptor, ...] = ()) -> int:
    """Put the marker into every secret field at any depth; how many there were."""
    count = 0
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field_rules(field).secret:
            count += 1
            if is_open(field):
                value.json = f'{{"key":"{MARKER}"}}'.encode()
            else:
                setattr(message, field.name, MARKER)
        elif field.message_type is not None and not is_open(field) and field.message_type not in around:
            inner = value.add() if field.is_repeated else value
            count += fill_secrets(inner, (*around, message.DESCRIPTOR, field.message_type))
    return count


def messages_below(message: Descriptor, seen: set[Descriptor] | None = None) -> Iterator[Descriptor]:
    """A message type and all types inside it, each once."""
    seen = set() if seen is None else seen
    if message not in seen:
        seen.add(message)
        yield message
        for field in message.fields:
            if field.message_type is not None:
                yield from messages_below(field.message_type, seen)


@pytest.mark.parametrize("mode", options_pb2.Mode.values())
def test_no_secret_of_a_connection_is_shown_or_told(mode: int) -> None:
    """Every secret field holds a marker; it is in the message, and in nothing that is logged or answered about it."""
    connection = connection_pb2.Connection()
    assert fill_secrets(connection) == len(secret_paths(connection_pb2.Connection.DESCRIPTOR))
    assert MARKER.encode() in connection.SerializeToString()
    shown = redacted(connection)
    assert MARKER not in shown
    assert "password=******" in shown
    assert MARKER not in repr(check(connection, mode))


@pytest.mark.parametrize(
    "body",
    [
        '{"password":["%s"]}',
        '{"password":{"x":"%s"}}',
        '{"bag":"%s"}',
        '{"bag":["%s"]}',
        '{"bag":"{\'a\': %s"}',
        '{"inners":[{"password":7,"tags":{"password":"%s"}}]}',
        '{"count":"%s"}',
        '{"password":"%s",}',
        '{"password":"%s"',
    ],
)
def test_a_body_that_is_refused_is_not_quoted(body: str) -> None:
    """Neither the problems nor the exception hold a value of the body."""
    with pytest.raises(ContractError) as caught:
        read((body % MARKER).encode(), Sample, options_pb2.MODE_CREATE)
    assert MARKER not in repr(caught.value.problems) + str(caught.value) + repr(caught.value)


def test_a_log_line_names_fields_and_no_values() -> None:
    """Nested objects are shown, lists by length, ``written`` not at all."""
    sample = Sample(
        name="n", password="p", inner={"password": "q"}, inners=[{}, {}], any={"json": b"1"}, written=["row"]
    )
    assert redacted(sample) == "Sample(name, password=******, inner(password=******), inners[2], any)"


def test_secret_paths_follow_lists_and_stop_at_recursion() -> None:
    """``[]`` marks a list; a type that contains itself is followed once."""
    assert secret_paths(descriptor_of(Sample)) == {
        "password",
        "inner.password",
        "inners[].password",
        "dropped[].password",
        "bag",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_secret_and_debug_redact_mark_the_same_fields(kind: type[Message]) -> None:
    """Other languages honour ``debug_redact``; the two sets are one (D5)."""
    for message in messages_below(descriptor_of(kind)):
        for field in message.fields:
            assert field.GetOptions().debug_redact == field_rules(field).secret, field.full_name
