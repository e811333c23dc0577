"""Where outbound requests may go (D12, connections.md 12): decided on addresses, never on names alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from fairlead.domain.http import TransportFailure

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_REFUSED_IPV4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network, unspecified
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; one cloud keeps its metadata service here
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's host agent: public by number, private by meaning
        "169.254.0.0/16",  # link-local; the metadata service of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
"""IANA IPv4 Special-Purpose Address Registry (RFC 6890), and what clouds keep elsewhere."""

_GLOBAL_IPV6: Final = IPv6Network("2000::/3")
"""The only global unicast range: loopback, mapped, NAT64, unique local, link-local, site-local and multicast lie outside."""

_REFUSED_IPV6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments: Teredo, benchmarking, ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",
    )
)
"""What the IANA IPv6 Special-Purpose Address Registry holds inside ``_GLOBAL_IPV6``."""

_NAME: Final = re.compile(r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
_NUMERIC_LABEL: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


@lru_cache(maxsize=4096)
def is_special_purpose(address: Address) -> bool:
    """Whether nothing on the public internet has this address."""
    if isinstance(address, IPv4Address):
        return any(address in network for network in _REFUSED_IPV4)
    return (
        address.scope_id is not None
        or address not in _GLOBAL_IPV6
        or any(address in network for network in _REFUSED_IPV6)
    )


@lru_cache(maxsize=1024)
def literal(host: str) -> Address | None:
    """The address that ``host`` spells, or nothing for a name. Raises ``TransportFailure`` for spellings that only some readers
    take for an address (``127.1``, ``0x7f000001``, ``2130706433``, ``010.0.0.1``, a zone id)."""
    text = host.strip("[]").rstrip(".").lower()
    if ":" not in text and not _NUMERIC_LABEL.fullmatch(text.rpartition(".")[2]):
        return None
    try:
        address = ip_address(text)
    except ValueError:
        raise denied(host, "is not spelled as a plain IP address") from None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise denied(host, "holds a zone id")
    if host.endswith("."):
        raise denied(host, "is not spelled as a plain IP address")
    return address


def denied(host: str, why: str) -> TransportFailure:
    """The refusal. It names no address that a name resolved to: that would let tenants read the operator's DNS."""
    message = f"{host} {why}; the operator can allow destinations with FAIRLEAD_EGRESS_ALLOW"
    return TransportFailure("egress_denied", message, sent=False)


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """What the operator allows beyond public addresses: networks, and host names whatever they resolve to."""

    networks: tuple[Network, ...] = ()
    names: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> EgressPolicy:
        """From ``10.0.0.0/8,localhost,*.corp.test``: comma-separated networks, addresses, host names, and ``*.`` for every name
        below a domain. Raises ``ValueError`` that names the wrong word."""
        networks: list[Network] = []
        names: set[str] = set()
        suffixes: list[str] = []
        for word in (word.strip().lower() for word in text.split(",")):
            if not word:
                continue
            if "/" in word or ":" in word or _NUMERIC_LABEL.fullmatch(word.rpartition(".")[2]):
                try:
                    networks.append(ip_network(word))
                except ValueError as error:
                    raise ValueError(f"{word!r} is no network: {error}") from None
            elif not _NAME.fullmatch(word.rstrip(".")):
                raise ValueError(
                    f"{word!r} is neither a network such as 10.0.0.0/8 nor a host name such as *.corp.test"
                )
            elif word.startswith("*."):
                suffixes.append(word.rstrip(".")[1:])
            else:
                names.add(word.rstrip("."))
        return cls(tuple(networks), frozenset(names), tuple(suffixes))

    def allows_address(self, address: Address) -> bool:
        """Whether this address may be dialled."""
        return not is_special_purpose(address) or any(
            address.version == network.version and address in network for network in self.networks
        )

    def allows_name(self, host: str) -> bool:
        """Whether the operator named this host, so that every address it has may be dialled."""
        name = host.rstrip(".").lower()
        return name in self.names or (bool(self.suffixes) and name.endswith(self.suffixes))

    def check_literal(self, host: str) -> None:
        """Check a host that is spelled as an address; a name passes, its addresses are checked when it is resolved. Raises
        ``TransportFailure`` with ``egress_denied``."""
        address = literal(host)
        if address is not None and not self.allows_address(address):
            raise denied(host, "is not a public address")

    def check_resolved(self, host: str, addresses: list[str]) -> None:
        """Check every address that a name resolved to: one that is refused refuses them all. Raises ``TransportFailure``."""
        if self.allows_name(host):
            return
        if not all(self.allows_address(ip_address(address)) for address in addresses):
            raise denied(host, "resolves to an address that is not public")
