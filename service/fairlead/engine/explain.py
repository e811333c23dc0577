"""Collects what happened on the way to a verdict, step by step (``ping --explain``).

A trace belongs to one call and notes what is sent and what comes back as it is. Texts are made of it at the end, when every secret that was
used or issued on the way is known and can be masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from fairlead.domain.dialect import written_field
from fairlead.domain.http import HttpRequest, HttpResponse, TransportFailure
from fairlead.domain.redaction import Redactor
from fairlead.domain.secret import MASK
from fairlead.engine.checks import Finding, Looked, Rule
from fairlead.engine.credentials import secret_texts
from fairlead.engine.explanation import (
    FOUND_LIMIT,
    Explanation,
    Fingerprint,
    LookedAt,
    Outcome,
    Purpose,
    Reason,
    Renewal,
    Renewer,
    SentCredentials,
    Step,
    sentence_of,
    summary_of,
)
from fairlead.engine.ports import Answer, Clock, RenewalRefused, Verdict
from fairlead.engine.prepare import Prepared
from fairlead.engine.verdict import ResponseRules, judgement_of

_BLOCKS: Final = {
    Rule.RATE_LIMIT: "http.rateLimit",
    Rule.AUTHENTICATION: "http.auth",
    Rule.FAIL_PATH: "http.ping",
    Rule.SUCCESS_PATH: "http.ping",
}
_CREDENTIAL: Final = re.compile(
    r"token|secret|passw|pwd|signature|api[-_]?key|session|(?:^|[-_])(?:sig|code|key|auth)$", re.I
)
"""Names of query parameters whose values are masked, wherever they come from."""
_SIGNATURES: Final = re.compile(
    r'\b(?:response|cnonce|nonce|opaque|PasswordDigest|Nonce|oauth_signature|oauth_nonce|oauth_token)="([^"]+)"'
)
_LEADS_ON: Final[Mapping[Purpose | None, str]] = {
    Purpose.REDIRECT: "; the next step goes where it leads",
    Purpose.CHALLENGE: "; the next step answers its challenge",
}
_USER: Final = re.compile(r"(?<=://)[^/?#@]*@")


@dataclass(slots=True)
class _Noted:
    """One step as it was."""

    purpose: Purpose
    secret_answer: bool
    """The answer brings credentials."""
    led_here: bool
    """The application chose the URL."""
    method: str
    url: str
    waited: float
    seconds: float
    secret_query: str = ""
    credentials: SentCredentials | None = None
    judged: tuple[Prepared, ResponseRules, HttpResponse, Verdict] | None = None
    problem: str = ""
    message: str = ""
    remark: str = ""


@dataclass(slots=True)
class Trace:
    """The steps of one call, timed by ``clock``."""

    clock: Clock
    next: Purpose = Purpose.REQUEST
    """What the next request is for."""
    _redactor: Redactor = field(default_factory=Redactor)
    _secrets: set[str] = field(default_factory=set)
    _steps: list[_Noted] = field(default_factory=list)
    _renewals: list[Renewal] = field(default_factory=list)
    _led: set[str] = field(default_factory=set)
    """Where redirects led."""
    _started: float = 0.0

    def __post_init__(self) -> None:
        self._started = self.clock.monotonic()

    def sent(
        self,
        prepared: Prepared,
        rules: ResponseRules,
        request: HttpRequest,
        answer: Answer,
        *,
        waited: float,
        seconds: float,
    ) -> None:
        """Note one request and its answer; times in seconds."""
        step = self._note(prepared, request, waited, seconds)
        step.judged = prepared, rules, answer.response, answer.verdict

    def broke(
        self, prepared: Prepared, request: HttpRequest, failure: TransportFailure, asked: float, started: float
    ) -> None:
        """Note a request without an answer; ``asked`` and ``started`` are when it began to wait and when it was sent."""
        step = self._note(prepared, request, started - asked, self.clock.monotonic() - started)
        step.problem, step.message = failure.code, f"no answer: {failure.message}"

    @contextmanager
    def connecting(self, prepared: Prepared, url: str, asked: float) -> Iterator[None]:
        """Note a connection that is opened only to see whether it can be; ``asked`` is when it began to wait for its slot."""
        started = self.clock.monotonic()
        problem, message = "", "connected, and there is nothing else to try"
        try:
            yield
        except TransportFailure as failure:
            problem, message = failure.code, f"no connection: {failure.message}"
            raise
        finally:
            self.next = Purpose.CONNECT
            request = HttpRequest("CONNECT", url)
            step = self._note(prepared, request, started - asked, self.clock.monotonic() - started)
            step.problem, step.message = problem, message

    def throttled(self, seconds: float) -> None:
        """The last answer was rate limited: the next request waits so many seconds."""
        self._steps[-1].remark = f"; asked to wait {seconds:.3g} s"
        self.next = Purpose.AFTER_WAIT

    def refused(self, message: str) -> None:
        """The way of signing in has its own words about the last answer."""
        self._steps[-1].remark = f"; {message}"

    @contextmanager
    def renewing(self, prepared: Prepared, reason: Reason, used: int, *, shared: bool) -> Iterator[None]:
        """Note a renewal of what comes after generation ``used``, and how it ends. ``shared``: another request of this process is at it."""
        session = prepared.session
        before, generation, steps = session.credentials, session.generation, len(self._steps)
        started = self.clock.monotonic()
        outcome, message = Outcome.RENEWED, ""
        try:
            yield
        except RenewalRefused as refusal:
            outcome, message = Outcome.REFUSED, refusal.message
            raise
        except Exception as failure:
            outcome, message = Outcome.FAILED, str(failure) or "it did not end in time"
            raise
        finally:
            others = Renewer.ANOTHER_REQUEST if shared or generation > used else Renewer.ANOTHER_PROCESS
            ours = any(step.secret_answer for step in self._steps[steps:]) or outcome is Outcome.REFUSED
            after = session.credentials if session.generation != generation else before
            self._learn((*secret_texts(before), *secret_texts(after)))
            self._renewals.append(
                Renewal(
                    reason,
                    Renewer.THIS_PING if ours and not shared else others,
                    outcome,
                    self.clock.monotonic() - started,
                    steps,
                    message,
                    _fingerprint(before.token),
                    _fingerprint(after.token),
                    _fingerprint(before.refresh_token),
                    _fingerprint(after.refresh_token),
                    after.expires,
                )
            )
            self.next = Purpose.REPETITION if reason is Reason.AFTER_REFUSAL else Purpose.REQUEST

    def explanation(self, failure: str | None) -> Explanation:
        """Everything so far, without secrets. ``failure`` is what the ping says, nothing when the connection works."""
        redact = self.redactor
        following = (*(noted.purpose for noted in self._steps[1:]), None)
        steps = tuple(_step(noted, then, redact) for noted, then in zip(self._steps, following, strict=True))
        renewals = tuple(_renewal(renewal, redact) for renewal in self._renewals)
        summary = redact(summary_of(steps, renewals, failure))
        return Explanation(summary, self.clock.monotonic() - self._started, steps, renewals)

    @property
    def redactor(self) -> Redactor:
        """Masks every secret that was used or issued so far."""
        return self._redactor.with_secrets(self._secrets)

    @property
    def last_url(self) -> str:
        """Where the last request went, credentials of its query masked; ``""`` before the first one."""
        return _without_credentials(self._steps[-1]) if self._steps else ""

    def _note(self, prepared: Prepared, request: HttpRequest, waited: float, seconds: float) -> _Noted:
        renewing = prepared.rules is prepared.renewal_rules
        purpose, self.next = self.next, Purpose.REQUEST
        self._redactor = prepared.connection.redactor
        self._learn(secret_texts(prepared.session.credentials))
        self._learn(_signatures(request))
        address = request.url.partition("?")[0]
        if purpose is Purpose.REDIRECT:
            self._led.add(address)
        step = _Noted(
            Purpose.RENEWAL if renewing and purpose is Purpose.REQUEST else purpose,
            renewing,
            address in self._led,
            request.method,
            request.url,
            waited,
            seconds,
            request.secret_query[0] if request.secret_query else "",
            None if purpose is Purpose.CONNECT else _credentials(prepared, request, renewing=renewing),
        )
        self._steps.append(step)
        return step

    def _learn(self, texts: Iterable[str]) -> None:
        self._secrets.update(texts)


def _step(noted: _Noted, then: Purpose | None, redact: Redactor) -> Step:
    """The step as it is told; ``then`` is what the next one was for."""
    url = redact(_without_credentials(noted))
    if noted.judged is None:
        message = redact(noted.message)
        return Step(
            noted.purpose, noted.method, url, noted.waited, noted.seconds, sentence=message, problem=noted.problem
        )
    prepared, rules, response, verdict = noted.judged
    judgement = judgement_of(prepared.rules, rules, response)
    notation = prepared.connection.notation

    def shown(rule: Rule, finding: Finding) -> LookedAt:
        found = finding.found
        if (
            noted.secret_answer
            and found is not None
            and finding.looked is Looked.PATH
            and found not in finding.configured
        ):
            found = MASK  # an answer that brings credentials may show them anywhere
        member = f"{_BLOCKS[rule]}.{finding.member}" if finding.member else ""
        return LookedAt(
            rule,
            finding.looked,
            written_field(member, notation, "connection"),
            finding.path,
            None if found is None else redact.cut(found, FOUND_LIMIT),
            tuple(redact(value) for value in finding.configured),
            finding.matched,
        )

    sentence = sentence_of(judgement.rule, [shown(rule, finding) for rule, finding in judgement.decided_by])
    looked = [shown(rule, finding) for rule, finding in judgement.looked_at]
    if any(each.looked is Looked.PATH for each in looked):
        looked.append(_header(response, "Content-Type", "", redact))
    if verdict is Verdict.RATE_LIMITED:
        field = written_field("http.retryHeader", notation, "connection")
        looked.append(_header(response, prepared.retry_header, field, redact))
    return Step(
        noted.purpose,
        noted.method,
        url,
        noted.waited,
        noted.seconds,
        response.status,
        verdict.value,
        judgement.rule,
        sentence + redact(noted.remark) + _LEADS_ON.get(then, ""),
        credentials=noted.credentials,
        looked_at=tuple(looked),
    )


def _header(response: HttpResponse, name: str, field: str, redact: Redactor) -> LookedAt:
    value = response.headers.get(name)
    return LookedAt(None, Looked.HEADER, field, name, None if value is None else redact.cut(value, FOUND_LIMIT))


def _renewal(renewal: Renewal, redact: Redactor) -> Renewal:
    return Renewal(
        renewal.reason,
        renewal.by,
        renewal.outcome,
        renewal.seconds,
        renewal.after_steps,
        redact(renewal.message),
        renewal.token_before,
        renewal.token,
        renewal.refresh_token_before,
        renewal.refresh_token,
        renewal.expires,
    )


def _without_credentials(noted: _Noted) -> str:
    """The URL without user and fragment, credentials of its query masked; where a redirect leads to and what logs in show no values at
    all."""
    url, _, _ = noted.url.partition("#")
    head, mark, query = _USER.sub("", url).partition("?")
    all_of_them = noted.secret_answer or noted.led_here

    def shown(pair: str) -> str:
        name, equals, _ = pair.partition("=")
        hidden = all_of_them or name == noted.secret_query or _CREDENTIAL.search(name)
        return f"{name}={MASK}" if equals and hidden else pair

    return head + mark + "&".join(shown(pair) for pair in query.split("&"))


def _credentials(prepared: Prepared, request: HttpRequest, *, renewing: bool) -> SentCredentials:
    session = prepared.session
    headers = tuple(name for name, _ in request.headers.items() if name.lower() in request.secret_headers)
    token = None if renewing else session.credentials.token or _bearer(request)
    return SentCredentials(
        prepared.strategy.name,
        headers,
        request.secret_query[0] if request.secret_query else "",
        request.secret_body,
        tuple(pair.partition("=")[0].strip() for pair in _cookies(request)),
        _fingerprint(token),
        None if renewing else session.credentials.expires,
    )


def _bearer(request: HttpRequest) -> str | None:
    scheme, _, token = (request.headers.get("Authorization") or "").partition(" ")
    return token if scheme.lower() == "bearer" else None


def _cookies(request: HttpRequest) -> list[str]:
    if "cookie" not in request.secret_headers:
        return []
    return [pair for value in request.headers.get_all("Cookie") for pair in value.split(";") if pair.strip()]


def _signatures(request: HttpRequest) -> Iterator[str]:
    """What was computed for this request and opens doors: values of credential headers, and the parts of them that change."""
    for name, value in request.headers.items():
        if name.lower() in request.secret_headers:
            yield value
            yield value.partition(" ")[2]
            yield from _SIGNATURES.findall(value)
    yield from (pair.partition("=")[2].strip() for pair in _cookies(request))


def _fingerprint(token: str | None) -> Fingerprint | None:
    return Fingerprint.of(token) if token else None
