"""The real contract: published documents go in and come back (contract.md 1.9, 1.10)."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest
from google.protobuf.message import Message

from fairlead.contract.checker import check
from fairlead.contract.plan import plan_of
from fairlead.contract.printer import print_json
from fairlead.contract.reader import read
from fairlead.contract.tree import from_tree, to_tree
from fairlead.v1 import connection_pb2, options_pb2
from tests.unit.contract.samples import descriptor_of

CONNECTION = {
    "_id": "5f0000000000000000000001",
    "lastModified": "2026-01-31T12:00:00.000Z",
    "type": "HTTP",
    "name": "Orders",
    "http": {
        "baseURI": "https://api.example.test/v2/",
        "mediaType": "json",
        "headers": [{"name": "Accept", "value": "application/json"}, {"name": "X-Version", "value": "3"}],
        "auth": {
            "type": "token",
            "failStatusCode": "401",
            "failValues": [200, True],
            "token": {"token": "******", "location": "header", "headerName": "Authorization", "refreshMethod": "post"},
        },
        "ping": {"relativeURI": None, "method": "get", "successValues": "true"},
        "rateLimit": {"failStatusCode": None},
        "concurrencyLevel": 90,
        "encrypted": "******",
        "unencrypted": "{'accountId': 5765432, 'role': 'admin'}",
    },
    "queues": [{"name": "5f0000000000000000000001", "size": 8}],
}

PRINTED = {
    "type": "http",
    "name": "Orders",
    "http": {
        "baseURI": "https://api.example.test/v2/",
        "mediaType": "json",
        "headers": [{"name": "Accept", "value": "application/json"}, {"name": "X-Version", "value": "3"}],
        "auth": {
            "type": "token",
            "failStatusCode": 401,
            "failValues": ["200", "true"],
            "token": {"token": "******", "location": "header", "headerName": "Authorization", "refreshMethod": "POST"},
        },
        "ping": {"relativeURI": None, "method": "GET", "successValues": ["true"]},
        "concurrencyLevel": 50,
        "encrypted": "******",
        "unencrypted": {"accountId": 5765432, "role": "admin"},
    },
}


def test_a_connection_goes_through_message_and_tree_and_back_to_json() -> None:
    """Read, checked, stored as a tree, read again, printed: what was sent, in the form of the contract."""
    message = read(json.dumps(CONNECTION).encode(), connection_pb2.Connection, options_pb2.MODE_REPLACE).message
    assert check(message, options_pb2.MODE_REPLACE) == []
    again = from_tree(to_tree(message, lambda secret: secret), connection_pb2.Connection)
    assert again == message
    assert json.loads(print_json(again)) == PRINTED


@pytest.mark.parametrize(
    "module",
    ["connection", "export", "import_model", "virtual_run", "connection_service", "token_service", "edge_service"],
)
def test_every_message_of_the_contract_compiles(module: str) -> None:
    """No message that REST could not carry."""
    messages: dict[str, Any] = importlib.import_module(f"fairlead.v1.{module}_pb2").DESCRIPTOR.message_types_by_name
    for descriptor in messages.values():
        plan_of(descriptor)


def all_nulls(kind: type[Message]) -> str:
    """A document whose every member is null."""
    return json.dumps(dict.fromkeys(plan_of(descriptor_of(kind)).names))


def test_a_document_of_nulls_is_an_empty_one() -> None:
    """Null members are dropped whatever their kind (contract.md 1.10)."""
    kind = connection_pb2.Connection
    assert read(all_nulls(kind).encode(), kind, options_pb2.MODE_UNSPECIFIED).message == kind()
