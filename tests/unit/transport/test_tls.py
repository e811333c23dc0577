"""TLS settings are built once for what they are made of, and go when nobody uses them (connections.md 9)."""

from __future__ import annotations

import asyncio
import gc
import os
import ssl
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest

from fairlead.domain.http import TransportFailure
from fairlead.engine.ports import ClientIdentity, TransportProfile, host_of, identity_of
from fairlead.transport.chain import load_chain
from fairlead.transport.tls import Tls, TlsProfiles, build
from tests.authority import DAY, NOW, Authority

AUTHORITY = Authority()
CLIENT = AUTHORITY.issue("client-1")
IDENTITY = ClientIdentity(cert=CLIENT.cert, key=CLIENT.key)


class Session:
    """Whatever keeps its settings alive."""


class Builds:
    """The real builder, counted."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, *, strict: bool, identity: ClientIdentity | None) -> Tls:
        self.made += 1
        return build(strict=strict, identity=identity)


def _profile(key: str, identity: ClientIdentity | None = IDENTITY, *, strict: bool = True) -> TransportProfile:
    return TransportProfile(key, strict, host="a.test", identity=identity)


async def test_equal_material_is_built_once() -> None:
    """Also when a hundred ask at once, and for another connection with the same material."""
    builds = Builds()
    profiles = TlsProfiles(builds)
    sessions = [Session() for _ in range(100)]
    again = ClientIdentity(cert=CLIENT.cert, key=CLIENT.key)
    made = await asyncio.gather(
        *(profiles.get(_profile(f"c{number}", again), session) for number, session in enumerate(sessions))
    )
    assert (builds.made, len({id(tls) for tls in made})) == (1, 1)


async def test_each_setting_has_a_context_of_its_own() -> None:
    """Checked or not, and with another passphrase or authority: never the same one."""
    builds = Builds()
    profiles = TlsProfiles(builds)
    sessions = [Session() for _ in range(5)]
    kinds = [
        _profile("c"),
        _profile("c", strict=False),
        _profile("c", None),
        _profile("c", None, strict=False),
        _profile("c", ClientIdentity(cert=CLIENT.cert, key=CLIENT.key, ca=AUTHORITY.pem)),
    ]
    made = [await profiles.get(kind, session) for kind, session in zip(kinds, sessions, strict=True)]
    assert len({id(tls.context) for tls in made}) == builds.made == 5


async def test_settings_go_with_their_last_session() -> None:
    """Those without material stay: they serve everybody."""
    profiles = TlsProfiles(Builds())
    one, other = Session(), Session()
    await profiles.get(_profile("a"), one)
    await profiles.get(_profile("b"), other)
    await profiles.get(_profile("c", None), other)
    assert len(profiles) == 2
    del one
    gc.collect()
    assert len(profiles) == 2
    del other
    gc.collect()
    assert len(profiles) == 1


async def test_who_gives_up_does_not_stop_the_others() -> None:
    """A cancelled request leaves the building to whoever else waits."""
    builds = Builds()
    profiles = TlsProfiles(builds)
    session = Session()
    first = asyncio.create_task(profiles.get(_profile("a"), session))
    second = asyncio.create_task(profiles.get(_profile("a"), session))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).name == f"client-1 (serial {CLIENT.certificate.serial_number:X})"
    assert first.cancelled()
    assert builds.made == 1


async def test_unusable_material_fails_every_time() -> None:
    """A failure is not remembered, and says what is wrong without anything secret."""
    profiles = TlsProfiles(build)
    wrong = ClientIdentity(cert=CLIENT.cert, key=AUTHORITY.issue("x").key)
    for _ in range(2):
        with pytest.raises(TransportFailure) as caught:
            await profiles.get(_profile("a", wrong), Session())
        assert (caught.value.code, caught.value.sent) == ("tls_error", False)
        assert "does not belong to the certificate client-1" in caught.value.message
    assert len(profiles) == 0


@pytest.mark.parametrize("anonymous", [True, False])
def test_no_key_is_written_in_clear(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, anonymous: bool) -> None:
    """Neither in anonymous memory nor, where there is none, in a file; and that file is this user's and gone at once."""
    seen: list[tuple[int, bytes]] = []

    class Context(ssl.SSLContext):
        """Looks at the file."""

        def load_cert_chain(self, certfile: Any, keyfile: Any = None, password: Any = None) -> None:
            seen.append((stat.S_IMODE(os.stat(certfile).st_mode), Path(certfile).read_bytes()))
            super().load_cert_chain(certfile, keyfile, password)

    if not anonymous:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    load_chain(Context(ssl.PROTOCOL_TLS_CLIENT), [CLIENT.certificate], CLIENT.private)
    ((mode, content),) = seen
    assert b"ENCRYPTED PRIVATE KEY" in content
    assert CLIENT.key.splitlines()[1].encode() not in content
    assert anonymous or mode == 0o600
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("host", "own"), [("a.test", True), ("A.Test.", True), ("b.test", False), ("x.a.test", False)])
def test_settings_count_at_their_host(host: str, own: bool) -> None:
    """Whatever the case and a dot at the end; another host gets what a connection without settings gets."""
    profile = _profile("c", strict=False)
    assert (profile.at(host) is profile) is own
    if not own:
        assert profile.at(host) == TransportProfile("c", host="a.test")


def test_without_a_host_they_count_nowhere() -> None:
    """A ``baseURI`` that cannot be rendered has no host."""
    profile = TransportProfile("c", strict_tls=False, identity=IDENTITY, host=host_of("{{x"))
    assert profile.at("a.test") == TransportProfile("c")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://A.test:8443/x", "a.test"),
        ("https://a.test./", "a.test"),
        ("https://[::1]/", "::1"),
        ("", ""),
        ("x", ""),
    ],
)
def test_the_host_of_a_base_uri(url: str, host: str) -> None:
    """Lower case, no port, no dot at the end."""
    assert host_of(url) == host


@pytest.mark.parametrize("given", [None, {}, {"cert": "", "key": None}])
def test_no_material_is_no_identity(given: dict[str, str | None] | None) -> None:
    """Such a connection shares the settings of everybody."""
    assert identity_of({"clientCertificates": given}) is None


def test_the_material_of_a_document() -> None:
    """All five fields."""
    given = {"cert": "a", "key": "b", "passphrase": "c", "pfx": "d", "ca": "e"}
    assert identity_of({"clientCertificates": given}) == ClientIdentity("a", "b", "c", "d", "e")


def test_an_expired_certificate_is_not_presented() -> None:
    """From the second after its end, with its name and date."""
    tls = build(strict=True, identity=IDENTITY)
    tls.check(NOW)
    with pytest.raises(TransportFailure, match=f"client-1 .* expired on {NOW + DAY:%Y-%m-%d}"):
        tls.check(NOW + 2 * DAY)
