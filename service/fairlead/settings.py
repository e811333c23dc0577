"""Settings are environment variables with the prefix ``FAIRLEAD_`` (README, Settings). Read once, checked at once."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

PREFIX: Final = "FAIRLEAD_"
T = TypeVar("T")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(ValueError):
    """One or more settings are wrong; the message says which and why, a line each. Never shows a secret's value."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator decides. Field names are the variables' names in lower case, without the prefix."""

    http_address: str = "127.0.0.1:8080"
    grpc_address: str = "127.0.0.1:50051"
    database_url: str = field(default="sqlite:///fairlead.db", repr=False)  # MongoDB's holds a password
    encryption_keys: str | None = field(default=None, repr=False)
    state_keys: str | None = field(default=None, repr=False)
    bootstrap_token: str | None = field(default=None, repr=False)
    egress_allow: str = ""
    rate_limit_size: int = 1000
    rate_limit_per_second: float = 300
    max_outbound: int = 256
    public_url: str | None = None
    oauth_return_url: str | None = None
    trusted_proxies: tuple[Network, ...] = ()
    unknown_fields: str = "refuse"
    empty_lists: int = 200
    log_level: str = "info"
    max_body_bytes: int = 20 * 1024 * 1024
    max_bodies_bytes: int = 128 * 1024 * 1024
    max_calls: int = 4096
    page_cache_bytes: int = 64 * 1024 * 1024
    shutdown_seconds: float = 30
    otel_endpoint: str | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """Read the environment; an empty value counts as not given. Raises ``SettingsError`` with every problem at once."""
        values: dict[str, Any] = {}
        problems: list[str] = []
        for name, read in _READERS.items():
            variable = PREFIX + name.upper()
            text = environment.get(variable, "").strip()
            if not text:
                continue
            try:
                values[name] = read(text)
            except ValueError as error:
                problems.append(f"{variable}: {error}")
        known = {PREFIX + name.upper() for name in _READERS} | _NOT_OURS
        problems += [
            f"{variable}: there is no such setting; see the table of settings in README.md"
            for variable in environment
            if variable.startswith(PREFIX) and variable not in known and not variable.startswith(PREFIX + "TEST_")
        ]
        settings = cls(**values)
        if settings.database_url.startswith("mongodb") and not (settings.encryption_keys and settings.state_keys):
            problems.append(
                f"{PREFIX}DATABASE_URL names MongoDB: {PREFIX}ENCRYPTION_KEYS and {PREFIX}STATE_KEYS are both required then; "
                "`fairlead key generate` prints a key"
            )
        if settings.max_bodies_bytes < settings.max_body_bytes:
            problems.append(
                f"{PREFIX}MAX_BODIES_BYTES: {settings.max_bodies_bytes} is less than {PREFIX}MAX_BODY_BYTES, {settings.max_body_bytes}: "
                "a body of that size would never be read"
            )
        if problems:
            raise SettingsError("\n".join(problems))
        return settings


_NOT_OURS: Final = frozenset({PREFIX + "URL", PREFIX + "TOKEN"})
"""Read by the client commands, not by the service."""


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is not HOST:PORT")
    return text


def _database(text: str) -> str:
    if not text.startswith(("sqlite:///", "mongodb://", "mongodb+srv://")):
        raise ValueError("must start with sqlite:/// or mongodb://")
    return text


def _token(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError("must be 64 lower-case hex digits")
    return text


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not least <= int(text) <= most:
            raise ValueError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return read


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 < number < 1e9:
        raise ValueError(f"{text!r} is not a number above 0")
    return number


def _rate(text: str) -> float:
    number = _positive(text)
    if number < 0.001:
        raise ValueError(f"{text!r} is below 0.001, one call in a thousand seconds")
    return number


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"{text!r} is not one of {', '.join(words)}")
        return text.lower()

    return read


def _networks(text: str) -> tuple[Network, ...]:
    networks = []
    for word in text.split(","):
        try:
            networks.append(ipaddress.ip_network(word.strip(), strict=False))
        except ValueError:
            raise ValueError(f"{word.strip()!r} is not a network such as 10.0.0.0/8") from None
    return tuple(networks)


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text):
        raise ValueError(f"{text!r} is not an http or https URL without query")
    return text.rstrip("/")


def _page_url(text: str) -> str:
    if not re.fullmatch(r"https?://[!-~]+", text) or "#" in text or not urlsplit(text).hostname:
        raise ValueError(f"{text!r} is not an http or https URL without fragment")
    return text


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "http_address": _address,
    "grpc_address": _address,
    "database_url": _database,
    "encryption_keys": str,
    "state_keys": str,
    "bootstrap_token": _token,
    "egress_allow": str,
    "rate_limit_size": _whole(1, 10**9),
    "rate_limit_per_second": _rate,
    "max_outbound": _whole(1, 100_000),
    "public_url": _url,
    "oauth_return_url": _page_url,
    "trusted_proxies": _networks,
    "unknown_fields": _one_of("refuse", "ignore"),
    "empty_lists": lambda text: int(_one_of("200", "204")(text)),
    "log_level": _one_of("debug", "info", "warning", "error"),
    "max_body_bytes": _whole(1024, 1 << 30),
    "max_bodies_bytes": _whole(1024, 1 << 40),
    "max_calls": _whole(1, 1_000_000),
    "page_cache_bytes": _whole(0, 1 << 40),
    "shutdown_seconds": _positive,
    "otel_endpoint": _url,
}
