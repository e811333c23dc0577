"""TLS settings ready for use (connections.md 9)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from weakref import WeakKeyDictionary, WeakValueDictionary

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from fairlead.domain.errors import Problem
from fairlead.domain.http import TransportFailure
from fairlead.engine.ports import ClientIdentity, TransportProfile
from fairlead.transport.certificates import name_of, out_of_time, read
from fairlead.transport.chain import load_chain

_BUILDERS: Final = 2
"""Contexts in the making at once: threads are for names to look up as well."""

_SILENCE: Final = 0.5
"""Seconds after which a server that says nothing has nothing against us."""
_LOOKS: Final = 25  # for a ticket, of whose arrival nobody is told

Key = tuple[bool, str]


@dataclass(frozen=True, eq=False)
class Tls:
    """A context, and the client certificate that it presents."""

    context: ssl.SSLContext
    certificate: x509.Certificate | None = None

    @property
    def name(self) -> str | None:
        """The client certificate in words."""
        return name_of(self.certificate) if self.certificate else None

    def check(self, now: datetime) -> None:
        """Raises ``TransportFailure`` when the client certificate has expired since it was saved: nobody would accept it, and few
        servers say why."""
        if self.certificate is not None and (trouble := out_of_time(self.certificate, now)):
            raise _unusable(f"the client certificate {self.name} {trouble}")


def build(*, strict: bool, identity: ClientIdentity | None = None) -> Tls:
    """TLS 1.2 and newer with the system's certificates and those of ``identity.ca``; not ``strict``: neither chain nor host name is
    checked. Takes about 30 ms, for the system's certificates. Raises ``TransportFailure`` for material that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if strict:
        context.load_default_certs()
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if identity is None:
        return Tls(context)
    problems: list[Problem] = []
    found = read(identity, problems)
    if problems:
        raise _unusable("; ".join(problem.message for problem in problems))
    try:
        if strict and found.authorities:
            # What is named is trusted as it stands, also an authority below another or a server's own certificate.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.load_verify_locations(cadata=b"".join(ca.public_bytes(Encoding.DER) for ca in found.authorities))
        if found.key is not None:
            load_chain(context, found.chain, found.key)
            context.post_handshake_auth = True  # TLS 1.3: a server may ask for the certificate once it knows the path
    except ssl.SSLError as error:
        raise _unusable(f"the client certificate is refused by the TLS library: {error.reason}") from None
    return Tls(context, found.chain[0] if found.key is not None else None)


class TlsProfiles:
    """TLS settings in use: built once for what they are made of, in a thread, and gone with the last session that used them."""

    def __init__(self, build: Callable[..., Tls] = build) -> None:
        self._build = build
        self._plain: dict[Key, Tls] = {}  # without material of their own: for everybody, at most two
        self._known: WeakValueDictionary[Key, Tls] = WeakValueDictionary()
        self._held: WeakKeyDictionary[object, Tls] = WeakKeyDictionary()
        self._building: dict[Key, asyncio.Task[Tls]] = {}
        self._builders = asyncio.Semaphore(_BUILDERS)

    async def get(self, profile: TransportProfile, session: object) -> Tls:
        """The settings of ``profile``, kept as long as ``session`` lives. Raises ``TransportFailure``."""
        key = (profile.strict_tls, profile.identity.digest if profile.identity else "")
        tls = self._plain.get(key) or self._known.get(key)
        if tls is None:
            task = self._building.get(key)
            if task is None:
                task = self._building[key] = asyncio.create_task(self._made(key, profile))
                task.add_done_callback(lambda done: self._built(key, done))
            tls = await asyncio.shield(task)  # whoever gives up leaves it to the others
        if profile.identity is not None:
            self._held[session] = tls
        return tls

    def __len__(self) -> int:
        return len(self._plain) + len(self._known)

    async def _made(self, key: Key, profile: TransportProfile) -> Tls:
        async with self._builders:
            tls = await asyncio.to_thread(self._build, strict=profile.strict_tls, identity=profile.identity)
        if profile.identity is None:
            self._plain[key] = tls
        else:
            self._known[key] = tls
        return tls

    def _built(self, key: Key, task: asyncio.Task[Tls]) -> None:
        del self._building[key]
        if not task.cancelled():
            task.exception()  # seen, also when everybody who waited has given up


async def welcomed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Wait until the server has judged our certificate. In TLS 1.3 the handshake is over for the client before it is for the server, and
    a refusal arrives afterwards (RFC 8446 4.4.2.4, 6.2); a session ticket says that there is none. Servers that send neither are taken
    at their silence. Raises ``ssl.SSLError``, and ``ConnectionError`` when it hung up."""
    handshake = writer.get_extra_info("ssl_object")
    if handshake.version() != "TLSv1.3":
        return
    said = asyncio.ensure_future(reader.read(1))
    try:
        for _ in range(_LOOKS):
            if said.done() or (handshake.session and handshake.session.has_ticket):
                break
            await asyncio.wait((said,), timeout=_SILENCE / _LOOKS)
        if said.done() and not said.result():
            raise ConnectionResetError
    finally:
        said.cancel()


def _unusable(message: str) -> TransportFailure:
    return TransportFailure("tls_error", message, sent=False)
