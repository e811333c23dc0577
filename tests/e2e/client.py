"""One way to write a scenario, several ways to run it: the client port, over REST and over gRPC."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlencode

import aiohttp
import grpc
import grpc.aio
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.rpc import status_pb2

from fairlead.contract.printer import print_json
from fairlead.v1 import (
    authorization_service_pb2,
    common_pb2,
    connection_service_pb2,
    export_service_pb2,
    iclient_service_pb2,
    options_pb2,
    token_service_pb2,
    virtual_run_pb2,
)

_EXPLAIN: Final = "?explain=true"


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


@dataclass(frozen=True)
class Page:
    """What a browser gets."""

    status: int
    location: str
    html: str


class Resource(Protocol):
    """Documents of one kind."""

    async def create(self, document: Any) -> Any: ...
    async def get(self, id: str) -> Any: ...
    async def list(self, **query: str) -> Any: ...
    async def update(self, id: str, document: Any) -> Any: ...
    async def delete(self, id: str) -> None: ...


class ApiClient(Resource, Protocol):
    """What scenarios call; documents and answers are REST JSON. Its own documents are connections."""

    @property
    def iclients(self) -> Resource: ...

    async def ping(self, id: str, *, explain: bool = False) -> Any: ...
    async def ping_virtual(self, document: Any, *, explain: bool = False) -> Any: ...
    async def explain(self, id: str) -> Any: ...
    async def pool(self, id: str) -> Any: ...
    async def run_export(self, id: str, body: Any) -> Any: ...
    async def page(self, id: str, body: Any) -> Any: ...
    async def run_import(self, id: str, body: Any) -> Any: ...
    async def map(self, id: str, body: Any) -> Any: ...
    async def preview(self, body: Any) -> Any: ...
    async def authorize(self, id: str) -> Any: ...
    async def authorization(self, id: str, authorization: str) -> Any: ...
    async def callback(self, **query: str) -> Page: ...
    async def token_info(self) -> Any: ...


class RestResource:
    """Documents of one kind over HTTP."""

    def __init__(self, client: RestClient, path: str) -> None:
        self._client = client
        self._path = path

    async def create(self, document: Any) -> Any:
        return await self._client.call("POST", self._path, document)

    async def get(self, id: str) -> Any:
        return await self._client.call("GET", f"{self._path}/{id}")

    async def list(self, **query: str) -> Any:
        return await self._client.call("GET", f"{self._path}?{urlencode(query)}")

    async def update(self, id: str, document: Any) -> Any:
        return await self._client.call("PUT", f"{self._path}/{id}", document)

    async def delete(self, id: str) -> None:
        await self._client.call("DELETE", f"{self._path}/{id}")


class RestClient(RestResource):
    """Over HTTP."""

    def __init__(self, base: str, token: str, *, seconds: float = 300.0) -> None:
        super().__init__(self, "/v1/connections")
        self.base = base
        self.iclients: Final = RestResource(self, "/v1/iclients")
        timeout = aiohttp.ClientTimeout(total=seconds)
        self.session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}, timeout=timeout)

    async def close(self) -> None:
        """Close the session."""
        await self.session.close()

    async def raw(self, method: str, path: str, **options: Any) -> tuple[int, Any, bytes]:
        """Status, headers and body of any request."""
        async with self.session.request(method, self.base + path, **options) as answer:
            return answer.status, answer.headers, await answer.read()

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer; raises ``ApiError``."""
        options = {"json": body} if body is not None else {}
        status, _, content = await self.raw(method, path, **options)
        decoded: Any = json.loads(content) if content else None
        if status >= 400:
            raise ApiError(status, decoded.get("errors", [decoded]))
        return decoded

    async def ping(self, id: str, *, explain: bool = False) -> Any:
        return await self.call("GET", f"/v1/connections/{id}/ping{_EXPLAIN if explain else ''}")

    async def ping_virtual(self, document: Any, *, explain: bool = False) -> Any:
        return await self.call("POST", f"/v1/connections/ping{_EXPLAIN if explain else ''}", document)

    async def explain(self, id: str) -> Any:
        return await self.call("GET", f"/v1/connections/{id}/explain")

    async def pool(self, id: str) -> Any:
        return await self.call("GET", f"/v1/connections/{id}/pool")

    async def run_export(self, id: str, body: Any) -> Any:
        return await self.call("POST", f"/v1/connections/{id}/export", body)

    async def page(self, id: str, body: Any) -> Any:
        return await self.call("POST", f"/v1/connections/{id}/export/pages", body)

    async def run_import(self, id: str, body: Any) -> Any:
        return await self.call("POST", f"/v1/connections/{id}/import", body)

    async def map(self, id: str, body: Any) -> Any:
        return await self.call("POST", f"/v1/connections/{id}/import/map", body)

    async def preview(self, body: Any) -> Any:
        return await self.call("POST", "/v1/exports/preview", body)

    async def authorize(self, id: str) -> Any:
        return await self.call("GET", f"/v1/connections/{id}/oauth2")

    async def authorization(self, id: str, authorization: str) -> Any:
        return await self.call("GET", f"/v1/connections/{id}/oauth2/{authorization}")

    async def callback(self, **query: str) -> Page:
        async with (
            aiohttp.ClientSession() as browser,
            browser.get(f"{self.base}/connection/oauth2callback", params=query, allow_redirects=False) as answer,
        ):
            return Page(answer.status, answer.headers.get("Location", ""), await answer.text())

    async def token_info(self) -> Any:
        return await self.call("GET", "/v1/tokenInfo")


class GrpcResource:
    """Documents of one kind over a channel; ``messages`` is the module of their service."""

    def __init__(self, client: GrpcClient, noun: str, messages: Any) -> None:
        self._client = client
        self._noun = noun
        self._part = noun.lower()
        self._messages = messages

    async def _run(self, verb: str, request: Message, part: str | None) -> Any:
        noun = self._noun + ("s" if verb == "List" else "")
        response = getattr(self._messages, f"{verb}{noun}Response")
        return await self._client.json(f"{self._noun}Service/{verb}{noun}", request, response, part)

    async def create(self, document: Any) -> Any:
        request = getattr(self._messages, f"Create{self._noun}Request")()
        fill(getattr(request, self._part), document)
        return await self._run("Create", request, self._part)

    async def get(self, id: str) -> Any:
        return await self._run("Get", getattr(self._messages, f"Get{self._noun}Request")(id=id), self._part)

    async def list(self, **query: str) -> Any:
        request = getattr(self._messages, f"List{self._noun}sRequest")()
        fill(request, query)
        return await self._run("List", request, f"{self._part}s")

    async def update(self, id: str, document: Any) -> Any:
        request = getattr(self._messages, f"Update{self._noun}Request")(id=id)
        fill(getattr(request, self._part), document)
        return await self._run("Update", request, self._part)

    async def delete(self, id: str) -> None:
        await self._run("Delete", getattr(self._messages, f"Delete{self._noun}Request")(id=id), None)


class GrpcClient(GrpcResource):
    """Over a channel, with messages built as any client of the contract builds them."""

    def __init__(self, address: str, token: str) -> None:
        super().__init__(self, "Connection", connection_service_pb2)
        self.iclients: Final = GrpcResource(self, "Iclient", iclient_service_pb2)
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

    async def json(self, name: str, request: Message, response: type[Message], part: str | None = None) -> Any:
        """The answer, or a part of it, as REST JSON."""
        message = await self.call(name, request, response)
        return json.loads(print_json(message, field=part))

    async def ping(self, id: str, *, explain: bool = False) -> Any:
        request = connection_service_pb2.PingConnectionRequest(id=id, explain=explain)
        return await self.json(
            "ConnectionService/PingConnection", request, connection_service_pb2.PingConnectionResponse
        )

    async def explain(self, id: str) -> Any:
        request = connection_service_pb2.ExplainConnectionRequest(id=id)
        response = connection_service_pb2.ExplainConnectionResponse
        return await self.json("ConnectionService/ExplainConnection", request, response)

    async def pool(self, id: str) -> Any:
        request = connection_service_pb2.GetConnectionPoolRequest(id=id)
        response = connection_service_pb2.GetConnectionPoolResponse
        return await self.json("ConnectionService/GetConnectionPool", request, response, "pool")

    async def ping_virtual(self, document: Any, *, explain: bool = False) -> Any:
        request = connection_service_pb2.PingVirtualConnectionRequest(explain=explain)
        fill(request.connection, document)
        response = connection_service_pb2.PingVirtualConnectionResponse
        return await self.json("ConnectionService/PingVirtualConnection", request, response)

    async def _virtual(self, name: str, id: str, body: Any, part: str | None = None) -> Any:
        request = getattr(virtual_run_pb2, f"{name}Request")(connection_id=id)
        fill(request, body)
        return await self.json(f"ConnectionService/{name}", request, getattr(virtual_run_pb2, f"{name}Response"), part)

    async def run_export(self, id: str, body: Any) -> Any:
        return await self._virtual("ExecuteExport", id, body)

    async def page(self, id: str, body: Any) -> Any:
        return await self._virtual("ExportPage", id, body)

    async def run_import(self, id: str, body: Any) -> Any:
        return await self._virtual("ExecuteImport", id, body, "results")

    async def map(self, id: str, body: Any) -> Any:
        return await self._virtual("MapRecords", id, body, "data")

    async def preview(self, body: Any) -> Any:
        request = export_service_pb2.PreviewExportRequest()
        beside = {name: body[name] for name in ("postData", "data") if name in body}
        fill(request, {"export": {name: value for name, value in body.items() if name not in beside}, **beside})
        return await self.json("ExportService/PreviewExport", request, export_service_pb2.PreviewExportResponse)

    async def authorize(self, id: str) -> Any:
        request = authorization_service_pb2.StartAuthorizationRequest(id=id)
        response = authorization_service_pb2.StartAuthorizationResponse
        return await self.json("AuthorizationService/StartAuthorization", request, response)

    async def authorization(self, id: str, authorization: str) -> Any:
        request = authorization_service_pb2.GetAuthorizationRequest(connection_id=id, id=authorization)
        response = authorization_service_pb2.GetAuthorizationResponse
        return await self.json("AuthorizationService/GetAuthorization", request, response)

    async def callback(self, **query: str) -> Page:
        known = authorization_service_pb2.FinishAuthorizationRequest.DESCRIPTOR.fields_by_name
        given = {name: value for name, value in query.items() if name in known}
        request = authorization_service_pb2.FinishAuthorizationRequest(**given)
        response = authorization_service_pb2.FinishAuthorizationResponse
        rpc = self.channel.unary_unary(
            "/fairlead.v1.AuthorizationService/FinishAuthorization",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response.FromString,
        )
        page = await rpc(request)
        return Page(page.status, page.location, page.html)

    async def token_info(self) -> Any:
        response = token_service_pb2.GetTokenInfoResponse
        return await self.json("TokenService/GetTokenInfo", token_service_pb2.GetTokenInfoRequest(), response)


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
