"""One request on its way through the attempt loop: what is known of it, how long it may wait, and how its end is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from fairlead.domain.errors import ApplicationFailure, Problem
from fairlead.domain.http import HttpRequest, TransportFailure
from fairlead.engine.explain import Trace
from fairlead.engine.explanation import Purpose
from fairlead.engine.ports import Clock, Deadline, WaitTooLong
from fairlead.engine.prepare import Prepared
from fairlead.engine.run import RunStats
from fairlead.engine.verdict import ResponseRules


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long one request may wait after rate-limited answers: the tenth in a row is its last (connections.md 7.3; ping: 4)."""

    waits: int = 9
    longest: float | None = None


RUN_PATIENCE: Final = Patience()
PING_PATIENCE: Final = Patience(waits=1, longest=5.0)


@dataclass(slots=True)
class Call:
    """One request on its way through the loop, and what was tried for it."""

    prepared: Prepared
    request: HttpRequest
    rules: ResponseRules
    deadline: Deadline
    stats: RunStats
    patience: Patience
    rebuild: Callable[[], HttpRequest] | None = None
    trace: Trace | None = None
    renewing: bool = False
    """It is a request of a renewal: sent as it is, past those that wait for the renewal."""
    follow: bool = True
    renewed: bool = False
    """The credentials were renewed for this call: it asks for no second renewal (connections.md 3.2)."""
    repeated: bool = False
    """It was refused for its credentials and goes with newer ones: a second refusal is final (connections.md 6.2)."""
    generation: int = 0
    """Of the credentials with which it was signed."""
    fresh: bool = True
    """It was not made anew yet."""

    def build(self) -> HttpRequest:
        """The request: rendered anew for each repetition, because a template may show a token, the time or a nonce."""
        if self.rebuild is not None and (not self.fresh or self.generation != self.prepared.session.generation):
            self.request = self.rebuild()
        self.fresh = False
        return self.request

    def goes_on_with(self, purpose: Purpose) -> None:
        """What the next request of this call is for, when somebody wants to know."""
        if self.trace is not None:
            self.trace.next = purpose


_CREDENTIAL: Final = re.compile(r'="([^"]+)"|(?:^|(?<= ))([^ ",]+)$')
_LONG: Final = 16


def credential_texts(request: HttpRequest) -> list[str]:
    """What was computed for a request and nobody will look for again: the long texts of its credential headers, in quotes or after the
    scheme."""
    values = [value for name in request.secret_headers if (value := request.headers.get(name))]
    found = [quoted or plain for value in values for quoted, plain in _CREDENTIAL.findall(value)]
    return [text for text in found if len(text) >= _LONG]


@contextmanager
def told(prepared: Prepared, deadline: Deadline, clock: Clock) -> Iterator[None]:
    """What goes wrong on the way is told in domain words, without secrets: raises ``ApplicationFailure``."""
    redact = prepared.connection.redactor
    try:
        yield
    except WaitTooLong as wait:
        if wait.seconds:
            raise throttled(wait.seconds, "the application's rate limit") from None
        message = "no free slot of the connection within the time of this call"
        raise out_of_time(message, ended_by_caller=deadline.callers) from None
    except TransportFailure as failure:
        if failure.code == "connection_timeout":
            over = deadline.left(clock) <= 0
            raise out_of_time(
                redact(failure.message), ended_by_caller=over and deadline.callers, in_doubt=over and failure.sent
            ) from None
        raise ApplicationFailure(Problem(failure.code, redact(failure.message), source="connection")) from None


def throttled(seconds: float, message: str) -> ApplicationFailure:
    """The application's rate limit outlasts the call (connections.md 7.3)."""
    text = f"rate limited by the application, {seconds:.0f} s left to wait: {message}"
    return ApplicationFailure(Problem("429", text, source="application"))


def out_of_time(message: str, *, ended_by_caller: bool, in_doubt: bool = False) -> ApplicationFailure:
    """The time of the call is over (contract.md 1.16)."""
    problem = Problem("connection_timeout", message, source="connection")
    return ApplicationFailure(problem, deadline=ended_by_caller, in_doubt=in_doubt)
