"""Settings are environment variables, read once, checked at once."""

from __future__ import annotations

import ipaddress
from dataclasses import fields
from typing import Any

import pytest

from fairlead.settings import Settings, SettingsError

KEY = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
TOKEN = "0123456789abcdef" * 4


def test_without_variables_the_defaults_of_the_table_hold() -> None:
    """README, Settings: what runs on a fresh machine."""
    settings = Settings.of({})
    assert settings == Settings()
    assert (settings.http_address, settings.grpc_address) == ("127.0.0.1:8080", "127.0.0.1:50051")
    assert settings.database_url == "sqlite:///fairlead.db"
    assert (settings.rate_limit_size, settings.rate_limit_per_second, settings.max_outbound) == (1000, 300, 256)
    assert (settings.unknown_fields, settings.empty_lists, settings.log_level) == ("refuse", 200, "info")
    assert settings.max_body_bytes == 20 << 20


GOOD: list[tuple[str, str, Any]] = [
    ("HTTP_ADDRESS", "0.0.0.0:80", "0.0.0.0:80"),
    ("GRPC_ADDRESS", "[::1]:0", "[::1]:0"),
    ("DATABASE_URL", "sqlite:////var/lib/f.db", "sqlite:////var/lib/f.db"),
    ("ENCRYPTION_KEYS", KEY, KEY),
    ("STATE_KEYS", KEY, KEY),
    ("BOOTSTRAP_TOKEN", TOKEN, TOKEN),
    ("EGRESS_ALLOW", "127.0.0.1, api.example.test", "127.0.0.1, api.example.test"),
    ("RATE_LIMIT_SIZE", "5", 5),
    ("RATE_LIMIT_PER_SECOND", "0.5", 0.5),
    ("MAX_OUTBOUND", "1", 1),
    ("PUBLIC_URL", "https://x.test/fairlead/", "https://x.test/fairlead"),
    ("OAUTH_RETURN_URL", "https://x.test/done?from=fairlead", "https://x.test/done?from=fairlead"),
    ("TRUSTED_PROXIES", "10.0.0.0/8, ::1", (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1"))),
    ("UNKNOWN_FIELDS", "Ignore", "ignore"),
    ("EMPTY_LISTS", "204", 204),
    ("LOG_LEVEL", "DEBUG", "debug"),
    ("MAX_BODY_BYTES", "1024", 1024),
    ("MAX_BODIES_BYTES", "1073741824", 1 << 30),
    ("MAX_CALLS", "100", 100),
    ("PAGE_CACHE_BYTES", "0", 0),
    ("SHUTDOWN_SECONDS", "1", 1.0),
    ("OTEL_ENDPOINT", "http://collector:4317", "http://collector:4317"),
]


def test_every_setting_is_tried_here() -> None:
    """A new setting comes with a row in the table of this test."""
    assert {name.lower() for name, *_ in GOOD} == {field.name for field in fields(Settings)}


@pytest.mark.parametrize(("name", "text", "value"), GOOD, ids=[row[0] for row in GOOD])
def test_a_value_is_read(name: str, text: str, value: Any) -> None:
    """Blanks around are no part of it; an empty value counts as not given."""
    assert getattr(Settings.of({f"FAIRLEAD_{name}": f" {text} "}), name.lower()) == value
    assert Settings.of({f"FAIRLEAD_{name}": " "}) == Settings()


BAD: list[tuple[str, str]] = [
    *[("HTTP_ADDRESS", text) for text in ("8080", ":8080", "host", "host:", "host:http", "host:70000", "host:-1")],
    *[("DATABASE_URL", text) for text in ("postgres://x", "sqlite://f.db", "f.db")],
    *[("BOOTSTRAP_TOKEN", text) for text in ("x", TOKEN.upper(), TOKEN + "0", TOKEN[:-1])],
    *[("RATE_LIMIT_SIZE", text) for text in ("0", "-1", "1.5", "many", "1e3", "9" * 30)],
    *[("RATE_LIMIT_PER_SECOND", text) for text in ("0", "-1", "nan", "inf", "fast", "0.0009", "1e-320")],
    *[("MAX_OUTBOUND", text) for text in ("0", "100001")],
    *[("PUBLIC_URL", text) for text in ("x.test", "ftp://x.test", "https://x.test/?q=1", "https://", "https://x y")],
    *[
        ("OAUTH_RETURN_URL", text)
        for text in ("x.test", "ftp://x.test", "https://", "https://?a", "https://x.test/#a", "https://x y")
    ],
    *[("TRUSTED_PROXIES", text) for text in ("10.0.0.0/33", "x.test", "10.0.0.0/8,")],
    ("UNKNOWN_FIELDS", "drop"),
    ("EMPTY_LISTS", "404"),
    ("LOG_LEVEL", "loud"),
    *[("MAX_BODY_BYTES", text) for text in ("1023", "2GiB")],
    *[("MAX_BODIES_BYTES", text) for text in ("0", str((20 << 20) - 1))],
    ("MAX_CALLS", "0"),
    ("SHUTDOWN_SECONDS", "0"),
]


@pytest.mark.parametrize(("name", "text"), BAD)
def test_a_wrong_value_stops_the_start_with_its_name(name: str, text: str) -> None:
    """Issue: a sentence that says which and why."""
    with pytest.raises(SettingsError, match=f"^FAIRLEAD_{name}: .{{10,}}") as error:
        Settings.of({f"FAIRLEAD_{name}": text})
    assert "\n" not in str(error.value)


def test_every_problem_is_told_at_once_a_line_each() -> None:
    """One start, one list."""
    wrong = {"FAIRLEAD_EMPTY_LISTS": "1", "FAIRLEAD_LOG_LEVEL": "x", "FAIRLEAD_HTTP_PORT": "80"}
    with pytest.raises(SettingsError) as error:
        Settings.of(wrong)
    assert sorted(line.split(":")[0] for line in str(error.value).splitlines()) == sorted(wrong)


def test_a_misspelt_setting_is_no_silence() -> None:
    """What the client commands and the tests read is known; other programs' variables are none of ours."""
    Settings.of({"FAIRLEAD_URL": "x", "FAIRLEAD_TOKEN": "x", "FAIRLEAD_TEST_MONGODB_URI": "x", "PATH": "x"})
    with pytest.raises(SettingsError, match="FAIRLEAD_EGRESS_ALLOWED: there is no such setting"):
        Settings.of({"FAIRLEAD_EGRESS_ALLOWED": "x"})


@pytest.mark.parametrize("missing", ["ENCRYPTION_KEYS", "STATE_KEYS"])
@pytest.mark.parametrize("url", ["mongodb://h/d", "mongodb+srv://h/d"])
def test_mongodb_needs_both_kinds_of_keys(missing: str, url: str) -> None:
    """Issue, Settings: with SQLite they are generated, with MongoDB they must be given."""
    environment = {"FAIRLEAD_DATABASE_URL": url, "FAIRLEAD_ENCRYPTION_KEYS": KEY, "FAIRLEAD_STATE_KEYS": KEY}
    assert Settings.of(environment).database_url == url
    del environment[f"FAIRLEAD_{missing}"]
    with pytest.raises(SettingsError, match="fairlead key generate"):
        Settings.of(environment)


def test_neither_repr_nor_errors_show_a_secret() -> None:
    """contract.md 1.7: keys, the bootstrap token and the password in a database URL."""
    url = "mongodb://user:pa55word@h/d"
    keys = {"FAIRLEAD_ENCRYPTION_KEYS": KEY, "FAIRLEAD_STATE_KEYS": KEY}
    shown = repr(Settings.of({**keys, "FAIRLEAD_BOOTSTRAP_TOKEN": TOKEN, "FAIRLEAD_DATABASE_URL": url}))
    with pytest.raises(SettingsError) as error:
        Settings.of({**keys, "FAIRLEAD_BOOTSTRAP_TOKEN": f"{TOKEN}0", "FAIRLEAD_DATABASE_URL": f"x{url}"})
    for secret in (KEY, TOKEN, "pa55word"):
        assert secret not in shown
        assert secret not in str(error.value)
