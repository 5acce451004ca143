"""What went wrong with a registry, in our own taxonomy and without a secret.

No exception of `urllib3` is chained: their texts hold whole URLs, and those of signed
storage carry the credential in the query.
"""

from __future__ import annotations

import base64
import binascii
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import NoReturn
from urllib.parse import parse_qsl

import orjson
import urllib3.exceptions

from supplychain.errors import (
    AuthenticationError,
    InputError,
    NotFoundError,
    RegistryError,
    SupplyChainError,
)
from supplychain.images.registry.address import Origin
from supplychain.images.registry.response import Response

# RFC 9110: these say that the same request may succeed later.
TRANSIENT_STATUSES = frozenset({429, 500, 502, 503, 504})
# What sending to a connection, or reading from it, may raise.
NETWORK_ERRORS = (urllib3.exceptions.HTTPError, OSError)

_BODY_LIMIT = 64 * 1024
_TEXT_LIMIT = 200
_UNPRINTABLE = r"[^\x20-\x7e\u00a0-\uffff]+"


class TransientError(Exception):
    """A signal inside this package: the same call may succeed; if it will not, raise `error`.

    Args:
        error: The error for the caller.
        retry_after: The server's `Retry-After`, as sent; None where there was none.
    """

    def __init__(self, error: SupplyChainError, retry_after: str | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.retry_after = retry_after


def raise_for_exception(error: Exception, origin: Origin) -> NoReturn:
    """Say what a failed exchange means.

    Raises:
        TransientError: The connection was cut, which is worth a repetition.
        SupplyChainError: Anything else.
    """
    causes = tuple(_causes(error))
    for kinds, translate in _TRANSLATIONS:
        for cause in causes:
            if isinstance(cause, kinds):
                raise translate(cause, origin) from None
    raise _cut(causes, origin) from None


def _cut(causes: tuple[BaseException, ...], origin: Origin) -> TransientError:
    return TransientError(
        RegistryError(
            f"the connection to {origin} was cut",
            because=_os_reason(causes),
            hint="run it again; if it stays, look at the registry's log and at proxies between",
        )
    )


def raise_for_status(response: Response, what: str) -> NoReturn:
    """Say what a refusal means.

    Args:
        response: The answer, its body unread; it is closed.
        what: What was asked for, as in "the tag '1' of reg/app".

    Raises:
        TransientError: The same call may succeed if repeated.
        SupplyChainError: Anything else.
    """
    with response:
        because = _words_of(response)
    status, origin = response.status, Origin.of(response.url)
    if status in TRANSIENT_STATUSES:
        error = _busy(origin, because) if status == 429 else _broken(origin, because)
        raise TransientError(error, response.headers.get("Retry-After"))
    if status == 404:
        raise NotFoundError(f"{what} does not exist", because=because)
    raise RegistryError(
        f"{origin} gave an answer that we did not expect for {what}",
        because=because,
        retryable=False,
    )


def login_refused(
    response: Response, what: str, registry: str, *, logged_in: bool
) -> AuthenticationError:
    """A registry or its token service wants another login than it got."""
    because = _words_of(response)
    login = f"docker login {registry}"
    if not logged_in:
        return AuthenticationError(
            f"{registry} wants a login for {what}",
            because=because,
            hint=f"{login}, or --registry-username with SUPPLYCHAIN_REGISTRY_PASSWORD",
        )
    return AuthenticationError(
        f"{registry} does not let this login near {what}",
        because=because,
        hint=f"{login}, or ask the registry's owner for the right to it",
    )


def _busy(origin: Origin, because: str) -> RegistryError:
    return RegistryError(
        f"{origin} lets nobody ask so often", because=because, hint="wait, or log in: try again"
    )


def _broken(origin: Origin, because: str) -> RegistryError:
    return RegistryError(
        f"{origin} failed", because=because, hint="run it again, or look at the registry's own log"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    for _ in range(12):
        if seen is None:
            return
        yield seen
        reason = getattr(seen, "reason", None) or (seen.args[0] if seen.args else None)
        inner = seen.__cause__ or seen.__context__
        seen = inner or (reason if isinstance(reason, BaseException) else None)


def _os_reason(causes: tuple[BaseException, ...]) -> str:
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.strerror:
            return str(cause.strerror)
    return "it ended before the answer did"


def _unresolved(cause: BaseException, origin: Origin) -> RegistryError:
    return RegistryError(
        f"there is no host {origin.host}",
        because=_os_reason((cause,)),
        hint="check the name of the registry, and that this machine can resolve it",
    )


def _refused(_cause: BaseException, origin: Origin) -> RegistryError:
    return RegistryError(
        f"nothing answers at {origin}",
        because="the connection was refused",
        hint="check the port, and that the registry is running",
    )


def _untrusted(cause: BaseException, origin: Origin) -> RegistryError:
    return RegistryError(
        f"the certificate of {origin} is not trusted",
        because=getattr(cause, "verify_message", None) or "it could not be verified",
        hint="--registry-cacert FILE, with the authority that signed it",
        retryable=False,
    )


def _no_tls(cause: BaseException, origin: Origin) -> RegistryError:
    return RegistryError(
        f"{origin} does not speak TLS with us",
        because=(getattr(cause, "reason", None) or "the handshake failed"),
        hint=f"if it is meant to speak plain HTTP, try: --insecure-registry {origin}",
        retryable=False,
    )


def _slow(_cause: BaseException, origin: Origin) -> RegistryError:
    return RegistryError(
        f"{origin} is too slow",
        because="it did not answer, or sent too little, within the time allowed",
        hint="run it again later",
    )


def _proxy(cause: BaseException, origin: Origin) -> RegistryError:
    return RegistryError(
        f"the proxy does not let us through to {origin}",
        because=_os_reason((cause,)),
        hint="check HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
    )


def _bad_address(_cause: BaseException, origin: Origin) -> InputError:
    return InputError(f"{origin} is not an address", hint="check the name of the registry")


# In order of precedence: the innermost cause may be an OSError of several meanings.
_Kinds = type[BaseException] | tuple[type[BaseException], ...]
_Translation = Callable[[BaseException, Origin], SupplyChainError | TransientError]
_TRANSLATIONS: tuple[tuple[_Kinds, _Translation], ...] = (
    (ssl.SSLCertVerificationError, _untrusted),
    ((ssl.SSLEOFError, ssl.SSLZeroReturnError), lambda cause, origin: _cut((cause,), origin)),
    (ssl.SSLError, _no_tls),
    (socket.gaierror, _unresolved),
    (urllib3.exceptions.ProxyError, _proxy),
    (ConnectionRefusedError, _refused),
    ((TimeoutError, urllib3.exceptions.TimeoutError), _slow),
    (urllib3.exceptions.LocationValueError, _bad_address),
)


def _words_of(response: Response) -> str:
    """The registry's own code and message, shortened, and without what we sent it in confidence."""
    words = f"status {response.status}"
    try:
        errors = orjson.loads(response.raw.read(_BODY_LIMIT))["errors"]
        said = ": ".join(str(errors[0][k]) for k in ("code", "message") if errors[0].get(k))
    except (*NETWORK_ERRORS, ValueError, LookupError, TypeError, AttributeError):
        said = ""
    for secret in _secrets_in(response):
        said = said.replace(secret, "***")
    if not (said.isascii() and said.isprintable()):
        # Compiled only here: that takes 3 ms, and hardly any answer needs it.
        said = re.sub(_UNPRINTABLE, " ", said)
    said = said.strip()[:_TEXT_LIMIT]
    return f"{words}, {said}" if said else words


def _secrets_in(response: Response) -> Iterator[str]:
    scheme, _, value = response.sent_headers.get("Authorization", "").partition(" ")
    if value:
        yield value
    if scheme == "Basic":
        try:
            yield base64.b64decode(value).decode().partition(":")[2] or value
        except (binascii.Error, UnicodeDecodeError):
            return
    if isinstance(response.sent_body, str):
        for name, secret in parse_qsl(response.sent_body):
            if name in {"refresh_token", "password"}:
                yield secret
