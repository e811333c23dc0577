"""What ``ping --explain`` says: values for a person who wants to know why, and the sentences about them. Nothing in it is a secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import Final

from fairlead.engine.checks import Looked, Rule

FINGERPRINT: Final = 8
"""Hexadecimal digits of SHA-256 by which two tokens are told apart."""
LONG_ENOUGH: Final = 16
"""A shorter token has no fingerprint: it could be guessed from that."""
FOUND_LIMIT: Final = 200
"""Characters of a found value that are shown."""


class Purpose(Enum):
    """What a step was for."""

    REQUEST = "request"
    RENEWAL = "renewal"
    """A token or login request."""
    CHALLENGE = "challenge"
    """The same request again, with the answer to the challenge that it brought."""
    REPETITION = "repetition"
    """The same request again after a renewal."""
    SECOND_TRY = "second_try"
    """After a request that broke (connections.md 13.5)."""
    AFTER_WAIT = "after_wait"
    """After a rate-limited answer."""
    REDIRECT = "redirect"
    CONNECT = "connect"
    """Nothing but a connection was opened."""


class Reason(Enum):
    """Why credentials were renewed."""

    BEFORE_USE = "before_use"
    """There were none, they were over, or they were being renewed already."""
    AFTER_REFUSAL = "after_refusal"
    ASKED = "asked"
    """Signing in was all that the ping had to try."""


class Renewer(Enum):
    """Who renewed."""

    THIS_PING = "this_ping"
    ANOTHER_REQUEST = "another_request"
    """Of the same process; its result is shared."""
    ANOTHER_PROCESS = "another_process"
    """The result was taken from the store."""


class Outcome(Enum):
    """How a renewal ended."""

    RENEWED = "renewed"
    REFUSED = "refused"
    FAILED = "failed"
    """Without a result; says nothing about the credentials."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A token without any of it: its length, and the beginning of its hash."""

    length: int
    sha256: str = ""

    @classmethod
    def of(cls, token: str) -> Fingerprint:
        """``sha256`` is empty for a token that could be guessed from it."""
        digest = sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:FINGERPRINT]
        return cls(len(token), digest if len(token) >= LONG_ENOUGH else "")


@dataclass(frozen=True, slots=True)
class SentCredentials:
    """With what a request was signed. ``headers`` are the names of those that carry a credential, ``cookies`` names as well."""

    type: str
    headers: tuple[str, ...] = ()
    query: str = ""
    """The parameter that carries it."""
    body: bool = False
    cookies: tuple[str, ...] = ()
    token: Fingerprint | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class LookedAt:
    """One thing that was looked at; ``field`` as the document writes it, empty when nobody configured it. ``rule`` asked for it, none when it
    only told how to read or how long to wait."""

    rule: Rule | None
    looked: Looked
    field: str
    path: str
    found: str | None
    configured: tuple[str, ...] = ()
    matched: bool | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One request and what was made of its answer; without ``status`` there was none, and ``problem`` says why."""

    purpose: Purpose
    method: str
    url: str
    waited: float
    seconds: float
    status: int | None = None
    verdict: str = ""
    rule: Rule | None = None
    sentence: str = ""
    problem: str = ""
    """A word of contract.md 1.16."""
    credentials: SentCredentials | None = None
    looked_at: tuple[LookedAt, ...] = ()


@dataclass(frozen=True, slots=True)
class Renewal:
    """One renewal, or waiting for one."""

    reason: Reason
    by: Renewer
    outcome: Outcome
    seconds: float
    after_steps: int
    """How many steps came before it."""
    message: str = ""
    token_before: Fingerprint | None = None
    token: Fingerprint | None = None
    refresh_token_before: Fingerprint | None = None
    refresh_token: Fingerprint | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole way to the result of a ping, in the order of time."""

    summary: str
    seconds: float
    steps: tuple[Step, ...] = ()
    renewals: tuple[Renewal, ...] = field(default=())


_BEGINNINGS: Final = {
    Rule.RATE_LIMIT: "rate limited",
    Rule.AUTHENTICATION: "authentication failed",
    Rule.END_OF_PAGES: "end of pages",
    Rule.STATUS: "failed",
    Rule.FAIL_PATH: "failed",
    Rule.SUCCESS_PATH: "failed",
    Rule.SUCCESS: "good",
}
_USUAL: Final[dict[Rule | None, str]] = {Rule.RATE_LIMIT: "too many requests", Rule.AUTHENTICATION: "unauthorized"}


def sentence_of(rule: Rule, decided_by: Sequence[LookedAt]) -> str:
    """Why an answer was judged so: ``authentication failed, because status 200 is http.auth.failStatusCode and ...``."""
    return f"{_BEGINNINGS[rule]}, because {' and '.join(_reason(looked) for looked in decided_by)}"


def summary_of(steps: Sequence[Step], renewals: Sequence[Renewal], failure: str | None) -> str:
    """The result in one sentence. ``failure`` is what the ping says, nothing when the connection works."""
    last = steps[-1] if steps else None
    if failure is None:
        if last is None:
            return "The connection works."
        if last.purpose is Purpose.RENEWAL:
            return "The connection works: signing in brought credentials, and there is nothing else to try."
        return f"The connection works: {last.sentence}."
    stopped = renewals[-1] if renewals and renewals[-1].outcome is not Outcome.RENEWED else None
    if stopped is not None:
        refused = stopped.outcome is Outcome.REFUSED
        how = "were refused" if refused else "could not be got"
        return f"{'Authentication failed' if refused else 'No result'}: new credentials {how}: {stopped.message}"
    if last is None or last.rule is Rule.SUCCESS or not last.sentence:
        return failure
    return f"{last.sentence[0].upper()}{last.sentence[1:]}."


def _reason(looked: LookedAt) -> str:
    if looked.looked is Looked.PATH:
        return _path_reason(looked)
    if looked.field:
        one = "one of " if len(looked.configured) > 1 else ""
        return f"status {looked.found} is {one}{looked.field}"
    if looked.rule in _USUAL:
        return f"status {looked.found} means {_USUAL[looked.rule]}"
    return f"status {looked.found} is {'' if looked.matched else 'not '}within {looked.configured[0]}"


def _path_reason(looked: LookedAt) -> str:
    where = f"{looked.field} {looked.path}"
    if looked.found is None:
        return f"{where} found nothing"
    values = looked.field[: -len("Path")] + "Values"
    found = f'{where} found "{looked.found}"'
    if looked.configured:
        return f"{found}, {'one' if looked.matched else 'none'} of {values}"
    return f"{found}, which counts as {'true' if looked.matched else 'false'}"
