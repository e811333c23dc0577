"""The one place where a response is judged (D7, connections.md 5.3).

``judge`` gives every answer of an application exactly one verdict by an ordered list of rules compiled from the connection's and
the resource's fields. Nothing else looks at status codes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from fairlead.domain import jsonvalue
from fairlead.domain.http import HttpResponse
from fairlead.domain.paths import NOTHING
from fairlead.domain.redaction import Redactor
from fairlead.domain.selector import Selector
from fairlead.engine.body import Body, BodyReader
from fairlead.engine.checks import (
    STATUS_CHECK,
    Check,
    Finding,
    PathRule,
    Rule,
    authentication_check,
    end_of_pages_check,
    fail_check,
    rate_limit_check,
    success_check,
)
from fairlead.engine.ports import Answer, Json, Verdict

MESSAGE_LIMIT = 4096
"""Characters of an application's text that are shown in a message (contract.md 1.16)."""


@dataclass(frozen=True, slots=True)
class ConnectionRules:
    """What a connection says about every answer: how to read it, when it is throttled, when its credentials were refused."""

    checks: tuple[Check, ...]
    reader: BodyReader

    @classmethod
    def of(cls, http: Mapping[str, Json], reader: BodyReader) -> ConnectionRules:
        """From the connection's block in the ``http`` dialect; raises ``PathError``."""
        limit, auth = http.get("rateLimit") or {}, http.get("auth") or {}
        return cls((rate_limit_check(limit), authentication_check(auth)), reader)


@dataclass(frozen=True, slots=True)
class ResponseRules:
    """What a resource says about its answers: ``ping.*`` for ping, ``http.response.*`` for exports and imports."""

    success: PathRule | None = None
    fail: PathRule | None = None
    error_path: Selector | None = None
    success_media_type: str | None = None
    error_media_type: str | None = None
    end_statuses: frozenset[int] = frozenset()
    empty_is_good: bool = False
    """An answer without a body says nothing at the success path and is good all the same (imports, exports-imports.md 9.6)."""
    checks: tuple[Check, ...] = field(init=False, repr=False, compare=False)
    """These, compiled, in the order of connections.md 5.3."""

    def __post_init__(self) -> None:
        checks = (
            end_of_pages_check(self.end_statuses) if self.end_statuses else None,
            STATUS_CHECK,
            fail_check(self.fail) if self.fail is not None else None,
            success_check(self.success, empty_is_good=self.empty_is_good) if self.success is not None else None,
        )
        object.__setattr__(self, "checks", tuple(check for check in checks if check is not None))

    @classmethod
    def of(
        cls,
        response: Mapping[str, Json],
        *,
        success_media_type: str | None = None,
        error_media_type: str | None = None,
        end_statuses: frozenset[int] = frozenset(),
        empty_is_good: bool = False,
    ) -> ResponseRules:
        """From the members successPath, successValues, failPath, failValues, errorPath and allowArrayforSuccessPath; raises
        ``PathError``."""
        error_path = response.get("errorPath")
        return cls(
            PathRule.of(
                response.get("successPath"),
                response.get("successValues"),
                any_element=bool(response.get("allowArrayforSuccessPath")),
            ),
            PathRule.of(response.get("failPath"), response.get("failValues")),
            Selector.of(error_path) if isinstance(error_path, str) and error_path else None,
            success_media_type,
            error_media_type,
            end_statuses,
            empty_is_good,
        )


_NO_SECRETS = Redactor()


def judge(
    connection: ConnectionRules,
    resource: ResponseRules,
    response: HttpResponse,
    redactor: Redactor = _NO_SECRETS,
    computed: Callable[[], Iterable[str]] = tuple,
) -> Answer:
    """The verdict of one answer, by the order of connections.md 5.3. Its message shows none of the redactor's secrets, and nothing of what
    was ``computed`` for its request (a signature, a token that was made).

    Rule 7 of that order, a body that is not what its media type says, shows itself when an export reads its records
    (``executors/http/export.py``): asking here would read every page twice."""
    body = connection.reader.read(response, resource.success_media_type, resource.error_media_type)
    for checks in (connection.checks, resource.checks):
        for check in checks:
            if check.met(response, body):
                return _answer(check, resource, response, body, redactor, computed)
    return Answer(response, Verdict.SUCCESS, body.value, body.codec, body.charset)


def _answer(
    check: Check,
    resource: ResponseRules,
    response: HttpResponse,
    body: Body,
    redactor: Redactor,
    computed: Callable[[], Iterable[str]],
) -> Answer:
    """The answer that ``check`` judged, told by the application's words."""
    if check.verdict is Verdict.END_OF_PAGES:
        return Answer(response, check.verdict, body.value, body.codec, body.charset)
    # Redaction comes before the cut, so that no secret is cut in two (contract.md 1.7).
    message = redactor.cut(message_of(response, body, resource.error_path), MESSAGE_LIMIT, computed())
    return Answer(response, check.verdict, body.value, body.codec, body.charset, check.code_of(response), message)


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a verdict came about: the rule that decided, by what, and everything that was looked at up to there."""

    rule: Rule
    decided_by: list[tuple[Rule, Finding]]
    looked_at: list[tuple[Rule, Finding]]


def judgement_of(connection: ConnectionRules, resource: ResponseRules, response: HttpResponse) -> Judgement:
    """How ``judge`` comes to its verdict, for a person who wants to know. The body is read anew."""
    body = connection.reader.read(response, resource.success_media_type, resource.error_media_type)
    seen: list[tuple[Rule, Finding]] = []
    for check in (*connection.checks, *resource.checks):
        findings, deciding = check.findings(response, body)
        seen += [(check.rule, finding) for finding in findings]
        if deciding:
            return Judgement(check.rule, [(check.rule, finding) for finding in deciding], seen)
    # Nothing speaks against it: what speaks for it are the resource's own conditions, all of them as they should be.
    good: list[tuple[Rule, Finding]] = [
        (rule, finding) for rule, finding in seen if rule in (Rule.STATUS, Rule.SUCCESS_PATH)
    ]
    return Judgement(Rule.SUCCESS, good, seen)


def message_of(response: HttpResponse, body: Body, error_path: Selector | None) -> str:
    """Value at the error path when there is one, else the body's text, else the reason phrase (contract.md 1.16)."""
    if error_path is not None:
        decoded = body.value_or_nothing()
        value = error_path.shown(decoded) if decoded is not NOTHING else NOTHING
        if value is not NOTHING and value is not None:
            return jsonvalue.text_of(value)
    text = body.text()
    return text if text.strip() else response.reason or f"status {response.status}"
