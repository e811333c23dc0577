"""Where outbound requests may go (connections.md 12)."""

from __future__ import annotations

import pytest

from fairlead.domain.http import TransportFailure
from fairlead.transport.egress import EgressPolicy

INTERNAL = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.1.2.3",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:1::1",
    "2001:2::1",
    "2001:3::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2620:4f:8000::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fdff::1",
    "fe80::1",
    "fe80::a9fe:a9fe",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "4000::1",
]
"""Addresses of every special-purpose range of the IANA registries, and what clouds and old transition methods add."""

SPELLINGS = [
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "0x7f.1",
    "127.0.0.0x1",
    "010.0.0.1",
    "127.0.0.1.",
    "8.8.8.8.",
    "256.1.1.1",
    "1.2.3.4.5",
    "0x",
    "[::1]",
    "[fe80::1%eth0]",
    "fe80::1%25eth0",
    "2001:4860:4860::8888%eth0",
    "1",
]
"""Spellings that some readers take for an address; a public one is refused like the others."""

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.9.9.9",
    "11.0.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "192.167.255.255",
    "192.169.0.1",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2606:4700::1111",
    "2a00:1450::1",
]


@pytest.mark.parametrize("host", INTERNAL + SPELLINGS)
def test_internal_destinations_are_refused(host: str) -> None:
    """No special-purpose address and no ambiguous spelling is dialled by default."""
    with pytest.raises(TransportFailure) as caught:
        EgressPolicy().check_literal(host)
    assert caught.value.code == "egress_denied"
    assert caught.value.sent is False


@pytest.mark.parametrize("address", INTERNAL)
def test_one_internal_answer_refuses_a_name(address: str) -> None:
    """Every answer of the resolver counts, not the first one."""
    with pytest.raises(TransportFailure) as caught:
        EgressPolicy().check_resolved("innocent.test", ["1.1.1.1", address, "8.8.8.8"])
    assert caught.value.code == "egress_denied"
    assert address not in caught.value.message


@pytest.mark.parametrize("host", PUBLIC)
def test_public_destinations_pass(host: str) -> None:
    """Neighbours of the refused ranges and well-known public addresses are dialled."""
    EgressPolicy().check_literal(host)
    EgressPolicy().check_resolved("a.test", [host])


@pytest.mark.parametrize("host", ["a.test", "localhost", "1.2.3.4.example.test", "x0.test", "metadata.google.internal"])
def test_names_wait_for_their_addresses(host: str) -> None:
    """A name is neither good nor bad: its addresses are."""
    EgressPolicy().check_literal(host)


def test_networks_and_names_can_be_allowed() -> None:
    """Networks open addresses however they are found, names open whatever they resolve to, ``*.`` opens what is below a domain."""
    policy = EgressPolicy.parse(" 10.0.0.0/8, localhost ,*.Corp.Test, fd00::/8,192.168.1.5")
    policy.check_literal("10.1.2.3")
    policy.check_literal("192.168.1.5")
    policy.check_literal("fd00::1")
    policy.check_resolved("db.internal.test", ["10.0.0.1", "fd00::2"])
    policy.check_resolved("LOCALHOST.", ["127.0.0.1", "::1"])
    policy.check_resolved("a.b.corp.test", ["172.16.0.1"])


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("corp.test", ["172.16.0.1"]),
        ("evilcorp.test", ["172.16.0.1"]),
        ("localhost.evil.test", ["127.0.0.1"]),
        ("a.test", ["192.168.1.6"]),
        ("a.test", ["::ffff:10.0.0.1"]),
    ],
)
def test_allowing_opens_no_more_than_was_said(host: str, addresses: list[str]) -> None:
    """A wildcard excludes its domain, names do not match as endings, mapped addresses are not the network inside."""
    policy = EgressPolicy.parse("10.0.0.0/8,localhost,*.corp.test,192.168.1.5")
    with pytest.raises(TransportFailure):
        policy.check_resolved(host, addresses)


def test_an_allowed_network_does_not_allow_odd_spellings() -> None:
    """``127.1`` stays refused where 127.0.0.0/8 is allowed."""
    policy = EgressPolicy.parse("127.0.0.0/8,localhost")
    policy.check_literal("127.0.0.1")
    with pytest.raises(TransportFailure):
        policy.check_literal("127.1")


@pytest.mark.parametrize(
    "word",
    [
        "10.0.0.0/33",
        "10.0.0.1/8",
        "300.1.1.1",
        "foo bar",
        "http://a.test",
        "*",
        "a.*.test",
        "::g",
        "-a.test",
        "a..b",
        "10.1",
    ],
)
def test_a_wrong_word_is_named(word: str) -> None:
    """The operator learns which word is wrong."""
    with pytest.raises(ValueError, match=r"is no network|is neither a network") as caught:
        EgressPolicy.parse(f"localhost,{word}")
    assert repr(word) in str(caught.value)


def test_nothing_allowed_is_a_policy() -> None:
    """An empty setting allows public addresses only."""
    assert EgressPolicy.parse(" , ") == EgressPolicy()
