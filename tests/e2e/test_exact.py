"""Byte by byte: what an application or a client wrote comes back as it was, through every edge."""

from __future__ import annotations

import json

import msgspec
import pytest

from fairlead.v1 import virtual_run_pb2
from tests.e2e.application import EXACT
from tests.e2e.client import GrpcClient, RestClient, fill
from tests.e2e.conftest import Served
from tests.e2e.test_connections import http

RECORDS = msgspec.json.decode(EXACT, type=dict[str, msgspec.Raw])["orders"]
BODY = {"export": {"http": {"relativeURI": "/exact", "response": {"resourcePath": "orders"}}}}
RECORD = (
    b'{"big":9007199254740993,"price":140891.90,"z":1,"a":"\\u00e9","e":1e2,"huge":1E400,"deep":{"y":-0.0,"b":[1.10]}}'
)


@pytest.mark.parametrize("path", ["export", "export/pages"])
async def test_exported_records_are_verbatim_over_rest(edge: RestClient, application: Served, path: str) -> None:
    """D1: 9007199254740993, 140891.90, 1E400, key order and escapes are those of the application."""
    id = (await edge.create(http(application)))["_id"]
    status, _, content = await edge.raw("POST", f"/v1/connections/{id}/{path}", json=BODY)
    assert status == 200
    assert bytes(msgspec.json.decode(content, type=dict[str, msgspec.Raw])["data"]) == bytes(RECORDS)


async def test_exported_records_are_verbatim_over_grpc(channel: GrpcClient, application: Served) -> None:
    """D1, the same over gRPC."""
    id = (await channel.create(http(application)))["_id"]
    request = virtual_run_pb2.ExecuteExportRequest(connection_id=id)
    fill(request, BODY)
    answer = await channel.call("ConnectionService/ExecuteExport", request, virtual_run_pb2.ExecuteExportResponse)
    assert answer.data.json == bytes(RECORDS)


async def test_imported_records_and_json_are_verbatim(edge: RestClient, application: Served) -> None:
    """Without a mapping the application gets the record's own bytes; with one, digits survive; `_json` is the answer's own text."""
    id = (await edge.create(http(application)))["_id"]
    model = b'{"http":{"relativeURI":["/echo"],"method":["POST"]}}'
    mapping = b',"mapping":{"fields":[{"extract":"price","generate":"p"},{"extract":"big","generate":"b"},{"extract":"deep","generate":"d"}]}}'
    for sent, expected in (
        (model, RECORD),
        (model[:-1] + mapping, b'{"p":140891.90,"b":9007199254740993,"d":{"y":-0.0,"b":[1.10]}}'),
    ):
        body = b'{"import":' + sent + b',"data":[' + RECORD + b"]}"
        headers = {"Content-Type": "application/json"}
        status, _, content = await edge.raw("POST", f"/v1/connections/{id}/import", data=body, headers=headers)
        assert status == 200
        assert json.loads(content)[0]["_json"]["body"].encode() == expected
    model = b'{"http":{"relativeURI":["/exact"],"method":["POST"]}}'
    body = b'{"import":' + model + b',"data":[{}]}'
    status, _, content = await edge.raw("POST", f"/v1/connections/{id}/import", data=body, headers=headers)
    assert b'"_json":' + EXACT in content


async def test_open_values_of_a_document_are_verbatim(edge: RestClient, application: Served) -> None:
    """contract.md 1.6: numbers and key order of `settings` and `unencrypted` are those of the writer."""
    document = json.dumps(http(application)).encode()
    document = document[:-1] + b',"settings":' + RECORD + b"}"
    headers = {"Content-Type": "application/json"}
    status, _, content = await edge.raw("POST", "/v1/connections", data=document, headers=headers)
    assert status == 201
    id = json.loads(content)["_id"]
    status, _, content = await edge.raw("GET", f"/v1/connections/{id}")
    assert b'"settings":' + RECORD in content
