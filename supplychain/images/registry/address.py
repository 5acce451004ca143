"""Where a registry is on the network, and whether it may be spoken to in the clear."""

from __future__ import annotations

from urllib.parse import urlsplit

from supplychain.errors import RegistryError
from supplychain.frozen import dataclass
from supplychain.images.reference import DOCKER_HUB

_HUB_API = "registry-1.docker.io"
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what credentials are bound to (RFC 6454)."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """The origin of an absolute URL.

        Raises:
            RegistryError: It is no http(s) URL, or carries a user name or password.
        """
        try:
            parts = urlsplit(url)
            default_port = _DEFAULT_PORTS.get(parts.scheme, 0)
            port = parts.port or default_port
        except ValueError:
            raise _unusable("it does not parse") from None
        if not default_port or not parts.hostname:
            raise _unusable(f"its scheme is {parts.scheme[:20]!r}")
        if parts.username is not None or parts.password is not None:
            raise _unusable("it carries a login")
        return cls(parts.scheme, parts.hostname, port)

    def __str__(self) -> str:
        """`host[:port]`, the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def api_host(registry: str) -> str:
    """The `host[:port]` that serves a registry's API: Docker Hub's has another name."""
    return _HUB_API if registry == DOCKER_HUB else registry


def without_secrets(url: str) -> str:
    """A URL as it may be shown: signed storage URLs carry their secret in the query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _unusable(because: str) -> RegistryError:
    return RegistryError(
        "the registry sent us to an address that cannot be used", because=because, retryable=False
    )
