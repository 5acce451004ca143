"""Small documents of issuers, fetched within bounds: no redirects, little time, few bytes.

Who may name an issuer is no operator of this network: every connection goes through the guard,
which leads to no private address unless an operator named its host.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from socket import SHUT_RDWR, socket
from typing import Any
from urllib.parse import urlencode, urlsplit

from certifi import where as certificate_bundle

from supplychain import __version__
from supplychain.errors import ConfigurationError, DestinationError, IdentityProviderError
from supplychain.network.guard import Guard, Resolve, system_resolve
from supplychain.network.names import Named, parse_names, plain_host

_MOST_BYTES = 512 * 1024
_SECONDS = 5.0
_BLOCK = 16 * 1024
# How a form is refused, with a reason in the body (RFC 6749, section 5.2).
_REFUSED = frozenset({http.client.BAD_REQUEST, http.client.UNAUTHORIZED})
_HEADERS = {
    "User-Agent": f"supplychain/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}


class Fetching:
    """Fetches JSON from issuers.

    Args:
        private: Hosts that may lie at private addresses.
        cacert: Authorities to trust beside the usual ones.
        resolve: Finds the addresses of a host.
        seconds: How long one answer may take as a whole.
    """

    def __init__(
        self,
        private: Sequence[str] = (),
        cacert: Path | None = None,
        *,
        resolve: Resolve = system_resolve,
        seconds: float = _SECONDS,
    ) -> None:
        self._private = parse_names(private, "oidc_private", ports=False)
        self._cacert = cacert
        self._resolve = resolve
        self._seconds = seconds

    def get(self, url: str) -> Mapping[str, Any]:
        """The JSON object at a URL.

        Raises:
            IdentityProviderError: It is not there in time, too large, or no JSON object.
        """
        return self._fetch("GET", url, None, {})

    def post(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """The JSON object that answers a form; one with `error` where it is refused.

        Raises:
            IdentityProviderError: As `get`.
        """
        body = urlencode(form).encode()
        own = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return self._fetch("POST", url, body, own)

    def _fetch(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Mapping[str, Any]:
        parts = urlsplit(url)
        where = f"{parts.scheme}://{parts.netloc}"
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = self._connection(parts.scheme, parts.hostname or "", parts.port)
        # Whoever sends a byte now and then is cut off too.
        cut = threading.Timer(self._seconds, connection.cut)
        cut.daemon = True
        cut.start()
        try:
            connection.request(method, path, body, {**_HEADERS, **headers})
            answer = connection.getresponse()
            may_refuse = method == "POST" and answer.status in _REFUSED
            if answer.status != http.client.OK and not may_refuse:
                raise _failed(where, f"it answers {answer.status}")
            data = _read(answer, where)
        except DestinationError as error:
            raise IdentityProviderError(
                f"{where} cannot be asked",
                because=f"{error}: {error.because}",
                hint="if it is your own, an operator may name its host in oidc_private",
                retryable=False,
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise _failed(where, str(error) or type(error).__name__) from error
        finally:
            cut.cancel()
            connection.close()
        if connection.is_cut:
            raise _failed(where, "its answer takes too long")
        found = _object(data, where)
        if may_refuse and "error" not in found:
            raise _failed(where, f"it answers {answer.status}")
        return found

    def _connection(self, scheme: str, host: str, port: int | None) -> _Plain:
        secure = scheme == "https"
        number = port or (443 if secure else 80)
        named = Named(plain_host(host) or host, port=number)
        guard = Guard([named], private=self._private, resolve=self._resolve)

        def dial(timeout: float) -> socket:
            return guard.dial(host, number, timeout)

        if not secure:
            return _Plain(host, number, self._seconds, dial)
        return _Secure(host, number, self._seconds, dial, self._context())

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=certificate_bundle())
            if self._cacert is not None:
                context.load_verify_locations(cafile=self._cacert)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                "the certificates of oidc_cacert cannot be used", because=str(error)
            ) from error
        return context


class _Plain(http.client.HTTPConnection):
    """A connection that the guard opens."""

    def __init__(
        self, host: str, port: int, seconds: float, dial: Callable[[float], socket]
    ) -> None:
        super().__init__(host, port, timeout=seconds)
        self._seconds = seconds
        self._dial = dial
        self.is_cut = False

    def cut(self) -> None:
        """End it at once, whatever it waits for."""
        self.is_cut = True
        with suppress(OSError, AttributeError):
            self.sock.shutdown(SHUT_RDWR)

    def connect(self) -> None:
        self.sock = self._dial(self._seconds)


class _Secure(_Plain):
    """The same, with TLS for the name of the host."""

    default_port = 443

    def __init__(
        self,
        host: str,
        port: int,
        seconds: float,
        dial: Callable[[float], socket],
        context: ssl.SSLContext,
    ) -> None:
        super().__init__(host, port, seconds, dial)
        self._context = context

    def connect(self) -> None:
        super().connect()
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)


def _read(answer: http.client.HTTPResponse, where: str) -> bytes:
    found = bytearray()
    while block := answer.read1(_BLOCK):
        found += block
        if len(found) > _MOST_BYTES:
            raise _failed(where, f"its answer has more than {_MOST_BYTES} bytes")
    return bytes(found)


def _object(data: bytes, where: str) -> Mapping[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _failed(where, "its answer is no JSON") from error
    if not isinstance(found, dict):
        raise _failed(where, "its answer is no JSON object")
    return found


def _failed(where: str, because: str) -> IdentityProviderError:
    return IdentityProviderError(f"{where} cannot be asked", because=because[:300])
