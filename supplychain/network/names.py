"""Which hosts, and which repositories at them, somebody has named."""

from __future__ import annotations

import re
from collections.abc import Iterable

from supplychain.errors import ConfigurationError
from supplychain.frozen import dataclass
from supplychain.network.addresses import parse_address

# Where no port is named, those of HTTPS and HTTP are meant.
_USUAL_PORTS = frozenset({80, 443})
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# A last part like this makes an address of a name, each reader's own (WHATWG URL, 3.5).
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_ENTRY = re.compile(
    r"(?P<below>\*\.)?(?P<host>\[[0-9a-fA-F:.]+\]|[^\s/:@\[\]]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?:/(?P<path>[a-z0-9._-]+(?:/[a-z0-9._-]+)*)/?)?"
)


def plain_host(text: str) -> str | None:
    """A host in the one form in which it is compared; None for what could be read in several ways.

    Names are in ASCII and small letters without a dot at their end, addresses as they are written
    in full.
    """
    host = text.removeprefix("[").removesuffix("]") if text.startswith("[") else text
    if (address := parse_address(host)) is not None:
        return str(address)
    host = host.lower().removesuffix(".")
    if len(host) > 253 or not host.isascii() or not _NAME.fullmatch(host):
        return None
    return None if _NUMBER.fullmatch(host.rpartition(".")[2]) else host


@dataclass(frozen=True, slots=True)
class Named:
    """A host that somebody named.

    Attributes:
        host: The host.
        below: Its subdomains are meant, and not the host itself.
        port: Its port; None for the usual ones.
        path: The repositories at it: this one and those below it; "" for all.
    """

    host: str
    below: bool = False
    port: int | None = None
    path: str = ""

    @classmethod
    def parse(cls, text: str, setting: str) -> Named:
        """Read `host`, `host:port`, `host/path` or `*.domain`.

        Raises:
            ConfigurationError: It is nothing like that.
        """
        match = _ENTRY.fullmatch(text)
        host = plain_host(match["host"]) if match else None
        port = int(match["port"]) if match and match["port"] else None
        path = (match["path"] or "") if match else ""
        below = bool(match and match["below"])
        # All of `*.com` is nobody's, and an address has nothing below it.
        wide = below and host is not None and ("." not in host or parse_address(host) is not None)
        if host is None or wide or not (port is None or 0 < port < 65536):
            raise ConfigurationError(
                f"{setting}: {text[:80]!r} names no host",
                hint="write host, host:port, host/path or *.domain.example, with commas between",
            )
        return cls(host, below, port, path)

    def is_host(self, host: str, port: int) -> bool:
        """Whether a host, in its plain form, and a port are meant."""
        here = host.endswith(f".{self.host}") if self.below else host == self.host
        return here and (port in _USUAL_PORTS if self.port is None else port == self.port)

    def is_repository(self, repository: str) -> bool:
        """Whether a repository at that host is meant."""
        return not self.path or f"{repository}/".startswith(f"{self.path}/")


def parse_names(
    texts: Iterable[str], setting: str, *, paths: bool = False, ports: bool = True
) -> tuple[Named, ...]:
    """Read a list of hosts.

    Args:
        texts: The entries.
        setting: Where they stand, for errors.
        paths: Whether a host may have a path behind it.
        ports: Whether it may have a port.

    Raises:
        ConfigurationError: An entry names no host, or has more than a host may have here.
    """
    found = tuple(Named.parse(text, setting) for text in texts)
    for one in found:
        if (one.path and not paths) or (one.port and not ports):
            raise ConfigurationError(
                f"{setting}: a {'path' if one.path else 'port'} behind {one.host} means nothing",
                hint="name the host alone; networks (10.0.0.0/8) cannot be named",
            )
    return found
