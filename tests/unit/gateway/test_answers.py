"""What the edge answers: statuses, headers, lists, errors, gzip (contract.md 1.1, 1.3 to 1.5, 1.11)."""

from __future__ import annotations

import gzip
import ipaddress
import json
import re

import pytest

from fairlead.contract.problems import ContractProblem
from fairlead.gateway.dispatcher import Reply
from fairlead.gateway.errors import Refused
from fairlead.v1 import connection_service_pb2 as pb
from tests.unit.gateway.edge import PlayedService, failure, running

LOCAL = (ipaddress.ip_network("127.0.0.0/8"),)


def listing(count: int, *, more: bool = False) -> PlayedService:
    """A service whose list has that many connections."""
    response = pb.ListConnectionsResponse(more=more)
    for index in range(count):
        response.connections.add(name=f"connection {index}")
    return PlayedService({"ListConnections": lambda _: response})


async def test_success_statuses_and_bodies() -> None:
    """201 with the resource for a create, 204 without body and Content-Type for a delete, the whole message for a ping."""
    created = pb.CreateConnectionResponse(etag='"a-1"')
    created.connection.name = "Shop"
    service = PlayedService(
        {
            "CreateConnection": lambda _: created,
            "DeleteConnection": lambda _: pb.DeleteConnectionResponse(),
            "GetConnection": lambda _: pb.GetConnectionResponse(etag='"a-1"', connection=created.connection),
        }
    )
    async with running(service) as edge:
        body = b'{"type":"http","name":"Shop","http":{"baseURI":"https://x.test","mediaType":"json","formType":"http","auth":{"type":"basic","basic":{"username":"u","password":"p"}}}}'
        answer = await edge.ask("POST", "/v1/connections", data=body)
        assert (answer.status, answer.body) == (201, b'{"name":"Shop"}')
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert answer.headers["ETag"] == '"a-1"'
        gone = await edge.ask("DELETE", "/v1/connections/ab")
        assert (gone.status, gone.body) == (204, b"")
        assert "Content-Type" not in gone.headers
        head = await edge.ask("HEAD", "/v1/connections/ab")
        assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "15")


@pytest.mark.parametrize(
    ("setting", "count", "status", "body"),
    [(200, 0, 200, b"[]"), (204, 0, 204, b""), (204, 1, 200, b'[{"name":"connection 0"}]')],
)
async def test_empty_lists(setting: int, count: int, status: int, body: bytes) -> None:
    """An empty list is 200 with [], or 204 when the operator says so."""
    async with running(listing(count), empty_lists=setting) as edge:
        answer = await edge.ask("GET", "/v1/connections")
        assert (answer.status, answer.body) == (status, body)
        assert ("Content-Type" in answer.headers) == (status == 200)


@pytest.mark.parametrize(
    ("query", "more", "link"),
    [
        ("", False, None),
        ("", True, '<{url}?skip=1000&limit=1000>; rel="next"'),
        ("?limit=10", True, '<{url}?skip=10&limit=10>; rel="next"'),
        (
            "?skip=15&limit=10",
            True,
            '<{url}?skip=25&limit=10>; rel="next", <{url}?skip=5&limit=10>; rel="prev"',
        ),
        ("?skip=5&limit=10", False, '<{url}?skip=0&limit=10>; rel="prev"'),
        ("?name=a%3Eb&name=c&x=%26&limit=2", True, '<{url}?skip=2&limit=2&name=a%3Eb&name=c&x=%26>; rel="next"'),
    ],
)
async def test_link_headers(query: str, more: bool, link: str | None) -> None:
    """next only when there is more, prev only after a skip; other parameters are repeated; no Link when there is neither."""
    async with running(listing(1, more=more)) as edge:
        for slash in ("", "/"):
            answer = await edge.ask("GET", f"/v1/connections{slash}{query}")
            expected = link and link.format(url=f"http://{edge.gateway.address}/v1/connections")
            assert answer.headers.get("Link") == expected


@pytest.mark.parametrize(
    ("trusted", "headers", "origin"),
    [
        ((), {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "api.test"}, "http://{address}"),
        (LOCAL, {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "api.test"}, "https://api.test"),
        (LOCAL, {"X-Forwarded-Proto": "https"}, "https://{address}"),
        (LOCAL, {"X-Forwarded-Proto": "gopher", "X-Forwarded-Host": "a>b"}, "http://{address}"),
        (LOCAL, {"X-Forwarded-Host": "first.test:8443, second.test"}, "http://first.test:8443"),
        ((), {"Host": "shop.test"}, "http://shop.test"),
        ((), {"Host": "a> <b"}, "http://{address}"),
    ],
)
async def test_the_host_of_links(
    trusted: tuple[ipaddress.IPv4Network, ...], headers: dict[str, str], origin: str
) -> None:
    """X-Forwarded-* counts from trusted proxies only, else Host; nothing that is no host gets into a link."""
    async with running(listing(1, more=True), trusted_proxies=trusted) as edge:
        answer = await edge.ask("GET", "/v1/connections", headers=headers)
        assert answer.headers["Link"].startswith(f"<{origin.format(address=edge.gateway.address)}/v1/connections?")


@pytest.mark.parametrize(
    ("trusted", "forwarded", "remote"),
    [
        ((), "1.2.3.4", "127.0.0.1"),
        (LOCAL, "1.2.3.4", "1.2.3.4"),
        (LOCAL, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (LOCAL, "1.2.3.4, 127.0.0.9", "1.2.3.4"),
        (LOCAL, "127.0.0.9", "127.0.0.9"),
        (LOCAL, "nonsense", "127.0.0.1"),
        (LOCAL, "1.2.3.4, nonsense", "127.0.0.1"),
    ],
)
async def test_the_address_of_the_client(
    trusted: tuple[ipaddress.IPv4Network, ...], forwarded: str, remote: str
) -> None:
    """Behind trusted proxies the client is the last address that is none of theirs; a stranger's header means nothing."""
    async with running(listing(0), trusted_proxies=trusted) as edge:
        await edge.ask("GET", "/v1/connections", headers={"X-Forwarded-For": forwarded})
        assert edge.service.calls[0].metadata["fairlead-remote"] == remote


@pytest.mark.parametrize(
    ("given", "taken"),
    [("abc-1", True), ("with blank", True), ("x" * 128, True), ("x" * 129, False), ("\u00e4", False)],
)
async def test_request_ids(given: str, taken: bool) -> None:
    """A printable id of at most 128 characters is the client's; else one is made. The service gets the same."""
    async with running(listing(0)) as edge:
        answer = await edge.ask("GET", "/v1/connections", headers={"X-Request-Id": given})
        assert (answer.headers["X-Request-Id"] == given) == taken
        assert answer.headers["X-Request-Id"] == edge.service.calls[0].metadata["x-request-id"]


async def test_errors_carry_a_request_id_too() -> None:
    """Every answer has one."""
    async with running() as edge:
        answer = await edge.ask("GET", "/v1/none", token=None)
        assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])


@pytest.mark.parametrize(
    ("accepted", "count", "compressed"),
    [
        ("gzip", 200, True),
        ("br;q=1.0, GZIP;q=0.5", 200, True),
        ("gzip;q=0", 200, False),
        ("gzip; q=0.000", 200, False),
        ("br", 200, False),
        ("identity", 200, False),
        ("gzip", 1, False),
        ("gzip", 6000, True),
    ],
)
async def test_gzip_answers(accepted: str, count: int, compressed: bool) -> None:
    """Bodies over 1 KiB are compressed for clients that take gzip, small and large ones alike."""
    async with running(listing(count), decompress=False) as edge:
        answer = await edge.ask("GET", "/v1/connections", headers={"Accept-Encoding": accepted})
        assert answer.headers.get("Content-Encoding") == ("gzip" if compressed else None)
        body = gzip.decompress(answer.body) if compressed else answer.body
        assert len(json.loads(body)) == count
        assert answer.headers.get("Vary") == (None if count == 1 else "Accept-Encoding")


@pytest.mark.parametrize(
    ("status", "code", "retry_after", "header"),
    [
        (400, "invalid_query_params", 0, None),
        (403, "access_restricted", 0, None),
        (404, "not_found", 0, None),
        (412, "precondition_failed", 0, None),
        (422, "resource_in_use", 0, None),
        (429, "rate_limited", 3, "3"),
        (503, "service_unavailable", 0, "1"),
        (500, "internal_error", 0, None),
    ],
)
async def test_errors_of_the_service(status: int, code: str, retry_after: int, header: str | None) -> None:
    """The service's error list is the envelope, its status the status; 429 and 503 say when to try again."""

    def fails(_: object) -> pb.GetConnectionResponse:
        raise failure(status, code, "why", retry_after=retry_after)

    async with running(PlayedService({"GetConnection": fails})) as edge:
        answer = await edge.ask("GET", "/v1/connections/ab")
        assert answer.status == status
        assert answer.errors == [{"code": code, "message": "why"}]
        assert answer.headers.get("Retry-After") == header


async def test_field_and_source_of_errors() -> None:
    """Optional members are there when they are set, and in the order of the contract."""

    def fails(_: object) -> pb.GetConnectionResponse:
        error = failure(422, "500", "it broke")
        error.error_list.errors[0].source = "application"
        error.error_list.errors.add(code="invalid_field", message="no", field="http.method")
        raise error

    async with running(PlayedService({"GetConnection": fails})) as edge:
        answer = await edge.ask("GET", "/v1/connections/ab")
        assert answer.body == (
            b'{"errors":[{"code":"500","message":"it broke","source":"application"},'
            b'{"code":"invalid_field","message":"no","field":"http.method"}]}'
        )


async def test_a_bug_shows_only_the_request_id() -> None:
    """Whatever an unexpected exception says stays inside."""

    def breaks(_: object) -> pb.GetConnectionResponse:
        raise RuntimeError("secret detail")

    async with running(PlayedService({"GetConnection": breaks})) as edge:
        answer = await edge.ask("GET", "/v1/connections/ab", headers={"X-Request-Id": "r-1"})
        assert answer.status == 500
        assert answer.errors == [{"code": "internal_error", "message": "internal error, request id r-1"}]


async def test_headers_of_the_service() -> None:
    """What the service sends with a reply goes on, but for what the edge or gRPC itself sets."""
    sent = [("idempotent-replayed", "true"), ("x-request-id", "other"), ("content-type", "grpc"), ("grpc-x", "1")]
    service = PlayedService({"GetConnection": lambda _: Reply(pb.GetConnectionResponse(), sent)})
    async with running(service) as edge:
        answer = await edge.ask("GET", "/v1/connections/ab", headers={"X-Request-Id": "mine"})
        assert answer.headers["Idempotent-Replayed"] == "true"
        assert answer.headers["X-Request-Id"] == "mine"
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert "grpc-x" not in answer.headers


@pytest.mark.parametrize(
    ("count", "size", "entries", "more"),
    [(100, 10, 100, None), (101, 10, 100, 2), (5000, 10, 100, 4901), (100, 2000, None, None)],
)
def test_the_bounds_of_an_envelope(count: int, size: int, entries: int | None, more: int | None) -> None:
    """At most 100 entries and 48 KiB; the last one counts what was left out."""
    problems = [ContractProblem("unknown_field", "m" * size, "f") for _ in range(min(count, 1000))]
    body = Refused(422, problems, dropped=count - len(problems)).answer().body
    assert body is not None
    assert len(body) <= 48 * 1024
    listed = json.loads(body)["errors"]
    if entries is not None:
        assert len(listed) == entries
    left = int(listed[-1]["message"].split()[1]) if listed[-1]["code"] == "too_many_errors" else 0
    assert len(listed) - bool(left) + left == count
    if more is not None:
        assert left == more


async def test_keys_that_text_cannot_hold() -> None:
    """A half surrogate or nothing at all as a key is told like any other, with a path that can be read."""
    async with running() as edge:
        answer = await edge.ask("POST", "/v1/connections", data=rb'{"type":"http","name":"a","\ud800":1,"":2}')
        assert [error["field"] for error in answer.errors] == ["\ufffd", '""']
