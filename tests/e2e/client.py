"""One way to write a scenario, several ways to run it: the client port, over REST and over gRPC."""

from __future__ import annotations

import json
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp
import grpc
import grpc.aio
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.rpc import status_pb2

from fairlead.contract.printer import print_json
from fairlead.v1 import common_pb2, connection_service_pb2, options_pb2, token_service_pb2, virtual_run_pb2


class ApiError(Exception):
    """An error answer: REST status and envelope, whichever way it came."""

    def __init__(self, status: int, errors: list[dict[str, Any]]) -> None:
        super().__init__(f"{status} {errors}")
        self.status = status
        self.errors = errors

    @property
    def code(self) -> str:
        """The first code."""
        return str(self.errors[0].get("code"))

    @property
    def fields(self) -> set[str | None]:
        """All fields named."""
        return {error.get("field") for error in self.errors}


class ApiClient(Protocol):
    """What scenarios call; documents and answers are REST JSON."""

    async def create(self, document: Any) -> Any: ...
    async def get(self, id: str) -> Any: ...
    async def list(self, **query: str) -> Any: ...
    async def update(self, id: str, document: Any) -> Any: ...
    async def delete(self, id: str) -> None: ...
    async def ping(self, id: str) -> Any: ...
    async def ping_virtual(self, document: Any) -> Any: ...
    async def run_export(self, id: str, body: Any) -> Any: ...
    async def page(self, id: str, body: Any) -> Any: ...
    async def run_import(self, id: str, body: Any) -> Any: ...
    async def map(self, id: str, body: Any) -> Any: ...
    async def token_info(self) -> Any: ...


class RestClient:
    """Over HTTP."""

    def __init__(self, base: str, token: str) -> None:
        self.base = base
        self.session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"})

    async def close(self) -> None:
        """Close the session."""
        await self.session.close()

    async def raw(self, method: str, path: str, **options: Any) -> tuple[int, Any, bytes]:
        """Status, headers and body of any request."""
        async with self.session.request(method, self.base + path, **options) as answer:
            return answer.status, answer.headers, await answer.read()

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        options = {"json": body} if body is not None else {}
        status, _, content = await self.raw(method, path, **options)
        decoded: Any = json.loads(content) if content else None
        if status >= 400:
            raise ApiError(status, decoded.get("errors", [decoded]))
        return decoded

    async def create(self, document: Any) -> Any:
        return await self._call("POST", "/v1/connections", document)

    async def get(self, id: str) -> Any:
        return await self._call("GET", f"/v1/connections/{id}")

    async def list(self, **query: str) -> Any:
        return await self._call("GET", f"/v1/connections?{urlencode(query)}")

    async def update(self, id: str, document: Any) -> Any:
        return await self._call("PUT", f"/v1/connections/{id}", document)

    async def delete(self, id: str) -> None:
        await self._call("DELETE", f"/v1/connections/{id}")

    async def ping(self, id: str) -> Any:
        return await self._call("GET", f"/v1/connections/{id}/ping")

    async def ping_virtual(self, document: Any) -> Any:
        return await self._call("POST", "/v1/connections/ping", document)

    async def run_export(self, id: str, body: Any) -> Any:
        return await self._call("POST", f"/v1/connections/{id}/export", body)

    async def page(self, id: str, body: Any) -> Any:
        return await self._call("POST", f"/v1/connections/{id}/export/pages", body)

    async def run_import(self, id: str, body: Any) -> Any:
        return await self._call("POST", f"/v1/connections/{id}/import", body)

    async def map(self, id: str, body: Any) -> Any:
        return await self._call("POST", f"/v1/connections/{id}/import/map", body)

    async def token_info(self) -> Any:
        return await self._call("GET", "/v1/tokenInfo")


class GrpcClient:
    """Over a channel, with messages built as any client of the contract builds them."""

    def __init__(self, address: str, token: str) -> None:
        self.channel = grpc.aio.insecure_channel(address)
        self.metadata = (("authorization", f"Bearer {token}"), ("fairlead-error-list", "full"))

    async def close(self) -> None:
        """Close the channel."""
        await self.channel.close(None)

    async def call(self, name: str, request: Message, response: type[Message], **options: Any) -> Any:
        """The response message of ``Service/Method``; raises ``ApiError`` from the rich status."""
        rpc = self.channel.unary_unary(
            f"/fairlead.v1.{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response.FromString,
        )
        try:
            return await rpc(request, metadata=self.metadata, **options)
        except grpc.aio.AioRpcError as error:
            raise api_error(error) from None

    async def _json(self, name: str, request: Message, response: type[Message], part: str | None = None) -> Any:
        message = await self.call(name, request, response)
        return json.loads(print_json(message, field=part))

    async def create(self, document: Any) -> Any:
        request = connection_service_pb2.CreateConnectionRequest()
        fill(request.connection, document)
        response = connection_service_pb2.CreateConnectionResponse
        return await self._json("ConnectionService/CreateConnection", request, response, "connection")

    async def get(self, id: str) -> Any:
        request = connection_service_pb2.GetConnectionRequest(id=id)
        response = connection_service_pb2.GetConnectionResponse
        return await self._json("ConnectionService/GetConnection", request, response, "connection")

    async def list(self, **query: str) -> Any:
        request = connection_service_pb2.ListConnectionsRequest()
        fill(request, query)
        response = connection_service_pb2.ListConnectionsResponse
        return await self._json("ConnectionService/ListConnections", request, response, "connections")

    async def update(self, id: str, document: Any) -> Any:
        request = connection_service_pb2.UpdateConnectionRequest(id=id)
        fill(request.connection, document)
        response = connection_service_pb2.UpdateConnectionResponse
        return await self._json("ConnectionService/UpdateConnection", request, response, "connection")

    async def delete(self, id: str) -> None:
        request = connection_service_pb2.DeleteConnectionRequest(id=id)
        await self.call("ConnectionService/DeleteConnection", request, connection_service_pb2.DeleteConnectionResponse)

    async def ping(self, id: str) -> Any:
        request = connection_service_pb2.PingConnectionRequest(id=id)
        return await self._json(
            "ConnectionService/PingConnection", request, connection_service_pb2.PingConnectionResponse
        )

    async def ping_virtual(self, document: Any) -> Any:
        request = connection_service_pb2.PingVirtualConnectionRequest()
        fill(request.connection, document)
        response = connection_service_pb2.PingVirtualConnectionResponse
        return await self._json("ConnectionService/PingVirtualConnection", request, response)

    async def _virtual(self, name: str, id: str, body: Any, part: str | None = None) -> Any:
        request = getattr(virtual_run_pb2, f"{name}Request")(connection_id=id)
        fill(request, body)
        return await self._json(f"ConnectionService/{name}", request, getattr(virtual_run_pb2, f"{name}Response"), part)

    async def run_export(self, id: str, body: Any) -> Any:
        return await self._virtual("ExecuteExport", id, body)

    async def page(self, id: str, body: Any) -> Any:
        return await self._virtual("ExportPage", id, body)

    async def run_import(self, id: str, body: Any) -> Any:
        return await self._virtual("ExecuteImport", id, body, "results")

    async def map(self, id: str, body: Any) -> Any:
        return await self._virtual("MapRecords", id, body, "data")

    async def token_info(self) -> Any:
        response = token_service_pb2.GetTokenInfoResponse
        return await self._json("TokenService/GetTokenInfo", token_service_pb2.GetTokenInfoRequest(), response)


def api_error(error: grpc.aio.AioRpcError) -> ApiError:
    """The error envelope that travels in the status details."""
    metadata: Any = error.trailing_metadata()  # the stubs do not know that it is a sequence of pairs
    for key, value in metadata or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                listed = common_pb2.ErrorList()
                if detail.Unpack(listed):
                    return ApiError(listed.http_status, [json.loads(print_json(entry)) for entry in listed.errors])
    return ApiError(0, [{"code": str(error.code()), "message": error.details()}])


def fill(message: Message, document: dict[str, Any]) -> None:
    """Fill a message from REST JSON by its descriptor, without any rule of the contract: names, words and raw JSON only."""
    fields = {field.json_name: field for field in message.DESCRIPTOR.fields}
    for name, value in document.items():
        field = fields[name]
        if value is None:
            continue
        if field.is_repeated:
            for item in value if isinstance(value, list) else [value]:
                if field.type == FieldDescriptor.TYPE_MESSAGE:
                    _fill_message(getattr(message, field.name).add(), item)
                else:
                    getattr(message, field.name).append(_scalar(field, item))
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            _fill_message(getattr(message, field.name), value)
        else:
            setattr(message, field.name, _scalar(field, value))


def _fill_message(message: Any, value: Any) -> None:
    message.SetInParent()
    if message.DESCRIPTOR.full_name == "fairlead.v1.JsonValue":
        message.json = json.dumps(value, ensure_ascii=False).encode()
    elif message.DESCRIPTOR.full_name == "fairlead.v1.StringList":
        message.values.extend(value)
    else:
        fill(message, value)


def _scalar(field: Any, value: Any) -> Any:
    if field.type != FieldDescriptor.TYPE_ENUM:
        return value
    for option in field.enum_type.values:
        rules = option.GetOptions().Extensions[options_pb2.value]
        if rules.word.lower() == str(value).lower():
            return option.number
    raise AssertionError(f"{value} is no word of {field.enum_type.name}")
