"""What the edge takes as a request (contract.md 1.1, 1.3, 1.15)."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest
from yarl import URL

from fairlead.v1 import connection_service_pb2 as pb
from tests.unit.gateway.edge import ADMIT, TOKEN, PlayedService, running

CONNECTION = b'{"type":"http","name":"Shop","http":{"baseURI":"https://x.test","mediaType":"json","formType":"http","auth":{"type":"basic","basic":{"username":"u","password":"p"}}}}'


def service() -> PlayedService:
    """Answers every call of connections with an empty success."""
    return PlayedService(
        {
            "ListConnections": lambda _: pb.ListConnectionsResponse(),
            "GetConnection": lambda request: pb.GetConnectionResponse(etag=f'"{request.id}"'),
            "UpdateConnection": lambda _: pb.UpdateConnectionResponse(),
            "DeleteConnection": lambda _: pb.DeleteConnectionResponse(),
            "CreateConnection": lambda _: pb.CreateConnectionResponse(),
            "PingConnection": lambda _: pb.PingConnectionResponse(code=200),
            "PingVirtualConnection": lambda _: pb.PingVirtualConnectionResponse(code=200),
        }
    )


@pytest.mark.parametrize(
    ("method", "path", "rpc"),
    [
        ("GET", "/v1/connections", "ListConnections"),
        ("GET", "/v1/connections/", "ListConnections"),
        ("GET", "/v1/connections?", "ListConnections"),
        ("GET", "/v1/connections/ab", "GetConnection"),
        ("HEAD", "/v1/connections/ab", "GetConnection"),
        ("POST", "/v1/connections/ping", "PingVirtualConnection"),
        ("POST", "/v1/connections/ping/", "PingVirtualConnection"),
        ("GET", "/v1/connections/ab/ping", "PingConnection"),
        ("POST", "/v1/connections/ab/ping/", "PingConnection"),
    ],
)
async def test_each_documented_path_calls_its_rpc(method: str, path: str, rpc: str) -> None:
    """One trailing slash is ignored, the literal path wins over the variable, HEAD is answered as GET."""
    async with running(service()) as edge:
        answer = await edge.ask(method, path, data=CONNECTION if rpc == "PingVirtualConnection" else None)
        assert answer.status == 200, answer.body
        assert edge.service.methods() == [rpc]


async def test_a_path_variable_is_decoded_once() -> None:
    """``a%2Fb%20c`` is one segment and reaches the service as ``a/b c``."""
    async with running(service()) as edge:
        url = URL(f"http://{edge.gateway.address}/v1/connections/a%2Fb%20c", encoded=True)
        async with edge.client.get(url, headers=TOKEN) as answer:
            assert answer.status == 200
        assert edge.service.calls[0].request.id == "a/b c"


@pytest.mark.parametrize(
    ("path", "method", "status", "code", "allow"),
    [
        ("/", "GET", 404, "not_found", None),
        ("/v1", "GET", 404, "not_found", None),
        ("/v1/Connections", "GET", 404, "not_found", None),
        ("/v1//connections", "GET", 404, "not_found", None),
        ("/v1/connections//", "GET", 404, "not_found", None),
        ("/v1/connections/ab/none", "GET", 404, "not_found", None),
        ("/v1/connections", "DELETE", 405, "method_not_allowed", "GET, HEAD, POST, OPTIONS"),
        ("/v1/connections/ping", "DELETE", 405, "method_not_allowed", "POST, OPTIONS"),
        ("/v1/connections/ab", "PATCH", 405, "method_not_allowed", "DELETE, GET, HEAD, PUT, OPTIONS"),
        ("/v1/connections/ab/ping", "PUT", 405, "method_not_allowed", "GET, HEAD, POST, OPTIONS"),
        ("/v1/tokenInfo", "POST", 405, "method_not_allowed", "GET, HEAD, OPTIONS"),
    ],
)
async def test_unknown_paths_and_methods(path: str, method: str, status: int, code: str, allow: str | None) -> None:
    """No such route is 404; a route without the method is 405 and says which methods there are."""
    async with running(service()) as edge:
        answer = await edge.ask(method, path)
        assert (answer.status, answer.codes) == (status, [code])
        assert answer.headers.get("Allow") == allow


async def test_options_names_the_methods() -> None:
    """OPTIONS is 204 with Allow, for callers who may ask."""
    async with running(service()) as edge:
        answer = await edge.ask("OPTIONS", "/v1/connections/ab")
        assert (answer.status, answer.body) == (204, b"")
        assert answer.headers["Allow"] == "DELETE, GET, HEAD, PUT, OPTIONS"
        assert (await edge.ask("OPTIONS", "/v1/connections/ab", token=None)).status == 401
        assert (await edge.ask("OPTIONS", "/v1/none")).status == 404


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 201),
        ("Application/JSON; charset=utf-8", 201),
        ("application/vnd.api+json", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/jsonx", 415),
        ("+json", 415),
        ("", 415),
    ],
)
async def test_media_types_of_bodies(media_type: str, status: int) -> None:
    """JSON, or any type that ends with +json; everything else is 415 before the body is looked at."""
    async with running(service()) as edge:
        answer = await edge.ask("POST", "/v1/connections", data=CONNECTION, headers={"Content-Type": media_type})
        assert answer.status == status, answer.body
        if status == 415:
            assert answer.codes == ["unsupported_media_type"]


async def test_a_body_without_content_type_is_json() -> None:
    """No Content-Type means JSON."""
    async with running(service()) as edge:
        answer = await edge.ask("POST", "/v1/connections", data=CONNECTION, skip_auto_headers=["Content-Type"])
        assert answer.status == 201, answer.body


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_content_type_without_a_body_is_ignored(chunked: bool) -> None:
    """Without a body the media type means nothing: the missing fields are the answer, not 415."""

    async def nothing() -> Any:
        return
        yield b""

    async with running(service()) as edge:
        options: dict[str, Any] = {"data": nothing()} if chunked else {}
        answer = await edge.ask("POST", "/v1/connections", headers={"Content-Type": "text/plain"}, **options)
        assert answer.status == 422
        assert set(answer.codes) == {"missing_required_field"}


async def test_a_body_that_is_not_wanted_is_not_looked_at() -> None:
    """POST of a ping ignores its body, whatever it is."""
    async with running(service()) as edge:
        answer = await edge.ask("POST", "/v1/connections/ab/ping", data=b"<xml/>", headers={"Content-Type": "text/xml"})
        assert (answer.status, answer.body) == (200, b'{"code":200}')


@pytest.mark.parametrize(
    "body", [b"{", b"[1,2", b"{} {}", b'{"a":1}x', b"\xff", b'{"a":' + b"[" * 101 + b"]" * 101 + b"}"]
)
async def test_malformed_json_is_400(body: bytes) -> None:
    """What is no single JSON document of at most 100 levels is 400 invalid_json."""
    async with running(service()) as edge:
        answer = await edge.ask("POST", "/v1/connections", data=body)
        assert (answer.status, answer.codes) == (400, ["invalid_json"])


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"'])
async def test_another_kind_of_value_is_422(body: bytes) -> None:
    """JSON that is not the object that is due is invalid_field."""
    async with running(service()) as edge:
        answer = await edge.ask("POST", "/v1/connections", data=body)
        assert (answer.status, answer.codes) == (422, ["invalid_field"])


async def test_all_field_problems_come_at_once() -> None:
    """Unknown keys, wrong types and missing fields are one answer, with the path of each."""
    async with running(service()) as edge:
        answer = await edge.ask("POST", "/v1/connections", data=b'{"type":"http","nam":"x","offline":"maybe"}')
        found = {(error["code"], error.get("field")) for error in answer.errors}
        assert {("unknown_field", "nam"), ("invalid_field", "offline"), ("missing_required_field", "name")} <= found
        assert edge.service.methods() == [ADMIT]


async def test_a_body_does_not_know_what_the_path_says() -> None:
    """With the whole request as body, the fields of the path are unknown keys in it."""
    async with running(service()) as edge:
        body = b'{"export":{"http":{"method":"GET","relativeURI":"/x"}},"connectionId":"other"}'
        answer = await edge.ask("POST", "/v1/connections/ab/export/pages", data=body)
        assert [(error["code"], error["field"]) for error in answer.errors] == [("unknown_field", "connectionId")]


async def test_if_match_reaches_the_request() -> None:
    """Request headers of the contract fill their fields; absent they are not given."""
    async with running(service()) as edge:
        await edge.ask("DELETE", "/v1/connections/ab", headers={"If-Match": '"7"'})
        await edge.ask("DELETE", "/v1/connections/ab")
        first, second = (called.request for called in edge.service.calls)
        assert (first.id, first.if_match) == ("ab", '"7"')
        assert not second.HasField("if_match")


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("size", "status"), [(2000, 400), (2001, 413)])
async def test_the_limit_of_a_body(size: int, status: int, chunked: bool) -> None:
    """A body of exactly the limit is read; one byte more is 413, with and without a length."""

    async def parts() -> Any:
        yield b" " * 1000
        yield b" " * (size - 1000)

    async with running(service(), max_body=2000) as edge:
        body: Any = parts() if chunked else b" " * size
        answer = await edge.ask("POST", "/v1/connections", data=body)
        assert answer.status == (422 if status == 400 else 413), answer.body
        if status == 413:
            assert answer.codes == ["payload_too_large"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(CONNECTION, mtime=0), 201),
        (gzip.compress(CONNECTION[:50], mtime=0) + gzip.compress(CONNECTION[50:], mtime=0), 201),
        (gzip.compress(CONNECTION, mtime=0)[:-4], 400),
        (gzip.compress(CONNECTION, mtime=0) + b"rest", 400),
        (b"no gzip", 400),
        (gzip.compress(b" " * 5000, mtime=0), 422),
        (gzip.compress(b" " * 5001, mtime=0), 413),
        (gzip.compress(b"", mtime=0) * 101, 400),
    ],
)
async def test_gzip_bodies(body: bytes, status: int) -> None:
    """gzip is inflated within the limit; the decompressed size counts; half a stream is malformed."""
    async with running(service(), max_body=5000) as edge:
        answer = await edge.ask("POST", "/v1/connections", data=body, headers={"Content-Encoding": "gzip"})
        assert answer.status == status, answer.body


async def test_other_encodings_are_415() -> None:
    """Only gzip and identity are read."""
    async with running(service()) as edge:
        answer = await edge.ask("POST", "/v1/connections", data=b"x", headers={"Content-Encoding": "br"})
        assert (answer.status, answer.codes) == (415, ["unsupported_media_type"])


async def test_a_body_that_does_not_come_is_given_up() -> None:
    """A pause in the body longer than allowed ends the request with an answer."""
    async with running(service(), body_pause_seconds=0.02) as edge:
        host, _, port = edge.gateway.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"POST /v1/connections HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Length: 100\r\n\r\n{"
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 400 " in head
        writer.close()
        await writer.wait_closed()


async def test_a_large_body_waits_for_an_invitation() -> None:
    """``Expect: 100-continue`` is answered before the body is sent."""
    async with running(service()) as edge:
        answer = await edge.ask("POST", "/v1/connections", data=CONNECTION, expect100=True)
        assert answer.status == 201


async def test_unknown_keys_can_be_ignored() -> None:
    """The operator's switch drops unknown keys and lists them in a header, in printable ASCII."""
    async with running(service(), unknown_fields="ignore") as edge:
        body = CONNECTION[:-1] + ',"extra":1,"na\u00efve\\n":2}'.encode()
        answer = await edge.ask("POST", "/v1/connections", data=body)
        assert answer.status == 201
        assert answer.headers["Fairlead-Ignored-Fields"] == "extra, na%C3%AFve%0A"


@pytest.mark.parametrize(
    "request_head",
    [
        b"BREW /v1/connections HTTP/1.1\r\n\r\n",
        b"GET /v1/connections HTTP/1.1\r\nAuthorization: Bearer secret\x00\r\n\r\n",
        b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_400(request_head: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """The answer is an envelope; nothing of the request is quoted, neither there nor in the log."""
    async with running(service()) as edge:
        host, _, port = edge.gateway.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request_head)
        answer = await reader.read()
        assert b" 400 " in answer.splitlines()[0]
        assert b'{"errors":[{"code":"invalid_json"' in answer
        assert b"X-Request-Id: " in answer
        assert b"secret" not in answer
        assert "secret" not in caplog.text
        writer.close()
        await writer.wait_closed()
