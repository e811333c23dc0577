"""``digest`` (connections.md 3.5, RFC 7616, and the forms of RFC 2617 and 2069).

A request without ``Authorization`` brings a challenge, the same request with the answer brings the result, and later requests reuse its
nonce with a growing count. What is refused with a nonce that was used before decides nothing: only the refusal of an answer that was
made for this request, with a nonce nobody else used, is final.

``userhash`` (RFC 7616 3.4.4): the user name is never sent hashed. An application that offers it must accept the name in clear as well,
so its challenge is answered; when that answer is refused, the message names this as a possible reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from fairlead.auth.digest_answer import DigestChallenge, authorization, best_challenge
from fairlead.auth.fixed import Fixed
from fairlead.domain import urls
from fairlead.domain.challenges import read_parameters
from fairlead.domain.http import HttpRequest, HttpResponse
from fairlead.engine.ports import Answer, AuthFlow, AuthSession, Json, RenewalRefused, Verdict

_MEMORY: Final = "digest"
_MOST_STALE: Final = (
    3  # nonces of one request that are called stale before anybody used them: no matter of time any more
)
_MOST_COUNTS: Final = 64  # nonces whose use is counted; an application has one or a few that are good at a time
_BODY_CAN_WAIT: Final = frozenset(("GET", "HEAD"))


class _Standing(Enum):
    """How much the answer to a challenge says about the credentials."""

    NONE = "none"
    """Sent without ``Authorization``."""
    SHARED = "shared"
    """A nonce that other requests use too: it may have aged, and counts may arrive out of order."""
    OWN = "own"
    """A nonce that only this request knows."""


@dataclass(slots=True)
class _Nonces:
    """What the process remembers of a connection: the last challenge that worked, and how often each nonce was used."""

    origin: urls.Origin | None = None
    current: DigestChallenge | None = None
    counts: dict[str, int] = field(default_factory=dict)

    def of(self, origin: urls.Origin) -> DigestChallenge | None:
        """The challenge to answer at once, if one of this origin worked."""
        return self.current if self.origin == origin else None

    def share(self, challenge: DigestChallenge, origin: urls.Origin) -> None:
        """From now on every request of the connection answers this one."""
        self.origin, self.current = origin, challenge

    def forget(self, challenge: DigestChallenge | None) -> None:
        """It did not work any more; one that took its place stays."""
        if self.current is challenge:
            self.current = None

    def count(self, challenge: DigestChallenge) -> int:
        """The next ``nc`` of a nonce, also of one that the application gives to several requests."""
        nonce = challenge.nonce.value
        used = self.counts[nonce] = self.counts.pop(nonce, 0) + 1
        if len(self.counts) > _MOST_COUNTS:
            del self.counts[next(iter(self.counts))]
        return used


class Digest(Fixed):
    """Answers challenges with user name and password."""

    name = "digest"

    def flow(self, request: HttpRequest, session: AuthSession) -> AuthFlow:
        """The request, with the answer to the last challenge as far as there was one, and again with the answer to each challenge that
        it brings. Without a challenge it goes complete, so that an application that asks for none acts on what was meant; only the body
        of GET and HEAD, which change nothing, is left out until it is asked for. Raises ``RenewalRefused`` when there is no challenge
        that can be answered."""
        nonces: _Nonces = session.memory.setdefault(_MEMORY, _Nonces())
        origin = urls.origin(request.url)
        challenge = nonces.of(origin)
        standing = _Standing.SHARED if challenge is not None else _Standing.NONE
        complete = request.body is None or request.method not in _BODY_CAN_WAIT
        renewed = False
        stale = 0
        while True:
            if challenge is not None:
                answer = yield _answering(request, challenge, nonces.count(challenge), session)
            else:
                answer = yield _unsigned(request, complete=complete)
            if not _is_refused(answer):
                if challenge is None and not complete:
                    complete = True
                    continue
                if challenge is not None:
                    _keep(nonces, challenge, standing, origin, answer.response)
                return
            offered, problem = best_challenge(answer.response, session.random)
            if standing is _Standing.OWN:
                if offered is None or not offered.stale:
                    _explain_userhash(answer, challenge)
                    return
                stale += 1
                if stale == _MOST_STALE:
                    raise RenewalRefused(
                        f"the application called {stale} nonces stale that it had just given: its clock, or the servers"
                        " behind its address, do not agree",
                        status=401,
                    )
            if offered is None and standing is _Standing.NONE:
                if answer.response.status == 401 and answer.verdict is Verdict.AUTHENTICATION_FAILED:
                    raise RenewalRefused(problem, status=401)
                return
            # One request renews a nonce for all: what the application calls stale, it had checked the credentials of.
            for_all = standing is _Standing.SHARED and not renewed and nonces.current is challenge
            nonces.forget(challenge)
            challenge = offered
            if challenge is None:
                standing = _Standing.NONE
            elif for_all and challenge.stale:
                nonces.share(challenge, origin)
                standing, renewed = _Standing.SHARED, True
            else:
                standing = _Standing.OWN


def _is_refused(answer: Answer) -> bool:
    """A 401 is a challenge whatever ``auth.failPath`` makes of it."""
    return answer.response.status == 401 or answer.verdict is Verdict.AUTHENTICATION_FAILED


def _keep(
    nonces: _Nonces, challenge: DigestChallenge, standing: _Standing, origin: urls.Origin, response: HttpResponse
) -> None:
    """The challenge worked: others may use it; and the nonce that the application names for the next request (RFC 7616 3.5)."""
    if standing is _Standing.OWN:
        nonces.share(challenge, origin)
    info = response.headers.get("Authentication-Info")
    if info and nonces.current is challenge:
        following = read_parameters(info).get("nextnonce")
        if following is not None and following.value:
            nonces.share(replace(challenge, nonce=following), origin)


def _unsigned(request: HttpRequest, *, complete: bool) -> HttpRequest:
    unsigned = request.copy()
    unsigned.headers.remove("Authorization")
    if not complete:
        unsigned.body = None
        unsigned.headers.remove("Content-Type")
    return unsigned


def _answering(request: HttpRequest, challenge: DigestChallenge, count: int, session: AuthSession) -> HttpRequest:
    signed = request.copy()
    basic: Mapping[str, Json] = (session.http.get("auth") or {}).get("basic") or {}
    value = authorization(
        challenge,
        basic.get("username") or "",
        basic.get("password") or "",
        request,
        count=count,
        cnonce=challenge.session_cnonce or session.random(16).hex(),
    )
    signed.headers.set("Authorization", value)
    signed.secret_headers |= {"authorization"}
    return signed


def _explain_userhash(answer: Answer, challenge: DigestChallenge | None) -> None:
    if challenge is not None and challenge.userhash and answer.verdict is Verdict.AUTHENTICATION_FAILED:
        raise RenewalRefused(
            "the application refused user name or password; it offers hashed user names (userhash), which are not sent:"
            f" if the credentials are right, let it accept the name in clear. It says: {answer.message}",
            status=401,
        )
