"""Connections: TLS and its authorities, proxies, and pools that add nothing.

They are those of `urllib3`. What `requests` does above it is either not wanted here (it takes
logins from `~/.netrc`, and it keeps cookies) or takes longer than the request itself. The proxies
and the certificate bundle of the environment are looked up under the names that it knows. Loopback
never goes through a proxy, as in every Go client.
"""

from __future__ import annotations

import io
import logging
import os
import socket
import ssl
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import urllib3
from certifi import where as certificate_bundle

from supplychain import __version__
from supplychain.errors import ConfigurationError
from supplychain.images.registry.address import Origin
from supplychain.images.registry.pace import paced_pools
from supplychain.images.registry.response import Response
from supplychain.images.registry.sending import Stream
from supplychain.network.addresses import is_loopback

if TYPE_CHECKING:
    from supplychain.network.guard import Guard

# At debug level urllib3 logs whole URLs, and those of signed storage are credentials.
logging.getLogger("urllib3").setLevel(logging.INFO)

_BLOCK = 256 * 1024
_HEADERS = {"User-Agent": f"supplychain/{__version__}", "Accept-Encoding": "identity"}
# Hosts whose connections are kept, and connections to each.
_KEPT: Mapping[str, Any] = MappingProxyType({"num_pools": 10, "maxsize": 10})
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
# TLS alerts and versions too old for us: the server does speak TLS.
_TLS_REASONS = ("ALERT", "UNSUPPORTED_PROTOCOL")


class Connections:
    """Connections that take nothing from the environment and keep nothing between requests.

    Args:
        cacert: Authorities to trust beside the usual ones.
        is_insecure: Whether any certificate of an origin will do.
        timeout: Seconds to connect, and seconds without a byte.
        guard: Opens every connection, past no proxy; None to open them as usual.
    """

    def __init__(
        self,
        cacert: Path | None,
        is_insecure: Callable[[Origin], bool],
        timeout: tuple[float, float],
        guard: Guard | None = None,
    ) -> None:
        self._guard = guard
        self._dial = None if guard is None else guard.dial
        self._cacert = cacert
        self._is_insecure = is_insecure
        self._timeout = urllib3.Timeout(connect=timeout[0], read=timeout[1])
        self._pools: dict[tuple[str, str | None], urllib3.PoolManager] = {}

    def exchange(
        self,
        method: str,
        url: str,
        origin: Origin,
        headers: Mapping[str, str],
        body: bytes | str | Stream | None,
    ) -> Response:
        """Send one request and read the answer's headers; nothing is followed or repeated.

        Args:
            method: HTTP method.
            url: Absolute URL.
            origin: Its origin.
            headers: Headers.
            body: The body.

        Raises:
            OSError: Its socket failed.
            urllib3.exceptions.HTTPError: The exchange failed in another way.
        """
        size = body.size if isinstance(body, Stream) else len(body or "")
        # A proxy would resolve names by itself, where nobody sees what comes of it.
        proxy = environment_proxy(url, origin) if self._guard is None else None
        raw = self._pool(origin, proxy).urlopen(
            method,
            url,
            redirect=False,
            headers={**_HEADERS, **headers, **({"Content-Length": str(size)} if size else {})},
            body=_opened(body) if size else None,
            retries=False,
            preload_content=False,
            decode_content=False,
            timeout=self._timeout,
        )
        return Response(raw.status, raw.headers, url, raw, headers, body)

    def spoken_scheme(self, origin: Origin, timeout: float) -> str | None:
        """Whether a server speaks TLS: `https` or `http`; None where nothing answers.

        Nothing is verified and nothing is sent but a handshake.

        Args:
            origin: The server.
            timeout: Seconds to wait for connection and handshake each.
        """
        try:
            if self._dial is not None:
                opened = self._dial(origin.host, origin.port, timeout)
            else:
                opened = socket.create_connection((origin.host, origin.port), timeout)
            with opened as connection:
                return _scheme_of(connection, origin.host)
        except OSError:
            return None

    def close(self) -> None:
        """Close every connection."""
        for pool in tuple(self._pools.values()):
            pool.clear()

    def _pool(self, origin: Origin, proxy: str | None) -> urllib3.PoolManager:
        kind = origin.scheme
        if kind == "https" and self._is_insecure(origin):
            kind = "insecure"
        found = self._pools.get((kind, proxy))
        if found is None:
            made = _pool_through(proxy, self._tls(kind))
            made.pool_classes_by_scheme = paced_pools(self._dial)
            # Threads may share it, and whoever was first wins.
            found = self._pools.setdefault((kind, proxy), made)
        return found

    def _tls(self, kind: str) -> dict[str, Any]:
        if kind == "http":
            return {}
        if kind == "insecure":
            # The user has named this host; one warning for each request would say nothing new.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
            return {"ssl_context": _unverified_context(), "cert_reqs": "CERT_NONE"}
        return {"ssl_context": _verified_context(self._cacert), "cert_reqs": "CERT_REQUIRED"}


def _pool_through(proxy: str | None, tls: Mapping[str, Any]) -> urllib3.PoolManager:
    if proxy is None:
        return urllib3.PoolManager(blocksize=_BLOCK, **_KEPT, **tls)
    # Only here: it takes time to load, and most do without.
    from requests.utils import get_auth_from_url

    address = proxy if "://" in proxy else f"http://{proxy}"
    login = ":".join(get_auth_from_url(address))
    sent = urllib3.make_headers(proxy_basic_auth=login) if login != ":" else None
    return urllib3.ProxyManager(address, proxy_headers=sent, blocksize=_BLOCK, **_KEPT, **tls)


def environment_proxy(url: str, origin: Origin) -> str | None:
    """The proxy that the environment names for a URL, as `requests` reads it."""
    if is_loopback(origin.host):
        return None
    if sys.platform == "linux" and not any(n.lower().endswith("_proxy") for n in os.environ):
        return None
    # Only here: it takes time to load, and most do without.
    from requests.utils import get_environ_proxies, select_proxy

    return select_proxy(url, dict(get_environ_proxies(url)))


def _opened(body: bytes | str | Stream | None) -> Any:
    """As a stream a body goes out in blocks, each with a timeout of its own."""
    if isinstance(body, Stream):
        return body.opened()
    return io.BytesIO(body) if isinstance(body, bytes) else body


def _scheme_of(connection: socket.socket, host: str) -> str | None:
    try:
        with _unverified_context().wrap_socket(connection, server_hostname=host):
            return "https"
    except ssl.SSLError as error:
        is_tls = any(reason in (error.reason or "") for reason in _TLS_REASONS)
        return "https" if is_tls else "http"
    except ConnectionError:
        return "http"


def _unverified_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _verified_context(cacert: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    named = next((name for name in _CA_VARIABLES if os.environ.get(name)), None)
    bundle = os.environ[named] if named else certificate_bundle()
    _trust(context, Path(bundle), named or "the certificate bundle")
    if cacert is not None:
        _trust(context, cacert, "--registry-cacert")
    return context


def _trust(context: ssl.SSLContext, path: Path, setting: str) -> None:
    try:
        if path.is_dir():
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except OSError as error:  # ssl.SSLError is one too
        raise ConfigurationError(
            f"{path} cannot be used as certificate authorities",
            because=error.strerror or "it holds no PEM certificate",
            hint=f"correct {setting}",
        ) from None
