"""A message as the JSON of the REST edge (D2, D3)."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from google.protobuf.message import Message

from fairlead.contract.openvalue import NULL
from fairlead.contract.plain import Form, empty_of, plain, plain_list
from fairlead.contract.plan import Kind, plan_for
from fairlead.contract.scope import NOTHING_WRITTEN, written_in


def _spliced(json: bytes) -> msgspec.Raw:
    return msgspec.Raw(json or NULL)


_PRINTED: Final = Form(_spliced, printed=True)
_encode: Final = msgspec.json.Encoder().encode


def print_json(message: Message, *, field: str | None = None) -> bytes:
    """The JSON of a message, or of the one field (as the proto spells it) that ``response_body`` names.

    Open values are copied byte for byte; header fields are left out. Secrets are printed as they are: masking them is the
    business of who fills the message.
    """
    plan = plan_for(message)
    if field is None:
        return _encode(plain(message, plan, _PRINTED))
    body = plan.by_proto_name[field]
    value: Any = getattr(message, field)
    if body.repeated:
        written = written_in(message, plan, NOTHING_WRITTEN).get(body.json_name, NOTHING_WRITTEN)
        return _encode(plain_list(body, value, _PRINTED, written))
    if body.kind is Kind.OBJECT:
        assert body.message is not None
        return _encode(plain(value, body.message, _PRINTED))
    if body.kind is Kind.OPEN and value.json:
        json: bytes = value.json
        return json
    if body.kind is Kind.OPEN:
        return _encode(empty_of(body))
    raise TypeError(f"{body.json_name} of {message.DESCRIPTOR.full_name} cannot be a response body")
