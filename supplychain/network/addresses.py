"""What an IP address is, and whether a server may be led there.

Written out, and not left to `ipaddress.is_private`: what that says has changed from one Python to
the next, and it knows neither where clouds keep credentials nor which IPv6 addresses hide an IPv4
address. Sources: IANA's registries of special-purpose addresses (RFC 6890 and its successors), and
what clouds document of their metadata services.
"""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from supplychain.frozen import dataclass

Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network

_METADATA = "it is where clouds hand out credentials"
_PRIVATE = "it is a private address"
_LOOPBACK = "it is this machine itself"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nobody is led to an address.

    Attributes:
        because: The reason.
        private: It is somebody's own network, which an operator may open by naming a host.
        always: Not even who names the address itself gets there.
    """

    because: str
    private: bool = False
    always: bool = False


def _networks(*texts: str) -> tuple[_Network, ...]:
    return tuple(ip_network(text) for text in texts)


# In order: what stands first decides.
_REFUSED: tuple[tuple[tuple[_Network, ...], Refusal], ...] = (
    (
        _networks(
            "169.254.169.254/32",  # AWS, Azure, Google, OpenStack, DigitalOcean
            "169.254.170.2/32",  # AWS: the roles of ECS tasks
            "169.254.170.23/32",  # AWS: the identities of EKS pods
            "100.100.100.200/32",  # Alibaba
            "192.0.0.192/32",  # Oracle
            "168.63.129.16/32",  # Azure's host, which is a public address
            "fd00:ec2::/32",  # AWS
            "fd20:ce::254/128",  # Google
        ),
        Refusal(_METADATA, always=True),
    ),
    (_networks("127.0.0.0/8", "::1/128"), Refusal(_LOOPBACK, private=True)),
    (
        _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"),
        Refusal(_PRIVATE, private=True),
    ),
    (
        _networks("169.254.0.0/16", "fe80::/10", "fec0::/10"),
        Refusal("it is a link-local address"),
    ),
    (_networks("224.0.0.0/4", "ff00::/8"), Refusal("it is a multicast address")),
    (
        _networks("192.88.99.0/24", "2001::/32", "2002::/16", "64:ff9b:1::/48"),
        Refusal("it leads through a tunnel to another address"),
    ),
    (
        _networks(
            "0.0.0.0/8",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "240.0.0.0/4",
            "2001::/23",
            "2001:db8::/32",
            "3fff::/20",
        ),
        Refusal("it is a reserved address"),
    ),
)
_IPV6_IN_USE = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_RESERVED = Refusal("it is a reserved address")
# The interface part of ISATAP (RFC 5214): 0000:5efe or 0200:5efe before an IPv4 address.
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})


def parse_address(text: str) -> Address | None:
    """An address as it is written in full; None for anything else, names among it.

    `127.1`, `0x7f000001` and `2130706433` are none: what they mean depends on who reads them. Nor
    is one with a zone.
    """
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return None if getattr(found, "scope_id", None) else found


def refusal_of(address: Address) -> Refusal | None:
    """Why nobody is led to an address; None where it is a public one."""
    if isinstance(address, IPv6Address):
        inner = _inside(address)
        if inner is not None and (refused := _listed(inner)):
            return refused
        if address.ipv4_mapped is not None or address in _NAT64:
            return None
        return _listed(address) or (None if address in _IPV6_IN_USE else _RESERVED)
    return _listed(address)


def _listed(address: Address) -> Refusal | None:
    for networks, refused in _REFUSED:
        if any(address in network for network in networks):
            return refused
    return None


def _inside(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that is reached by way of an IPv6 address."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    low = int(address) & 0xFFFFFFFF
    if address in _NAT64 or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(low)
    return None


def is_loopback(host: str) -> bool:
    """Whether a host can only be this machine: `localhost`, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
