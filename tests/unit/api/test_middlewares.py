"""What happens around every call: one log line, samples, domain errors only, the field rules for gRPC."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google.protobuf.message import Message
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from fairlead.api.call import Call, Handler, chain
from fairlead.api.connections import ConnectionServicer
from fairlead.api.methods import methods_of
from fairlead.api.metrics import Metrics
from fairlead.api.middlewares import CLIENT_GONE, field_rules, observed
from fairlead.contract.services import services
from fairlead.domain.document import AccountId
from fairlead.domain.errors import InternalError, InvalidContent, NotFound, Problem, not_found
from fairlead.engine.tokens import Identity
from fairlead.v1 import common_pb2, connection_pb2
from fairlead.v1 import connection_service_pb2 as pb

GET = "/fairlead.v1.ConnectionService/GetConnection"
CREATE = "/fairlead.v1.ConnectionService/CreateConnection"
MARKER = "mArK3r-secret"


def a_call(method: str = GET, **more: Any) -> Call:
    """As admission leaves it."""
    identity = Identity(AccountId("a" * 24), "b" * 24, "c" * 24, "*")
    return Call(method, {"authorization": f"Bearer {MARKER}", "fairlead-route": "/v1/x"}, "1.2.3.4", request_id="r-1", identity=identity, **more)  # fmt: skip


class Seen:
    """What logs and metrics say after one call."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)
        self.logs: list[Any] = []

    async def run(self, outcome: BaseException | None, call: Call | None = None) -> BaseException | None:
        """Observe a call that ends like this; what came out of it."""
        with capture_logs() as self.logs:
            try:
                async with observed(call or a_call(), self.metrics):
                    if outcome is not None:
                        raise outcome
            except BaseException as error:
                return error
        return None

    def count(self, name: str, **labels: str) -> float | None:
        """One sample."""
        return self.registry.get_sample_value(name, labels)


OUTCOMES: list[tuple[BaseException | None, int, type[BaseException] | None]] = [
    (None, 200, None),
    (not_found("connection"), 404, NotFound),
    (ValueError(MARKER), 500, InternalError),
    (asyncio.CancelledError(), CLIENT_GONE, asyncio.CancelledError),
]


@pytest.mark.parametrize(("outcome", "status", "kind"), OUTCOMES)
async def test_one_line_and_one_set_of_samples_a_call(
    outcome: BaseException | None, status: int, kind: type[BaseException] | None
) -> None:
    """Request id, account, route, status, duration, upstream calls; every exception leaves as a domain error."""
    seen = Seen()
    call = a_call()
    call.stats.calls, call.stats.seconds = 3, 0.5
    raised = await seen.run(outcome, call)
    assert type(raised) is (kind or type(None))
    (line,) = [entry for entry in seen.logs if entry["event"] == "call"]
    assert {name: line[name] for name in ("request_id", "account", "route", "status", "upstream_calls")} == {
        "request_id": "r-1",
        "account": "a" * 24,
        "route": "/v1/x",
        "status": status,
        "upstream_calls": 3,
    }
    assert line["upstream_ms"] == 500
    assert seen.count("fairlead_calls_total", method=GET, status=str(status)) == 1
    assert seen.count("fairlead_call_seconds_count", method=GET) == 1
    assert seen.count("fairlead_upstream_requests_total", method=GET) == 3
    assert MARKER not in repr(seen.logs)


async def test_a_bug_is_logged_with_its_place_and_without_its_text() -> None:
    """contract.md 1.4, 1.7: the answer has the request id only; the log has type and place."""
    seen = Seen()
    raised = await seen.run(ValueError(MARKER))
    assert isinstance(raised, InternalError)
    assert raised.problems == (Problem("internal_error", "internal error, request id r-1"),)
    assert raised.__cause__ is None
    assert raised.__suppress_context__
    (bug,) = [entry for entry in seen.logs if entry["event"] == "bug"]
    assert (bug["type"], bug["log_level"]) == ("ValueError", "error")
    assert any("run" in place for place in bug["where"])
    assert MARKER not in repr(bug)


async def test_a_call_without_identity_is_logged_too() -> None:
    """A refused call has no account."""
    seen = Seen()
    await seen.run(None, Call(GET, {}, "1.2.3.4"))
    assert (seen.logs[0]["account"], seen.logs[0]["route"]) == (None, None)
    assert seen.count("fairlead_upstream_requests_total", method=GET) is None


# -- field rules ----------------------------------------------------------------------------------------------------------

SERVICE = next(service for service in services() if service.name == "ConnectionService")
METHODS = {m.name: m for m in methods_of(SERVICE, ConnectionServicer(*[None] * 7))}  # type: ignore[arg-type]  # nothing is called


async def judged(request: Message, *, in_process: bool = False) -> Message:
    """The request as the servicer gets it."""

    async def servicer(call: Call, request: Any) -> Message:
        return request  # type: ignore[no-any-return]  # the request itself is the answer of this test

    return await chain([field_rules(METHODS)], servicer)(a_call(CREATE, in_process=in_process), request)


def request(**members: Any) -> pb.CreateConnectionRequest:
    """A connection over gRPC."""
    connection = connection_pb2.Connection(**{"type": 1, "name": "n", **members})
    return pb.CreateConnectionRequest(connection=connection)


async def test_messages_over_grpc_pass_the_field_rules_of_json() -> None:
    """D20: paths from the top of the REST body."""
    with pytest.raises(InvalidContent) as error:
        await judged(request(name="x" * 101))
    assert [(p.code, p.field) for p in error.value.problems] == [("invalid_field", "name")]
    with pytest.raises(InvalidContent) as error:
        await judged(pb.CreateConnectionRequest())
    assert {(p.code, p.field) for p in error.value.problems} == {
        ("missing_required_field", "type"),
        ("missing_required_field", "name"),
    }


async def test_what_the_gateway_of_this_process_read_is_not_judged_twice() -> None:
    """D20: a request that passes makes no extra work."""
    assert await judged(request(name="x" * 101), in_process=True)


async def test_output_only_members_of_a_grpc_client_are_cleared() -> None:
    """contract.md 1.9: they are ignored, not stored."""
    passed: Any = await judged(request(id="f" * 24, needs_authorization=True, last_modified_by="x"))
    shown = passed.connection
    assert (shown.id, shown.needs_authorization, shown.last_modified_by) == ("", False, "")
    assert shown.name == "n"


async def test_a_mask_on_create_is_refused() -> None:
    """contract.md 1.7: nothing to keep, neither whole nor inside a bag."""
    for bag in (b'"******"', b'{"k":"******"}'):
        sent = request()
        sent.connection.http.encrypted.CopyFrom(common_pb2.JsonValue(json=bag))
        with pytest.raises(InvalidContent) as error:
            await judged(sent)
        fields = {p.field for p in error.value.problems if p.code == "invalid_field"}
        assert fields == {"http.encrypted" if bag.startswith(b'"') else "http.encrypted.k"}


async def test_the_first_middleware_is_the_outermost() -> None:
    """D10: a middleware is ``async (call, request, next)``."""
    order = []

    def noting(name: str) -> Any:
        async def middleware(call: Call, request: Any, following: Handler) -> Message:
            order.append(name)
            answer = await following(call, request)
            order.append(f"/{name}")
            return answer

        return middleware

    async def handler(call: Call, request: Any) -> Message:
        order.append("handler")
        return pb.DeleteConnectionResponse()

    await chain([noting("a"), noting("b")], handler)(a_call(), None)
    assert order == ["a", "b", "handler", "/b", "/a"]
