"""One exchange with a server: redirects, and where credentials may go."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urljoin

from supplychain.errors import RegistryError
from supplychain.images.registry.address import Origin, without_secrets
from supplychain.images.registry.body import drain
from supplychain.images.registry.failures import NETWORK_ERRORS, raise_for_exception
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.response import Response
from supplychain.images.registry.sending import Stream
from supplychain.images.registry.session import Connections
from supplychain.network.addresses import is_loopback

_MOST_REDIRECTS = 5
_FOLLOWED = frozenset({301, 302, 303, 307, 308})
# With a body, only the statuses that promise to keep method and body (RFC 9110, 15.4).
_FOLLOWED_WITH_BODY = frozenset({307, 308})
_PROBE_TIMEOUT = 5.0


class Wire:
    """Exchanges with a registry's host and those it sends us to.

    Args:
        options: Timeouts, authorities, and which hosts may be insecure.
    """

    def __init__(self, options: RegistryOptions) -> None:
        self._options = options
        timeout = (options.connect_timeout, options.read_timeout)
        self._connections = Connections(options.cacert, self._is_insecure, timeout, options.guard)

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | str | Stream | None = None,
        authorization: tuple[Origin, str] | None = None,
        redirects: int = _MOST_REDIRECTS,
    ) -> Response:
        """Send a request, follow redirects, and give the last answer with its body unread.

        Args:
            method: HTTP method.
            url: Absolute URL.
            headers: Headers without `Authorization`.
            body: The body; after a redirect it is sent again.
            authorization: The only origin that may see it, and a value for `Authorization`.
            redirects: How many to follow.

        Raises:
            TransientError: The connection was cut.
            RegistryError: The server cannot be reached, or redirects where we do not follow.
        """
        followed = _FOLLOWED if method in {"GET", "HEAD"} else _FOLLOWED_WITH_BODY
        for _ in range(redirects + 1):
            origin = Origin.of(url)
            sent = dict(headers)
            if authorization is not None and authorization[0] == origin:
                sent["Authorization"] = authorization[1]
            response = self._exchange(method, url, origin, sent, body)
            if response.status not in followed:
                return response
            drain(response)
            url = self.follow(url, response.headers.get("Location"))
        raise RegistryError(
            f"{Origin.of(url)} redirects where we do not follow",
            because=f"it would be more than {redirects} redirects",
            retryable=False,
        )

    def follow(self, url: str, location: str | None) -> str:
        """The absolute URL that a `Location` in the answer of `url` means, if we may go there.

        Raises:
            RegistryError: There is none, or it would leave TLS.
        """
        before = Origin.of(url)
        if not location:
            raise RegistryError(f"{before} sends us on without saying where", retryable=False)
        target = urljoin(url, location)
        after = Origin.of(target)
        if after.scheme == "http" and (before.scheme == "https" or not self.may_be_plain(after)):
            raise RegistryError(
                f"{before} sends us on to plain HTTP",
                because=f"it names {without_secrets(target)}",
                hint="the proxy before the registry must tell it about TLS (X-Forwarded-Proto)",
                retryable=False,
            )
        return target

    def may_be_plain(self, origin: Origin) -> bool:
        """Whether plain HTTP may be spoken to this host."""
        return is_loopback(origin.host) or self._is_insecure(origin)

    def scheme_of(self, host: str) -> str | None:
        """`https`, or `http` where that is allowed and the host does not speak TLS.

        None where nothing answers that could tell. As Docker and cosign do, loopback and insecure
        registries are asked for TLS first.

        Args:
            host: `host[:port]`.
        """
        origins = tuple(Origin.of(f"{scheme}://{host}") for scheme in ("https", "http"))
        insecure = any(map(self._is_insecure, origins))
        loopback = is_loopback(origins[0].host) and self._options.cacert is None
        if not insecure and not loopback:
            return "https"
        timeout = min(_PROBE_TIMEOUT, self._options.connect_timeout)
        for origin in {origin.port: origin for origin in origins}.values():
            self._admit(origin)
            if scheme := self._connections.spoken_scheme(origin, timeout):
                return scheme
        return None

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()

    def _is_insecure(self, origin: Origin) -> bool:
        named = {name.lower() for name in self._options.insecure}
        return str(origin) in named or f"{origin.host}:{origin.port}" in named

    def _admit(self, origin: Origin) -> None:
        """Before every request, those on a connection that was kept among them."""
        if self._options.guard is not None:
            self._options.guard.admit(origin.host, origin.port)

    def _exchange(
        self,
        method: str,
        url: str,
        origin: Origin,
        headers: dict[str, str],
        body: bytes | str | Stream | None,
    ) -> Response:
        self._admit(origin)
        try:
            return self._connections.exchange(method, url, origin, headers, body)
        except NETWORK_ERRORS as error:
            raise_for_exception(error, origin)
