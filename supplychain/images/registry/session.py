"""Connections: TLS and its authorities, proxies, and a `requests` session that adds nothing.

What `requests` would do by itself and must not do here: it takes logins from `~/.netrc`, and it
keeps cookies. The session therefore has `trust_env` off and refuses cookies; the proxies and the
certificate bundle of the environment, which that switch turns off too, are looked up here under
the same names. Loopback never goes through a proxy, as in every Go client.
"""

from __future__ import annotations

import logging
import os
import socket
import ssl
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies

from supplychain import __version__
from supplychain.errors import ConfigurationError
from supplychain.images.registry.address import Origin, is_loopback
from supplychain.images.registry.pace import PacedHTTPPool, PacedHTTPSPool

# At debug level urllib3 logs whole URLs, and those of signed storage are credentials.
logging.getLogger("urllib3").setLevel(logging.INFO)

_BLOCK = 256 * 1024
_POOLS = {"http": PacedHTTPPool, "https": PacedHTTPSPool}
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
# TLS alerts and versions too old for us: the server does speak TLS.
_TLS_REASONS = ("ALERT", "UNSUPPORTED_PROTOCOL")


class RegistrySession(requests.Session):
    """A session that takes nothing from the environment and keeps nothing between requests.

    Args:
        cacert: Authorities to trust beside the usual ones.
        is_insecure: Whether any certificate of an origin will do.
    """

    def __init__(self, cacert: Path | None, is_insecure: Callable[[Origin], bool]) -> None:
        super().__init__()
        self._cacert = cacert
        self._is_insecure = is_insecure
        self.trust_env = False
        self.headers = CaseInsensitiveDict(
            {"User-Agent": f"supplychain/{__version__}", "Accept-Encoding": "identity"}
        )
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self.adapters.clear()

    def get_adapter(self, url: str) -> HTTPAdapter:
        """The adapter for a URL by its exact origin, made when first needed.

        `requests` would compare prefixes, by which a host could pass for another one.
        """
        origin = Origin.of(url)
        kind = origin.scheme
        if kind == "https" and self._is_insecure(origin):
            kind = "insecure"
        adapter = self.adapters.get(kind)
        if not isinstance(adapter, HTTPAdapter):
            adapter = self.adapters[kind] = _PacedAdapter(self._context(kind))
        return adapter

    def _context(self, kind: str) -> ssl.SSLContext | None:
        if kind == "http":
            return None
        if kind == "insecure":
            # The user has named this host; one warning for each request would say nothing new.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
            return _unverified_context()
        return _verified_context(self._cacert)


class _PacedAdapter(HTTPAdapter):
    """Connections with a least speed, and TLS as one context says."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._tls = {} if context is None else {"ssl_context": context}
        super().__init__()

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **kwargs: Any
    ) -> None:
        super().init_poolmanager(
            connections, maxsize, block, blocksize=_BLOCK, **self._tls, **kwargs
        )
        self.poolmanager.pool_classes_by_scheme = dict(_POOLS)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, blocksize=_BLOCK, **self._tls, **kwargs)
        manager.pool_classes_by_scheme = dict(_POOLS)
        return manager

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing to load: the context holds the authorities, and reading them costs 15 ms."""


def environment_proxies(url: str, origin: Origin) -> dict[str, str]:
    """The proxies that the environment names for a URL, as `requests` reads it."""
    return {} if is_loopback(origin.host) else dict(get_environ_proxies(url))


def spoken_scheme(host: str, port: int, timeout: float) -> str | None:
    """Whether a server speaks TLS: `https` or `http`; None where nothing answers.

    Nothing is verified and nothing is sent but a handshake.

    Args:
        host: Host name or address.
        port: TCP port.
        timeout: Seconds to wait for connection and handshake each.
    """
    try:
        with socket.create_connection((host, port), timeout) as connection:
            return _scheme_of(connection, host)
    except OSError:
        return None


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
    bundle = os.environ[named] if named else DEFAULT_CA_BUNDLE_PATH
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
