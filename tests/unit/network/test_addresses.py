"""Which addresses nobody is led to, and which are public."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from supplychain.network.addresses import is_loopback, parse_address, refusal_of

_PUBLIC = (
    "1.1.1.1",
    "172.15.255.255",
    "172.32.0.1",
    "192.167.255.255",
    "100.63.255.255",
    "100.128.0.1",
    "169.253.255.255",
    "223.255.255.254",
    "2606:4700::1111",
    "2a00:1450::200e",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101",
)
_METADATA = (
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2606:4700::5efe:169.254.169.254",
    "2606:4700::200:5efe:169.254.169.254",
)
_PRIVATE = (
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "::1",
    "fc00::1",
    "fdff::1",
    "::ffff:10.0.0.1",
    "::ffff:7f00:1",
    "64:ff9b::10.0.0.1",
    "2002:0a00:0001::",
)
_OTHERS = (
    "0.0.0.0",
    "0.1.2.3",
    "169.254.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "192.88.99.1",
    "::",
    "::7f00:1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2001::1",
    "2001:db8::1",
    "2002:101:101::1",
    "64:ff9b:1::1",
    "100::1",
    "4000::1",
    "3fff::1",
    "5f00::1",
)


@pytest.mark.parametrize("text", _PUBLIC)
def test_a_public_address_is_open(text: str) -> None:
    assert refusal_of(ip_address(text)) is None


@pytest.mark.parametrize("text", _METADATA)
def test_where_credentials_are_handed_out_nobody_ever_gets(text: str) -> None:
    refused = refusal_of(ip_address(text))
    assert refused is not None
    assert refused.always


@pytest.mark.parametrize("text", _PRIVATE)
def test_a_private_address_can_be_opened_by_name(text: str) -> None:
    refused = refusal_of(ip_address(text))
    assert refused is not None
    assert refused.private
    assert not refused.always


@pytest.mark.parametrize("text", _OTHERS)
def test_what_is_neither_is_refused(text: str) -> None:
    refused = refusal_of(ip_address(text))
    assert refused is not None
    assert not refused.private


@pytest.mark.parametrize(
    "text",
    [
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.01",
        " 127.0.0.1",
        "127.0.0.1 ",
        "127.0.0.1.",
        "１２７.0.0.1",
        "fe80::1%eth0",
        "fe80::1%25eth0",
        "[::1]",
        "localhost",
        "",
    ],
)
def test_what_is_not_written_in_full_is_no_address(text: str) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1", "0:0:0:0:0:0:0:1"])
def test_loopback_is_only_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0", "::", "127.1", ""],
)
def test_what_looks_like_loopback_is_not(host: str) -> None:
    assert not is_loopback(host)
