"""The one place where a response is judged (D7, connections.md 5.3).

``judge`` gives every answer of an application exactly one verdict by an ordered list of rules compiled from the connection's and
the resource's fields. Nothing else looks at status codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fairlead.domain import jsonvalue
from fairlead.domain.http import HttpResponse
from fairlead.domain.paths import NOTHING, Path, compile_path
from fairlead.domain.redaction import Redactor
from fairlead.engine.body import Body, BodyReader
from fairlead.engine.ports import Answer, Json, Verdict

MESSAGE_LIMIT = 4096
"""Characters of an application's text that are shown in a message (contract.md 1.16)."""


@dataclass(frozen=True, slots=True)
class PathRule:
    """A path with the values that count there; without values the truth of connections.md 5.2 decides."""

    path: Path
    values: frozenset[str] | None
    any_element: bool = True

    @classmethod
    def of(cls, path: object, values: object, *, any_element: bool = True) -> PathRule | None:
        """Nothing when ``path`` is not set; raises ``PathError`` when it cannot be read."""
        if not isinstance(path, str) or path == "":
            return None
        wanted = frozenset(str(v) for v in values) if isinstance(values, (list, tuple)) and values else None
        return cls(compile_path(path), wanted, any_element)

    def matches(self, body: Json) -> bool:
        """Whether the value at the path is one that counts (connections.md 5.2)."""
        found = self.path.find(body) if body is not NOTHING else []
        if not found:
            return False
        if len(found) > 1 or isinstance(found[0], list):
            candidates = found if len(found) > 1 else found[0]
            if self.any_element and any(self._counts(item) for item in candidates):
                return True
            return len(found) == 1 and self._counts(found[0])
        return self._counts(found[0])

    def _counts(self, value: Json) -> bool:
        if self.values is not None:
            return jsonvalue.text_of(value) in self.values
        if isinstance(value, str):
            return value not in ("", "0") and value.lower() != "false"
        return jsonvalue.text_of(value) not in ("null", "false", "0", "[]", "{}")


@dataclass(frozen=True, slots=True)
class Detection:
    """Status, path and values by which an application tells a condition (connections.md 6.1, 7.1).

    ``usual`` is the status that tells it anyway: 401 or 429. ``usual_yields``: not when the connection names that same status
    together with a path, because then the path decides (6.1).
    """

    usual: int
    status: int | None
    rule: PathRule | None
    failures: frozenset[int]
    usual_yields: bool

    @classmethod
    def of(cls, settings: Mapping[str, Json], usual: int, *, usual_yields: bool) -> Detection:
        """From the members failStatusCode, failPath, failValues and failures[]; raises ``PathError``."""
        status = settings.get("failStatusCode")
        return cls(
            usual,
            None if status is None else int(status),
            PathRule.of(settings.get("failPath"), settings.get("failValues")),
            frozenset(
                int(entry["statusCode"])
                for entry in settings.get("failures") or ()
                if entry.get("statusCode") is not None
            ),
            usual_yields,
        )

    def detects(self, response: HttpResponse, body: Body) -> bool:
        """Whether this answer tells the condition."""
        status = response.status
        if status in self.failures:
            return True
        if self.rule is None:
            return status in (self.status, self.usual)
        if self.status in (None, status) and self.rule.matches(body.value_or_nothing()):
            return True
        return status == self.usual and not (self.usual_yields and self.status == self.usual)


@dataclass(frozen=True, slots=True)
class ConnectionRules:
    """What a connection says about every answer: how to read it, when it is throttled, when its credentials were refused."""

    rate_limit: Detection
    authentication: Detection
    reader: BodyReader

    @classmethod
    def of(cls, http: Mapping[str, Json], reader: BodyReader) -> ConnectionRules:
        """From the connection's block in the ``http`` dialect; raises ``PathError``."""
        return cls(
            Detection.of(http.get("rateLimit") or {}, 429, usual_yields=False),
            Detection.of(http.get("auth") or {}, 401, usual_yields=True),
            reader,
        )


@dataclass(frozen=True, slots=True)
class ResponseRules:
    """What a resource says about its answers: ``ping.*`` for ping, ``http.response.*`` for exports and imports."""

    success: PathRule | None = None
    fail: PathRule | None = None
    error_path: Path | None = None
    success_media_type: str | None = None
    error_media_type: str | None = None
    end_statuses: frozenset[int] = frozenset()

    @classmethod
    def of(
        cls,
        response: Mapping[str, Json],
        *,
        success_media_type: str | None = None,
        error_media_type: str | None = None,
        end_statuses: frozenset[int] = frozenset(),
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
            compile_path(error_path) if isinstance(error_path, str) and error_path else None,
            success_media_type,
            error_media_type,
            end_statuses,
        )


_NO_SECRETS = Redactor()


def judge(
    connection: ConnectionRules, resource: ResponseRules, response: HttpResponse, redactor: Redactor = _NO_SECRETS
) -> Answer:
    """The verdict of one answer, by the order of connections.md 5.3. Its message shows none of the redactor's secrets.

    Rule 7 of that order, a body that is not what its media type says, shows itself when an export reads its records
    (``executors/http/export.py``): asking here would read every page twice."""
    body = connection.reader.read(response, resource.success_media_type, resource.error_media_type)

    def answer(verdict: Verdict, code: str = "", message: str = "") -> Answer:
        return Answer(response, verdict, body.value, body.codec, body.charset, code, message)

    def told(verdict: Verdict, code: str) -> Answer:
        # Redaction comes before the cut, so that no secret is cut in two (contract.md 1.7).
        return answer(verdict, code, redactor.cut(message_of(response, body, resource.error_path), MESSAGE_LIMIT))

    def refused(verdict: Verdict, judged: str) -> Answer:
        # A status below 300 is no failure by itself: then the word says what the paths judged (contract.md 1.16).
        return told(verdict, str(response.status) if response.status >= 300 else judged)

    if connection.rate_limit.detects(response, body):
        return refused(Verdict.RATE_LIMITED, "429")
    if connection.authentication.detects(response, body):
        code = str(response.status) if response.status >= 400 else "401"
        return told(Verdict.AUTHENTICATION_FAILED, code)
    if response.status in resource.end_statuses:
        return answer(Verdict.END_OF_PAGES)
    if not 200 <= response.status <= 299:
        return told(Verdict.FAILED, str(response.status))
    if resource.fail is not None and resource.fail.matches(body.value_or_nothing()):
        return refused(Verdict.FAILED, "422")
    if resource.success is not None and not resource.success.matches(body.value_or_nothing()):
        return refused(Verdict.FAILED, "422")
    return answer(Verdict.SUCCESS)


def message_of(response: HttpResponse, body: Body, error_path: Path | None) -> str:
    """Value at the error path when there is one, else the body's text, else the reason phrase (contract.md 1.16)."""
    if error_path is not None:
        decoded = body.value_or_nothing()
        value = error_path.first(decoded) if decoded is not NOTHING else NOTHING
        if value is not NOTHING and value is not None:
            return jsonvalue.text_of(value)
    text = body.text()
    return text if text.strip() else response.reason or f"status {response.status}"
