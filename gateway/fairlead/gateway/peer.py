"""Who sent a request and under which URL, believing ``X-Forwarded-*`` of trusted proxies only (contract.md 1.11, D20)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from fairlead.gateway.settings import Network

_AUTHORITY: Final = re.compile(r"[A-Za-z0-9._~-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


def remote_address(request: web.BaseRequest, trusted: Sequence[Network]) -> str:
    """The client's address: the peer's, or behind trusted proxies the last address of ``X-Forwarded-For`` that is none of
    theirs."""
    peer = request.remote or "unknown"
    if not trusted or not _is_trusted(peer, trusted):
        return peer
    told = [part.strip() for line in request.headers.getall("X-Forwarded-For", ()) for part in line.split(",")]
    for address in reversed(told):
        if not _is_address(address):
            return peer
        if not _is_trusted(address, trusted):
            return address
        peer = address
    return peer


def origin(request: web.BaseRequest, trusted: Sequence[Network]) -> str:
    """Scheme and host by which the client reached us: ``https://api.example.test``."""
    scheme, host = request.scheme, request.headers.get("Host", "")
    if trusted and _is_trusted(request.remote or "", trusted):
        told_scheme = _first(request.headers.get("X-Forwarded-Proto", "")).lower()
        told_host = _first(request.headers.get("X-Forwarded-Host", ""))
        scheme = told_scheme if told_scheme in ("http", "https") else scheme
        host = told_host if _AUTHORITY.fullmatch(told_host) else host
    if not _AUTHORITY.fullmatch(host):
        name = request.transport.get_extra_info("sockname") if request.transport is not None else None
        host = f"{name[0]}:{name[1]}" if name else "localhost"
    return f"{scheme}://{host}"


def _first(words: str) -> str:
    return words.split(",", 1)[0].strip()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_trusted(text: str, trusted: Sequence[Network]) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in trusted)
