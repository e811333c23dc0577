"""Who is told what: a refusal of the edge is for callers who may ask (D20, contract.md 1.2, 1.14)."""

from __future__ import annotations

import asyncio

import multidict
import pytest

from fairlead.v1 import connection_service_pb2 as pb
from tests.unit.gateway.edge import ADMIT, PlayedService, failure, running

REFUSED = [
    ("GET", "/v1/none", None, {}),
    ("PATCH", "/v1/connections", None, {}),
    ("POST", "/v1/connections", b"{", {}),
    ("POST", "/v1/connections", b'{"nam":1}', {}),
    ("POST", "/v1/connections", b"x", {"Content-Type": "text/plain"}),
    ("POST", "/v1/connections", b"x" * 3000, {}),
    ("POST", "/v1/connections", b"x", {"Content-Encoding": "br"}),
]


@pytest.mark.parametrize(("method", "path", "body", "headers"), REFUSED)
async def test_without_a_token_every_refusal_is_401(
    method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> None:
    """Authentication is checked before path, method and body; 401 has its own body and names the scheme."""
    async with running(max_body=2000) as edge:
        answer = await edge.ask(method, path, data=body, headers=headers, token=None)
        assert (answer.status, answer.body) == (401, b'{"message":"Unauthorized"}')
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path", "body", "headers"), REFUSED)
async def test_a_refusal_is_counted_once(method: str, path: str, body: bytes | None, headers: dict[str, str]) -> None:
    """A refused request makes exactly one call of Admit, which counts."""
    async with running(max_body=2000) as edge:
        answer = await edge.ask(method, path, data=body, headers=headers)
        assert 400 <= answer.status < 500
        assert answer.status != 401
        (called,) = edge.service.calls
        assert called.method == ADMIT
        assert "fairlead-admit" not in called.metadata


@pytest.mark.parametrize(("method", "path", "body", "headers"), REFUSED)
async def test_an_empty_bucket_wins(method: str, path: str, body: bytes | None, headers: dict[str, str]) -> None:
    """429 comes before what is wrong with the request, with Retry-After."""

    def full(_: object) -> pb.GetConnectionResponse:
        raise failure(429, "rate_limited", "Too many requests. Retry after 2 seconds.", retry_after=2)

    async with running(PlayedService({ADMIT: full}), max_body=2000) as edge:
        answer = await edge.ask(method, path, data=body, headers=headers)
        assert (answer.status, answer.codes) == (429, ["rate_limited"])
        assert answer.headers["Retry-After"] == "2"


async def test_a_request_that_passes_makes_no_extra_call() -> None:
    """Its own rpc authenticates and counts."""
    service = PlayedService({"GetConnection": lambda _: pb.GetConnectionResponse()})
    async with running(service) as edge:
        await edge.ask("GET", "/v1/connections/ab")
        assert service.methods() == ["GetConnection"]


@pytest.mark.parametrize(("size", "checks"), [(64 * 1024, 0), (64 * 1024 + 1, 1)])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_body_is_read_after_a_check(size: int, checks: int, chunked: bool) -> None:
    """Above 64 KiB the token is checked first; the check counts nothing."""

    async def parts() -> object:
        for start in range(0, size, 16384):
            yield b" " * min(16384, size - start)

    async with running() as edge:
        await edge.ask("POST", "/v1/connections", data=parts() if chunked else b" " * size)
        admits = [called.metadata.get("fairlead-admit") for called in edge.service.calls]
        assert admits == ["check"] * checks + [None]


async def test_a_large_body_of_a_stranger_is_not_read() -> None:
    """Without a good token the answer comes before the body, and the check is the only call."""
    async with running() as edge:
        host, _, port = edge.gateway.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"POST /v1/connections HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\nExpect: 100-continue\r\n\r\n"
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 401 ")
        assert [called.metadata.get("fairlead-admit") for called in edge.service.calls] == ["check"]
        writer.close()
        await writer.wait_closed()


async def test_a_store_that_is_away_wins_too() -> None:
    """Who cannot be authenticated is told nothing but that."""

    def away(_: object) -> pb.GetConnectionResponse:
        raise failure(503, "service_unavailable", "the store is away; try again", retry_after=1)

    async with running(PlayedService({ADMIT: away})) as edge:
        answer = await edge.ask("GET", "/v1/none")
        assert (answer.status, answer.codes, answer.headers["Retry-After"]) == (503, ["service_unavailable"], "1")


async def test_what_travels_with_a_call() -> None:
    """Token, request id, client address and route reach the service as metadata; other headers do not."""
    service = PlayedService({"GetConnection": lambda _: pb.GetConnectionResponse()})
    async with running(service) as edge:
        headers = {"X-Request-Id": "my id", "Traceparent": "00-aa-bb-01", "Cookie": "a=b", "fairlead-remote": "6.6.6.6"}
        await edge.ask("GET", "/v1/connections/ab", headers=headers)
        assert service.calls[0].metadata == {
            "authorization": "Bearer good",
            "x-request-id": "my id",
            "fairlead-remote": "127.0.0.1",
            "fairlead-route": "/v1/connections/{id}",
            "traceparent": "00-aa-bb-01",
        }


@pytest.mark.parametrize("tokens", [("Bearer good", "Bearer bad"), ("Bearer bad", "Bearer good")])
async def test_two_tokens_are_none(tokens: tuple[str, str]) -> None:
    """Nobody knows which one is meant: the service sees neither, and other headers as ever (contract.md 1.2)."""
    async with running() as edge:
        headers = multidict.CIMultiDict([("Authorization", token) for token in tokens] + [("Traceparent", "00-aa")])
        async with edge.client.get(f"http://{edge.gateway.address}/v1/connections", headers=headers) as answer:
            assert (answer.status, await answer.read()) == (401, b'{"message":"Unauthorized"}')
        assert "authorization" not in edge.service.calls[0].metadata
        assert edge.service.calls[0].metadata["traceparent"] == "00-aa"


async def test_an_unprintable_token_is_just_wrong() -> None:
    """A token that gRPC metadata cannot hold is sent as one that cannot match."""
    async with running() as edge:
        answer = await edge.ask("GET", "/v1/connections/ab", token="Bearer g\u00f6\u00f6d")
        assert answer.status == 401
        assert edge.service.calls[0].metadata["authorization"].isascii()
