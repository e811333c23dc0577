"""The only printer of messages for logs: which fields are set, never what they hold (D5)."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from fairlead.contract.descriptors import field_rules, is_open
from fairlead.contract.plan import WRITTEN
from fairlead.contract.rules import MASK


def redacted(message: Message) -> str:
    """The names of the set fields: ``Connection(type, name, http(auth(basic(username, password=******))))``.

    Values are not shown, not even those of other fields: addresses, templates and records carry secrets too. Lists show
    how many elements they have.
    """
    return f"{message.DESCRIPTOR.name}({_members(message)})"


def secret_paths(message: Descriptor) -> frozenset[str]:
    """The paths of all secret fields of a message type, ``[]`` after the name of a list: ``http.auth.basic.password``.

    A type that contains itself is followed once.
    """
    return frozenset(_secrets(message, "", ()))


def _members(message: Message) -> str:
    shown = []
    for field, value in message.ListFields():
        name = field.json_name
        if name == WRITTEN:
            continue
        if field_rules(field).secret:
            shown.append(f"{name}={MASK}")
        elif field.is_repeated:
            shown.append(f"{name}[{len(value)}]")
        elif field.message_type is None or is_open(field):
            shown.append(name)
        else:
            shown.append(f"{name}({_members(value)})")
    return ", ".join(shown)


def _secrets(message: Descriptor, start: str, around: tuple[Descriptor, ...]) -> Iterator[str]:
    for field in message.fields:
        path = start + field.json_name + ("[]" if field.is_repeated else "")
        if field_rules(field).secret:
            yield path
        elif field.message_type is not None and field.message_type not in (*around, message):
            yield from _secrets(field.message_type, f"{path}.", (*around, message))
