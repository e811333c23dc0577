"""The single rules by which an answer is judged, and what each of them looks at (connections.md 5.2, 5.3, 6.1, 7.1).

A check is a few ways to be met, each a few conditions that must all hold: the tables of the reference, compiled. Judging and explaining
walk the same ways.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from msgspec import Raw

from fairlead.domain import jsonvalue
from fairlead.domain.http import HttpResponse
from fairlead.domain.paths import NOTHING
from fairlead.domain.selector import Selector
from fairlead.engine.body import Body
from fairlead.engine.ports import Json, Verdict

GOOD: Final = range(200, 300)
"""Statuses that are no failure by themselves."""


class Rule(Enum):
    """The rules of connections.md 5.3; the last one is that no other rule is met."""

    RATE_LIMIT = "rate_limit"
    AUTHENTICATION = "authentication"
    END_OF_PAGES = "end_of_pages"
    STATUS = "status"
    FAIL_PATH = "fail_path"
    SUCCESS_PATH = "success_path"
    SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class PathRule:
    """A path with the values that count there; without values the truth of connections.md 5.2 decides."""

    path: Selector
    values: frozenset[str] | None
    any_element: bool = True

    @classmethod
    def of(cls, path: object, values: object, *, any_element: bool = True) -> PathRule | None:
        """Nothing when ``path`` is not set; raises ``PathError`` when it can be read neither as JSON path nor as XPath."""
        if not isinstance(path, str) or path == "":
            return None
        wanted = frozenset(str(v) for v in values) if isinstance(values, (list, tuple)) and values else None
        return cls(Selector.of(path), wanted, any_element)

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

    def found(self, body: Json) -> str | None:
        """What stands at the path, as text; of several matches the JSON array, nothing when there is none."""
        found = self.path.find(body) if body is not NOTHING else []
        if not found:
            return None
        return jsonvalue.text_of(found[0] if len(found) == 1 else found)

    def _counts(self, value: Json) -> bool:
        if self.values is not None:
            return jsonvalue.text_of(value) in self.values
        if isinstance(value, str):
            return value not in ("", "0") and value.lower() != "false"
        if isinstance(value, Raw):
            return float(value) != 0  # 0.0 and -0 are the number 0, however it is written
        return jsonvalue.text_of(value) not in ("null", "false", "0", "[]", "{}")


class Looked(Enum):
    """At what kind of thing a rule looked."""

    STATUS = "status"
    PATH = "path"
    HEADER = "header"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``member`` is the field that asked for it, below the block of its rule; ``""`` when nobody configured
    it. ``path`` is the path or header name. ``matched``: what was ``found`` is one of ``configured``, or, without these, counts as true."""

    looked: Looked
    member: str
    path: str
    found: str | None
    configured: tuple[str, ...]
    matched: bool | None


class Condition(Protocol):
    """One thing to look at."""

    def holds(self, response: HttpResponse, body: Body) -> bool:
        """Whether it is as expected."""

    def finding(self, response: HttpResponse, body: Body) -> Finding:
        """The same for a person."""


@dataclass(frozen=True, slots=True)
class StatusIs:
    """The status is one of these, or, when that is not ``expected``, none of them."""

    member: str
    statuses: Collection[int]
    expected: bool = True

    def holds(self, response: HttpResponse, body: Body) -> bool:
        return (response.status in self.statuses) is self.expected

    def finding(self, response: HttpResponse, body: Body) -> Finding:
        matched = response.status in self.statuses
        return Finding(Looked.STATUS, self.member, "", str(response.status), _texts(self.statuses), matched)


@dataclass(frozen=True, slots=True)
class PathMatches:
    """The value at a path is one that counts, or, when that is not ``expected``, none that does."""

    member: str
    rule: PathRule
    expected: bool = True
    needs_body: bool = False
    """It does not hold for an answer without a body, whatever is expected."""

    def holds(self, response: HttpResponse, body: Body) -> bool:
        if self.needs_body and (not response.body or response.body.isspace()):
            return False
        return self.rule.matches(body.value_or_nothing()) is self.expected

    def finding(self, response: HttpResponse, body: Body) -> Finding:
        value = body.value_or_nothing()
        wanted = tuple(sorted(self.rule.values or ()))
        found, matched = self.rule.found(value), self.rule.matches(value)
        return Finding(Looked.PATH, self.member, self.rule.path.text, found, wanted, matched)


Way = tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule of connections.md 5.3: met when every condition of one of its ways holds. ``code`` is the error code (contract.md 1.16)
    unless the answer's status is at least ``status_from``: then the status is."""

    rule: Rule
    verdict: Verdict
    ways: tuple[Way, ...]
    code: str = ""
    status_from: int = 300

    def met(self, response: HttpResponse, body: Body) -> bool:
        """Whether this is the case."""
        for way in self.ways:
            for condition in way:
                if not condition.holds(response, body):
                    break
            else:
                return True
        return False

    def findings(self, response: HttpResponse, body: Body) -> tuple[list[Finding], list[Finding]]:
        """What is looked at to know whether it is met, and the part of that which decides that it is; nothing decides when it is not."""
        seen: list[Finding] = []
        for way in self.ways:
            here = [condition.finding(response, body) for condition in _walked(way, response, body)]
            seen += here
            if all(condition.holds(response, body) for condition in way):
                return seen, here
        return seen, []

    def code_of(self, response: HttpResponse) -> str:
        """The code of an answer that this check judged."""
        return str(response.status) if response.status >= self.status_from else self.code


def rate_limit_check(settings: Mapping[str, Json]) -> Check:
    """By the members of ``rateLimit`` (connections.md 7.1); raises ``PathError``."""
    return Check(Rule.RATE_LIMIT, Verdict.RATE_LIMITED, _ways(settings, 429, usual_yields=False), "429")


def authentication_check(settings: Mapping[str, Json]) -> Check:
    """By the members of ``auth`` (connections.md 6.1); raises ``PathError``."""
    ways = _ways(settings, 401, usual_yields=True)
    return Check(Rule.AUTHENTICATION, Verdict.AUTHENTICATION_FAILED, ways, "401", 400)


def end_of_pages_check(statuses: Collection[int]) -> Check:
    """An export's last page by its status (exports-imports.md 4.2)."""
    return Check(Rule.END_OF_PAGES, Verdict.END_OF_PAGES, ((StatusIs("", statuses),),))


STATUS_CHECK: Final = Check(Rule.STATUS, Verdict.FAILED, ((StatusIs("", GOOD, expected=False),),), status_from=0)


def fail_check(rule: PathRule) -> Check:
    """The value at the fail path matches."""
    return Check(Rule.FAIL_PATH, Verdict.FAILED, ((PathMatches("failPath", rule),),), "422")


def success_check(rule: PathRule, *, empty_is_good: bool = False) -> Check:
    """The value at the success path does not match; ``empty_is_good``: an answer without a body has none that could."""
    condition = PathMatches("successPath", rule, expected=False, needs_body=empty_is_good)
    return Check(Rule.SUCCESS_PATH, Verdict.FAILED, ((condition,),), "422")


def _ways(settings: Mapping[str, Json], usual: int, *, usual_yields: bool) -> tuple[Way, ...]:
    """Status, path and values by which an application tells a condition. ``usual`` is the status that tells it anyway; ``usual_yields``:
    not when the connection names that same status together with a path, because then the path decides (connections.md 6.1)."""
    ways: list[Way] = []
    failures = frozenset(
        int(f["statusCode"]) for f in settings.get("failures") or () if f.get("statusCode") is not None
    )
    if failures:
        ways.append((StatusIs("failures.statusCode", failures),))
    status = settings.get("failStatusCode")
    path = PathRule.of(settings.get("failPath"), settings.get("failValues"))
    configured: list[Condition] = []
    if status is not None:
        configured.append(StatusIs("failStatusCode", (int(status),)))
    if path is not None:
        configured.append(PathMatches("failPath", path))
    if configured:
        ways.append(tuple(configured))
    if not (usual_yields and path is not None and status is not None and int(status) == usual):
        ways.append((StatusIs("", (usual,)),))
    return tuple(ways)


def _walked(way: Way, response: HttpResponse, body: Body) -> Iterator[Condition]:
    """The conditions up to the first that does not hold."""
    for condition in way:
        yield condition
        if not condition.holds(response, body):
            return


def _texts(statuses: Collection[int]) -> tuple[str, ...]:
    if isinstance(statuses, range):
        return (f"{statuses.start} to {statuses.stop - 1}",)
    return tuple(str(status) for status in sorted(statuses))
