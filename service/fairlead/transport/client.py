"""Sends requests to applications: bounded answers, nothing followed and nothing resent behind anybody's back (D12, connections.md 13)."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from aiohttp import ClientResponse, ClientSession, ClientTimeout
from multidict import CIMultiDict
from yarl import URL

from fairlead.domain import urls
from fairlead.domain.http import Headers, HttpRequest, HttpResponse, TransportFailure
from fairlead.engine.ports import Clock, Deadline, TransportProfile
from fairlead.transport.body import BodyLimits, read_body
from fairlead.transport.egress import EgressPolicy, denied
from fairlead.transport.failures import Settings, failure, is_about_tls
from fairlead.transport.guards import Attempt, Interrupted
from fairlead.transport.resolver import Lookup, PinnedResolver, system_lookup
from fairlead.transport.sessions import Sessions
from fairlead.transport.tls import Tls, TlsProfiles, welcomed

_STREAMED: Final = 1 << 20  # a larger body in one piece would hold up the event loop


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds (connections.md 13.5); the wait for the first byte is the profile's."""

    connect: float = 10.0
    between_bytes: float = 30.0


@dataclass(slots=True)
class _Progress:
    """What is known of a call when its deadline strikes."""

    attempt: Attempt | None = None

    @property
    def sent(self) -> bool:
        return self.attempt is not None and self.attempt.sent


def _end(sending: asyncio.Future[HttpResponse]) -> None:
    sending.cancel()


class HttpTransport:
    """``engine.ports.Transport`` over aiohttp."""

    def __init__(
        self,
        policy: EgressPolicy,
        clock: Clock,
        *,
        timeouts: Timeouts | None = None,
        limits: BodyLimits | None = None,
        lookup: Lookup = system_lookup,
        may_send: Callable[[], bool] = lambda: True,
        outlives: Callable[[asyncio.Future[HttpResponse]], None] = _end,
    ) -> None:
        """``may_send``: whether the limits that let the request of this task pass still do, asked right before its first byte leaves.
        ``outlives``: takes over what the application has in hand when nobody waits for it any more; cancelling closes its socket."""
        self._policy = policy
        self._clock = clock
        self._timeouts = timeouts or Timeouts()
        self._limits = limits or BodyLimits()
        self._resolver = PinnedResolver(policy, lookup)
        self._sessions = Sessions(self._resolver, clock)
        self._tls = TlsProfiles()
        self._may_send = may_send
        self._outlives = outlives

    async def send(self, request: HttpRequest, profile: TransportProfile, deadline: Deadline) -> HttpResponse:
        """The answer to ``request``. Raises ``TransportFailure``. When the deadline is over or the caller is cancelled, what was sent
        already is ``outlives``' affair; else its socket is closed."""
        started = self._clock.monotonic()
        progress = _Progress()
        sending: asyncio.Future[HttpResponse] | None = None
        try:
            async with self._in_time(deadline, progress):
                sending = asyncio.ensure_future(self._sent(request, profile, progress))
                response = await asyncio.shield(sending)
        finally:
            if sending is not None and not sending.done():
                (self._outlives if progress.sent else _end)(sending)
        response.elapsed = timedelta(seconds=self._clock.monotonic() - started)
        return response

    async def reach(self, url: str, profile: TransportProfile, deadline: Deadline) -> None:
        """Connect to the origin of ``url``, shake hands for https, and hang up. Raises ``TransportFailure``."""
        target = self._target(url)
        host = target.raw_host or ""
        here = profile.at(host)
        async with self._in_time(deadline, _Progress()), self._sessions.of(here) as session:
            tls = await self._settings(target, here, session)
            told = Settings(tls.name if tls else None, own=here is profile)
            try:
                await self._connect(target, tls)
            except (OSError, TimeoutError) as error:
                raise failure(error, host, sent=False, tls=told) from None

    async def close(self) -> None:
        """Close every socket."""
        await self._sessions.close()

    @asynccontextmanager
    async def _in_time(self, deadline: Deadline, progress: _Progress) -> AsyncIterator[None]:
        left = deadline.left(self._clock)
        if left <= 0:
            raise TransportFailure("connection_timeout", "no time left to send the request", sent=False)
        limit = asyncio.timeout(left)
        try:
            async with limit:
                yield
        except TimeoutError:
            message = "no complete answer before the deadline"
            raise TransportFailure("connection_timeout", message, sent=progress.sent) from None

    async def _sent(self, request: HttpRequest, profile: TransportProfile, progress: _Progress) -> HttpResponse:
        url = self._target(request.url)
        progress.attempt = attempt = Attempt(self._may_send)
        here = profile.at(url.raw_host or "")
        async with self._sessions.of(here) as session:
            tls = await self._settings(url, here, session)
            try:
                return await self._exchange(session, request, url, tls, here.first_byte, attempt)
            except Exception as caught:
                error = (tls and await self._why(url, tls, attempt, caught)) or caught
                told = Settings(tls.name if tls else None, own=here is profile)
                broken = failure(error, url.raw_host or "", sent=attempt.sent, tls=told)
                broken.head = attempt.head
                raise broken from None

    async def _why(self, url: URL, tls: Tls, attempt: Attempt, error: Exception) -> ssl.SSLError | None:
        """What the server has against us, when it reset a connection of TLS 1.3 on which it had said nothing yet: the reset for a request
        that it did not read may overtake its alert. A connection without a request shows it."""
        if not isinstance(error, Interrupted) or not attempt.fresh or is_about_tls(error):
            return None
        try:
            await self._connect(url, tls)
        except ssl.SSLError as reason:
            return reason
        except (OSError, TimeoutError, TransportFailure):
            return None
        return None

    async def _settings(self, url: URL, profile: TransportProfile, session: ClientSession) -> Tls | None:
        """TLS settings for ``url``, nothing for http. Raises ``TransportFailure`` when they cannot be used (any more)."""
        if url.scheme != "https":
            return None
        tls = await self._tls.get(profile, session)
        tls.check(self._clock.now())
        return tls

    async def _exchange(
        self,
        session: ClientSession,
        request: HttpRequest,
        url: URL,
        tls: Tls | None,
        first_byte: float,
        attempt: Attempt,
    ) -> HttpResponse:
        """One request on one connection."""
        body = request.body
        answer = await session.request(
            request.method,
            url,
            headers=CIMultiDict(request.headers.items()),
            data=io.BytesIO(body) if body is not None and len(body) > _STREAMED else body,
            allow_redirects=False,
            ssl=tls.context if tls else True,
            timeout=ClientTimeout(total=None, connect=self._timeouts.connect, sock_read=first_byte),
            middlewares=(attempt,),
        )
        try:
            content = await read_body(answer, self._limits, self._timeouts.between_bytes)
        except BaseException:
            attempt.head = _response(answer, b"", request)
            answer.close()
            raise
        answer.release()
        return _response(answer, content, request)

    def _target(self, text: str) -> URL:
        """The URL to dial, its host judged as far as it can be before it is resolved. Raises ``TransportFailure``."""
        scheme = text.partition(":")[0].strip().lower()
        if "://" in text and scheme not in ("http", "https"):
            raise denied(f"scheme {scheme[:20]!r}", "is neither http nor https")
        try:
            encoded = urls.encode(text)
            origin = urls.origin(encoded)
            url = URL(encoded, encoded=True)
            host = (url.raw_host or "").lower()
        except ValueError as error:
            message = str(error) if isinstance(error, urls.UrlError) else "the URL is not usable"
            raise TransportFailure("connection_error", message, sent=False) from None
        if host != origin.host or url.port != origin.port:
            raise denied(origin.host, "is read in two ways")  # never seen; two parsers must not disagree about a target
        if urls.has_user(encoded):
            message = f"the URL of {host} holds a user name or password: give them in the connection's authentication"
            raise TransportFailure("connection_error", message, sent=False)
        self._policy.check_literal(host)
        return url

    async def _connect(self, target: URL, tls: Tls | None) -> None:
        """Connect, shake hands, hang up. Raises ``OSError``, ``ssl.SSLError``, ``TimeoutError`` and ``TransportFailure``."""
        host = target.raw_host or ""
        async with asyncio.timeout(self._timeouts.connect):
            found = [host]
            if ":" not in host and not host.replace(".", "").isdigit():
                found = [answer["host"] for answer in await self._resolver.resolve(host, target.port or 0)]
            await self._dial(found, target, tls)

    async def _dial(self, addresses: list[str], target: URL, tls: Tls | None) -> None:
        context, name = (tls.context, (target.raw_host or "").rstrip(".")) if tls else (None, None)
        for index, address in enumerate(addresses):
            try:
                reader, writer = await asyncio.open_connection(address, target.port, ssl=context, server_hostname=name)
            except OSError:
                if index == len(addresses) - 1:
                    raise
            else:
                try:
                    if tls:
                        await welcomed(reader, writer)
                finally:
                    writer.transport.abort()
                return


def _response(answer: ClientResponse, body: bytes, request: HttpRequest) -> HttpResponse:
    headers = Headers([(name, value if value.isascii() else _text(value)) for name, value in answer.headers.items()])
    return HttpResponse(answer.status, headers, body, _text(answer.reason or ""), request.url)


def _text(value: str) -> str:
    """Header text: UTF-8, or ISO-8859-1 when it is not (the parser keeps such bytes as surrogates)."""
    raw = value.encode("utf-8", "surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
