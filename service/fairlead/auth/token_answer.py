"""Reading the answer of a token endpoint: one place for refresh requests and all grants (connections.md 3.2, 3.3; RFC 6749 5).

What is told of a bad answer shows what the application said about the error, never the value of a token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

from fairlead.auth import expiry
from fairlead.domain import jsonvalue, urls
from fairlead.domain.http import HttpResponse
from fairlead.domain.paths import ALL, NOTHING, PathError, plain_steps, step_into
from fairlead.domain.selector import Selector
from fairlead.engine.ports import Answer, Credentials, Json, RenewalFailed, RenewalRefused, UnreadableBody

MOST_BYTES: Final = 16 * 1024
"""Bytes of one token: no header field is longer."""
_SHOWN: Final = 300
_NAMES_SHOWN: Final = 10
_WHO: Final = "the token endpoint answered"
ACCESS_TOKEN: Final = "access_token"  # noqa: S105  # a member's name
"""Where a token stands unless the connection says otherwise."""
_REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105  # a member's name
_FORM: Final = "application/x-www-form-urlencoded"
_NOT_A_REFUSAL: Final = (408, 429)
_UNSENDABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_HTML: Final = re.compile(rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!doctype html|<html|<head|<body)", re.IGNORECASE)
_CONFIDENTIAL: Final = re.compile("token|secret|password|code$", re.IGNORECASE)
_LAST_NAME: Final = re.compile(r"([\w.-]+)(?:\[[^\]]*\])?(?:/text\(\)|/\.)?\s*$")


@dataclass(frozen=True, slots=True)
class TokenPaths:
    """Where an answer holds what (connections.md 5.1, 3.2 rule 4)."""

    token: str = ACCESS_TOKEN
    further: Sequence[str] = ()
    """``tokenPaths``: one that ends in ``refresh_token`` is where the new refresh token stands."""


def credentials_of(
    answer: Answer, paths: TokenPaths, *, now: datetime, before: Credentials, refreshed: bool = False
) -> Credentials:
    """The credentials that an answer brings; what it does not replace stays as ``before``. ``refreshed``: a refresh token was sent, so
    ``invalid_grant`` means that it is spent.

    Good is a status 2xx with a text or number that is not empty at ``paths.token``. Raises ``RenewalRefused`` for 4xx but 408 and 429, and
    for 2xx without a token that can be used; ``RenewalFailed`` for any other status and for a path that cannot be read.
    """
    response = answer.response
    status = response.status
    if 400 <= status < 500 and status not in _NOT_A_REFUSAL:
        value = _value_or_nothing(answer)
        raise RenewalRefused(_told(answer, value), status=status, spent=refreshed and _is_spent(value))
    if not 200 <= status < 300:
        raise RenewalFailed(str(status), _told(answer, _value_or_nothing(answer)) + _elsewhere(response))
    value = _value(answer)
    found = _found(value, paths.token)
    if _is_nothing(found) and (error := _error_of(value)):
        raise RenewalRefused(f"{_WHO} {status}: {error}", status=status, spent=refreshed and _is_spent(value))
    token = _text(found)
    if token is None:
        raise RenewalRefused(f"{_WHO} {status} with {_instead(found, value)} at {paths.token}", status=status)
    _check(token, "a token", paths.token, status)
    refresh_token = _refresh_token(value, paths)
    if refresh_token is not None:
        _check(refresh_token, "a refresh token", _REFRESH_TOKEN, status)
    seconds = expiry.lifetime(_beside(value, paths.token, "expires_in"))
    expires, renew_from = expiry.ends(expiry.lifetime_of_jwt(token, now) if seconds is None else seconds, now)
    return replace(
        before,
        token=token,
        refresh_token=refresh_token or before.refresh_token,
        tokens={**before.tokens, **_further(value, paths, status)},
        expires=expires,
        renew_from=renew_from,
    )


# -- values -------------------------------------------------------------------------------------------------------


def _value(answer: Answer) -> Json:
    """The decoded body: a form when ``Content-Type`` says so, else as the answer reads itself, else JSON. Raises ``RenewalRefused``."""
    response = answer.response
    essence = (response.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    try:
        if essence == _FORM:
            return dict(parse_qsl(response.body.decode(), keep_blank_values=True))
        value = answer.value()
        if isinstance(value, str):  # JSON that is said to be plain text
            value = _json_or(value.strip())
    except UnicodeDecodeError as error:
        raise _unreadable(response, f"the body is not valid UTF-8 at byte {error.start}") from None
    except UnreadableBody as error:
        raise _unreadable(response, error.message) from None
    if not isinstance(value, dict) and _HTML.match(response.body):
        raise _unreadable(response, "")
    if value is None:
        raise RenewalRefused(f"{_WHO} {response.status} without a body", status=response.status)
    return value


def _value_or_nothing(answer: Answer) -> Json:
    try:
        return _value(answer)
    except RenewalRefused:
        return NOTHING


def _unreadable(response: HttpResponse, why: str) -> RenewalRefused:
    if _HTML.match(response.body):
        return RenewalRefused(f"{_WHO} HTML - a login page?", status=response.status)
    return RenewalRefused(f"{_WHO} {response.status}, but {why}", status=response.status)


def _json_or(text: str) -> Json:
    try:
        return jsonvalue.loads(text)
    except jsonvalue.JsonError:
        return text


def _found(value: Json, path: str) -> Json:
    try:
        return Selector.of(path).first(value)
    except PathError as error:
        raise RenewalFailed("invalid_field", str(error)) from None


def _beside(value: Json, path: str, name: str) -> Json:
    """The member ``name`` where the token stands, else at the top."""
    place = value
    if isinstance(value, dict):
        for step in (plain_steps(path) or ())[:-1]:
            place = NOTHING if step is ALL else step_into(place, step)
    found = step_into(place, name)
    return _found(value, name) if found is NOTHING else found


def _refresh_token(value: Json, paths: TokenPaths) -> str | None:
    for path in paths.further:
        if path.strip().endswith(_REFRESH_TOKEN) and (text := _text(_found(value, path))):
            return text
    return _text(_beside(value, paths.token, _REFRESH_TOKEN))


def _further(value: Json, paths: TokenPaths, status: int) -> Mapping[str, str]:
    """What stands at the other ``tokenPaths``, by the last name of the path."""
    tokens: dict[str, str] = {}
    for path in paths.further:
        text = None if path.strip().endswith(_REFRESH_TOKEN) else _text(_found(value, path))
        if text and (name := _last_name(path, value)):
            _check_length(text, "a text", path, status)
            tokens[name] = text
    return tokens


def _last_name(path: str, value: Json) -> str | None:
    """The last name of a path: of its steps in JSON, of its text in XML."""
    if isinstance(value, (dict, list)):
        return next((step for step in reversed(plain_steps(path) or ()) if isinstance(step, str)), None)
    found = _LAST_NAME.search(path)
    return found[1] if found else None


def _text(value: Json) -> str | None:
    """The text of a string or number that is not empty."""
    if isinstance(value, bool) or _is_nothing(value) or isinstance(value, (dict, list)):
        return None
    return jsonvalue.text_of(value)


def _is_nothing(value: Json) -> bool:
    return value is NOTHING or value is None or value == ""


def _check(token: str, what: str, path: str, status: int) -> None:
    """Raises ``RenewalRefused`` for a token that no request can carry."""
    _check_length(token, what, path, status)
    if _UNSENDABLE.search(token):
        message = f"{_WHO} {status} with {what} at {path} that holds a line break or another control character"
        raise RenewalRefused(message, status=status)


def _check_length(token: str, what: str, path: str, status: int) -> None:
    size = len(token.encode("utf-8", "surrogatepass"))
    if size > MOST_BYTES:
        message = (
            f"{_WHO} {status} with {what} of {-(-size // 1024)} KiB at {path}; {MOST_BYTES // 1024} KiB is the most"
        )
        raise RenewalRefused(message, status=status)


# -- sentences ----------------------------------------------------------------------------------------------------


def _is_spent(value: Json) -> bool:
    return bool(Selector.of("error").first(value) == "invalid_grant")


def _instead(found: Json, value: Json) -> str:
    """What there is where a token should be; of the rest of the answer only names."""
    if found == "":
        return "an empty token"
    if found is NOTHING or found is None:
        names = [name[:40] for name in value][:_NAMES_SHOWN] if isinstance(value, dict) else []
        return f"nothing (its members: {', '.join(names)})" if names else "nothing"
    kinds = {bool: "true or false", dict: "an object", list: "an array"}
    return f"{kinds[type(found)]} instead of a token"


def _told(answer: Answer, value: Json) -> str:
    """Status and what the application said: its error, else the text of the body, else the reason phrase."""
    response = answer.response
    if _HTML.match(response.body):
        said = "an HTML page"
    elif isinstance(value, dict):
        said = _error_of(value) or _cut(_open_members(value))
    else:
        said = _error_of(value) or _cut(answer.message or response.body.decode("utf-8", "replace"))
    said = said or response.reason
    return f"{_WHO} {response.status}: {said}" if said else f"{_WHO} {response.status}"


def _elsewhere(response: HttpResponse) -> str:
    """Where a redirect wanted to lead: host only, the rest of a URL may hold credentials."""
    location = response.headers.get("Location")
    if not 300 <= response.status < 400 or not location:
        return ""
    try:
        target = urls.origin(urls.resolve(response.url, location) if response.url else location)
    except urls.UrlError:
        return " (it wanted to redirect elsewhere)"
    return f" (it wanted to redirect to {target.scheme}://{target.host})"


def _error_of(value: Json) -> str:
    """``error`` and ``error_description`` of an answer (RFC 6749 5.2), or nothing."""
    error = Selector.of("error").first(value)
    if error in (False, 0) or jsonvalue.is_empty(error):
        return ""
    description = Selector.of("error_description").first(value)
    parts = (error.get("code"), error.get("message", description)) if isinstance(error, dict) else (error, description)
    return _cut(": ".join(text for part in parts if (text := _text(part)))) or "an error"


def _open_members(value: Mapping[str, Json]) -> str:
    left = {name: member for name, member in value.items() if not _CONFIDENTIAL.search(name)}
    return jsonvalue.text_of(left) if left else ""


def _cut(text: str) -> str:
    """One line of at most 300 characters; ends between two words, because half a secret would not be recognised as one."""
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[: _SHOWN + 1].rpartition(" ")[0]
