"""Sessions and answers for the tests of signing in: real templates, a clock moved by hand, no chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.codecs.media_types import codec_for_content_type
from fairlead.codecs.registry import codecs
from fairlead.domain import jsonvalue
from fairlead.domain.http import Headers, HttpRequest, HttpResponse
from fairlead.engine.body import BodyReader
from fairlead.engine.ports import (
    Answer,
    AuthFlow,
    AuthSession,
    Clock,
    Credentials,
    Place,
    RenewalFlow,
    RenewalRequest,
    Scope,
    Verdict,
)
from fairlead.templates.compiler import TemplateCompiler
from tests.unit.clock import ManualClock

_TEMPLATES = TemplateCompiler()
_READER = BodyReader(codecs, codec_for_content_type, "json")


def counting_bytes(count: int) -> bytes:
    """``count`` bytes 0, 1, 2, ...: what stands for chance."""
    return bytes(index % 256 for index in range(count))


def session(
    http: dict[str, Any],
    *,
    clock: Clock | None = None,
    random: Callable[[int], bytes] = counting_bytes,
    credentials: Credentials | None = None,
    context: Mapping[str, Any] | None = None,
) -> AuthSession:
    """The session of a connection with that ``http`` block. Without ``credentials`` they are what ``auth.token`` holds; ``context``
    adds to what templates see (``iClient``, ``settings``)."""
    clock = clock or ManualClock()
    token = (http.get("auth") or {}).get("token") or {}

    def render(text: str, place: Place) -> str:
        names = {"connection": {"_id": "5f0000000000000000000001", "name": "test", "http": http}, **(context or {})}
        return _TEMPLATES.compile(text, place).render(Scope(names, clock.now()))

    return AuthSession(
        http,
        clock,
        random,
        render,
        credentials or Credentials(token.get("token"), token.get("refreshToken")),
    )


def answer(
    body: bytes | str | Mapping[str, Any] = b"",
    status: int = 200,
    *,
    content_type: str | None = None,
    headers: Mapping[str, str] | None = None,
    verdict: Verdict | None = None,
    message: str = "",
    media_type: str | None = None,
) -> Answer:
    """An answer: a mapping is sent as JSON. It is read as ``media_type``, else by its ``Content-Type``, else as JSON; its verdict goes by
    the status unless it is given."""
    if isinstance(body, Mapping):
        body, content_type = jsonvalue.dumps(dict(body)), content_type or "application/json"
    data = body.encode("utf-8", "surrogateescape") if isinstance(body, str) else body
    fields = [*({"Content-Type": content_type} if content_type else {}).items(), *(headers or {}).items()]
    if verdict is None:
        by_status = Verdict.AUTHENTICATION_FAILED if status == 401 else Verdict.FAILED
        verdict = Verdict.SUCCESS if 200 <= status < 300 else by_status
    response = HttpResponse(status, Headers(fields), data)
    read = _READER.read(response, media_type, None)
    code = "" if verdict is Verdict.SUCCESS else str(status)
    return Answer(response, verdict, read.value, read.codec, read.charset, code, message)


def drive(flow: AuthFlow, *answers: Answer) -> list[HttpRequest]:
    """The requests that a flow yields for these answers; one more request than answers when it has not ended by then."""
    sent = [next(flow)]
    for given in answers:
        try:
            sent.append(flow.send(given))
        except StopIteration:
            break
    return sent


def renew(flow: RenewalFlow | None, *answers: Answer) -> tuple[list[RenewalRequest], Credentials]:
    """The requests of a renewal for these answers, and the credentials it returns. Fails when it has not ended by then."""
    assert flow is not None
    sent = [next(flow)]
    for given in answers:
        try:
            sent.append(flow.send(given))
        except StopIteration as end:
            return sent, end.value
    raise AssertionError(f"the renewal asks for more: {sent[-1]}")
