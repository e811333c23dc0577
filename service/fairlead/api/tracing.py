"""OpenTelemetry traces, when ``FAIRLEAD_OTEL_ENDPOINT`` says where to: one span a call, names and numbers only, never content."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from fairlead.api.call import Call, Handler, Middleware


def tracing(endpoint: str) -> Middleware:
    """A middleware that sends spans to an OTLP collector. Needs the extra ``otel``; raises ``ImportError`` without it."""
    from opentelemetry import propagate
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "fairlead"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, insecure=True)))
    return traced_by(provider.get_tracer("fairlead"), propagate.extract)


def traced_by(tracer: Any, extract: Any) -> Middleware:
    """The middleware for a given tracer; the caller's trace context is taken from the metadata (W3C ``traceparent``)."""

    async def middleware(call: Call, request: Any, following: Handler) -> Message:
        # A span would record an exception with its text, which may quote anything; the type is enough to find it in the log.
        with tracer.start_as_current_span(
            call.method,
            context=extract(dict(call.metadata)),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            span.set_attribute("fairlead.request_id", call.request_id)
            try:
                return await following(call, request)
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                raise
            finally:
                span.set_attribute("fairlead.upstream_calls", call.stats.calls)

    return middleware
