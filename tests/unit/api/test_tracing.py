"""Traces: one span a call, joined to the caller's trace, without content."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message
from opentelemetry.propagate import extract
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from fairlead.api.call import Call
from fairlead.api.tracing import traced_by
from fairlead.v1 import token_service_pb2

METHOD = "/fairlead.v1.TokenService/GetTokenInfo"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize("fails", [False, True])
async def test_a_call_is_a_span_of_the_callers_trace(fails: bool) -> None:
    """W3C traceparent in the metadata; attributes are the request id and the number of requests to applications, nothing else."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    metadata = {"traceparent": PARENT, "authorization": "Bearer t0k3n-value"}
    call = Call(METHOD, metadata, "local", request_id="r1")

    async def handler(call: Call, request: Any) -> Message:
        call.stats.calls = 3
        if fails:
            raise ValueError("secret text")
        return token_service_pb2.GetTokenInfoResponse()

    middleware = traced_by(provider.get_tracer("test"), extract)
    if fails:
        with pytest.raises(ValueError, match="secret"):
            await middleware(call, token_service_pb2.GetTokenInfoRequest(), handler)
    else:
        await middleware(call, token_service_pb2.GetTokenInfoRequest(), handler)
    (span,) = exporter.get_finished_spans()
    assert span.name == METHOD
    assert format(span.context.trace_id, "032x") == PARENT.split("-")[1]
    expected = {"fairlead.request_id": "r1", "fairlead.upstream_calls": 3}
    assert dict(span.attributes or {}) == expected | ({"error.type": "ValueError"} if fails else {})
    assert "secret" not in span.to_json()
