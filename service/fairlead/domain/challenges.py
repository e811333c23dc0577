"""What an application asks for before it answers: the challenges of ``WWW-Authenticate`` (RFC 9110 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

_LONGEST: Final = 16_384  # characters of one header; HTTP clients commonly read no more than 8 to 16 KiB of one
_MOST_CHALLENGES: Final = 32
_MOST_PARAMETERS: Final = 64

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_ENDS: Final = r"(?=[ \t]*+(?:,|\Z))"
_GAP: Final = re.compile(r"[ \t,]*+")
_PARAMETER: Final = re.compile(
    rf"({_WORD})[ \t]*+=[ \t]*+"
    # A value without quotes may be more than a token: nonces in plain Base64 are common.
    rf'(?:"((?:[\t !#-\[\]-~\x80-\U0010ffff]|\\[\t -~\x80-\U0010ffff])*+)"|([!#-+\--\[\]-~]++)){_ENDS}'
)
_SCHEME: Final = re.compile(rf"({_WORD})(?:[ \t]++([A-Za-z0-9._~+/-]++=*+){_ENDS}|(?=[ \t,]|\Z))")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Parameter:
    """The value of a parameter, and ``raw``: what stood between its quotes, escapes included, to be sent back in quotes unchanged."""

    value: str
    raw: str


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge: the scheme as written, and its parameters by lower-case name or its ``token68``. Of two parameters of one name the
    first counts."""

    scheme: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    token68: str = ""

    def value(self, name: str) -> str:
        """The value of a parameter, ``""`` when it is not there."""
        found = self.parameters.get(name)
        return found.value if found is not None else ""


class Challenges(NamedTuple):
    """Every challenge that could be read, in order, and what is wrong with the first that could not, ``""`` when all could."""

    found: tuple[Challenge, ...]
    problem: str


class _Unreadable(Exception):
    """A header ends to make sense; the message says where and quotes nothing of it."""


def read_challenges(headers: Iterable[str]) -> Challenges:
    """The challenges of all ``WWW-Authenticate`` headers of an answer. Reading a header stops where it makes no sense; the challenge
    in which that happens is left out, those before it and those of other headers count. Bounded: 16,384 characters a header, 64
    parameters a challenge, 32 challenges; the time grows with the length only."""
    found: list[Challenge] = []
    problem = ""
    for header in headers:
        try:
            _read(header, found)
        except _Unreadable as error:
            problem = problem or str(error)
    return Challenges(tuple(found), problem)


def read_parameters(header: str) -> Mapping[str, Parameter]:
    """The parameters of ``Authentication-Info`` (RFC 9110 11.6.3), by lower-case name; none of a header that makes no sense."""
    parameters: dict[str, Parameter] = {}
    if len(header) > _LONGEST:
        return parameters
    at = _after_gap(header, 0)
    while at < len(header):
        parameter = _PARAMETER.match(header, at)
        if parameter is None or len(parameters) == _MOST_PARAMETERS:
            return {}
        _keep(parameters, parameter)
        at = _after_gap(header, parameter.end())
    return parameters


def _read(header: str, found: list[Challenge]) -> None:
    """Append the challenges of one header. Raises ``_Unreadable``; what was complete before is then in ``found``."""
    if len(header) > _LONGEST:
        raise _Unreadable(f"a header of {len(header)} characters is longer than {_LONGEST}")
    scheme: str | None = None
    parameters: dict[str, Parameter] = {}
    at = _after_gap(header, 0)
    while at < len(header):
        parameter = _PARAMETER.match(header, at) if scheme is not None else None
        if parameter is not None:
            if len(parameters) == _MOST_PARAMETERS:
                raise _Unreadable(f"a challenge has more than {_MOST_PARAMETERS} parameters")
            _keep(parameters, parameter)
            at = _after_gap(header, parameter.end())
            continue
        following = _SCHEME.match(header, at)
        if following is None:
            raise _Unreadable(f"a header makes no sense from character {at + 1} on")
        if scheme is not None:
            _add(found, Challenge(scheme, parameters))
        scheme, parameters = following[1], {}
        if following[2]:
            _add(found, Challenge(scheme, token68=following[2]))
            scheme = None
        at = _after_gap(header, following.end())
    if scheme is not None:
        _add(found, Challenge(scheme, parameters))


def _add(found: list[Challenge], challenge: Challenge) -> None:
    if len(found) == _MOST_CHALLENGES:
        raise _Unreadable(f"there are more than {_MOST_CHALLENGES} challenges")
    found.append(challenge)


def _keep(parameters: dict[str, Parameter], match: re.Match[str]) -> None:
    name, quoted, plain = match.groups()
    raw = plain if quoted is None else quoted
    value = _ESCAPE.sub(r"\1", quoted) if quoted and "\\" in quoted else raw
    parameters.setdefault(name.lower(), Parameter(value, raw))


def _after_gap(header: str, at: int) -> int:
    """Past blanks and commas; empty members of a list count for nothing (RFC 9110 5.6.1.2)."""
    gap = _GAP.match(header, at)
    return gap.end() if gap is not None else at
