"""Exchanges with Sigstore's services: bounded, patient, and silent about tokens.

`requests` lets an adapter stand below a session. This one gives every call a deadline and every
answer a size, repeats what may pass, follows no redirect, and tells a refusal in our own words, so
that the library above it sees complete answers or nothing.
"""

from __future__ import annotations

import io
import os
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, NoReturn
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from supplychain.errors import SigstoreError
from supplychain.frozen import dataclass
from supplychain.signing.calling import innermost, no_netrc
from supplychain.signing.keyless.answers import said, seconds, without_tokens
from supplychain.signing.keyless.deadline import POOLS

_CONNECT = 5.0
# A log answers when the entry is included, which takes it seconds; its authors advise 20.
_SILENCE = 30.0
_ANSWER_LIMIT = 1024 * 1024
_PAUSES = (0.25, 1.0, 4.0)
_LONGEST_RETRY_AFTER = 60.0
# RFC 9110: these say that the same request may succeed later.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Patience:
    """Time and chance, so that a test can play both.

    Attributes:
        sleep: Waits for seconds.
        now: The current instant (aware, UTC).
        chance: A number from 0 up to 1.
    """

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    chance: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Service:
    """One of Sigstore's services.

    Attributes:
        name: For people: "the certificate authority".
        address: Where it is.
        hints: What to do about some statuses.
    """

    name: str
    address: str
    hints: Mapping[int, str]

    def __str__(self) -> str:
        """Name and address, without what an address may hide."""
        parts = urlsplit(self.address)
        return f"{self.name} {parts.scheme}://{parts.netloc.rpartition('@')[2]}"


class _PassingError(Exception):
    """The same call may succeed; if it will not, raise `error`."""

    def __init__(self, error: SigstoreError, retry_after: str | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.retry_after = retry_after


def session(service: Service, patience: Patience, headers: Mapping[str, str]) -> requests.Session:
    """A session for one service; proxies and authorities of the environment count.

    Args:
        service: The only one that it is for.
        patience: Time and chance.
        headers: Sent with every request.
    """
    made = requests.Session()
    made.auth = no_netrc
    # What Go's programs take; `requests` itself takes REQUESTS_CA_BUNDLE, which goes before.
    made.verify = os.environ.get("SSL_CERT_FILE") or True
    made.headers.update({**headers, "Accept-Encoding": "identity"})
    made.adapters.clear()
    for scheme in ("https://", "http://"):
        made.mount(scheme, PatientAdapter(service, patience))
    return made


class PatientAdapter(HTTPAdapter):
    """What stands below a session; see the module.

    Args:
        service: Who answers.
        patience: Time and chance.
    """

    def __init__(self, service: Service, patience: Patience) -> None:
        self._service = service
        self._patience = patience
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Connections whose answers have to be there in time."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = dict(POOLS)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """The same through a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = dict(POOLS)
        return manager

    def send(
        self,
        request: requests.PreparedRequest,
        *_args: Any,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Any = None,
        **_others: Any,
    ) -> requests.Response:
        """A complete answer that says yes, within bounds.

        Every request here may be repeated: a second certificate harms nobody, a log finds what it
        has already, and a clock has no memory.

        Raises:
            SigstoreError: The service is not there, refuses, or sends what nobody should read.
        """
        # As in every Go client, what is on this machine is not looked for elsewhere.
        through = {} if _is_loopback(str(request.url)) else proxies
        for number, pause in enumerate((*_PAUSES, None)):
            try:
                return self._attempt(request, verify=verify, cert=cert, proxies=through)
            except _PassingError as passing:
                if pause is None:
                    raise passing.error from None
                self._wait(number, passing)
        raise AssertionError  # the last attempt returns or raises

    def _wait(self, number: int, passing: _PassingError) -> None:
        asked = seconds(passing.retry_after, self._patience.now())
        if asked is not None and asked > _LONGEST_RETRY_AFTER:
            passing.error.hint = f"try again in {asked:.0f} s"
            raise passing.error from None
        if asked is None:
            asked = _PAUSES[number] * (0.5 + self._patience.chance() / 2)
        self._patience.sleep(asked)

    def _attempt(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        response = self._exchange(request, **how)
        if response.status_code == 409 and (there := self._existing(request, response)):
            response = self._exchange(there, **how)
        if not 200 <= response.status_code < 300:
            self._refuse(request, response)
        return response

    def _existing(
        self, request: requests.PreparedRequest, response: requests.Response
    ) -> requests.PreparedRequest | None:
        """Rekor v1 has the entry already, from an attempt that was cut off, and says where."""
        url = urljoin(str(request.url), response.headers.get("Location", ""))
        if "Location" not in response.headers or _origin(url) != _origin(str(request.url)):
            return None
        there = request.copy()
        there.prepare_method("GET")
        there.prepare_url(url, None)
        there.prepare_body(None, None)
        there.headers.pop("Content-Length", None)
        return there

    def _exchange(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        try:
            response = super().send(request, stream=True, timeout=(_CONNECT, _SILENCE), **how)
            with response:
                data = _read(response)
        except requests.exceptions.SSLError as error:
            raise SigstoreError(
                f"{self._service} cannot be trusted",
                because=innermost(error),
                hint="name the authority that issued its certificate in REQUESTS_CA_BUNDLE",
                retryable=False,
            ) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            self._unreachable(error)
        if len(data) > _ANSWER_LIMIT:
            raise SigstoreError(
                f"{self._service} sends more than anybody should read",
                because=f"its answer has more than {_ANSWER_LIMIT} bytes",
                retryable=False,
            )
        response.raw = urllib3.HTTPResponse(io.BytesIO(data), preload_content=False)
        return response

    def _unreachable(self, error: Exception) -> NoReturn:
        if isinstance(error, ValueError):  # how `requests` refuses an address
            raise SigstoreError(
                f"{self._service} cannot be asked",
                because=innermost(error),
                hint="correct its address in the signing config",
                retryable=False,
            ) from None
        raise _PassingError(
            SigstoreError(
                f"{self._service} cannot be reached",
                because=innermost(error),
                hint="check that it runs, and what stands between: proxies, firewalls, names",
            )
        ) from None

    def _refuse(self, request: requests.PreparedRequest, response: requests.Response) -> NoReturn:
        status = response.status_code
        if 300 <= status < 400:
            raise SigstoreError(
                f"{self._service} sends us elsewhere",
                because=f"it names {response.headers.get('Location', 'nothing')[:200]}, "
                "which the signing config does not",
                hint="name the address that answers itself in the signing config",
                retryable=False,
            )
        error = SigstoreError(
            f"{self._service} answers with status {status}",
            because=without_tokens(said(response.content), _token(request)) or None,
            hint=self._service.hints.get(status),
            retryable=status in _PASSING,
        )
        if status in _PASSING:
            raise _PassingError(error, response.headers.get("Retry-After"))
        raise error


def _read(response: requests.Response) -> bytes:
    """The body, up to more than is allowed; only who asks until nothing comes hears of a cut."""
    received = bytearray()
    while len(received) <= _ANSWER_LIMIT and (
        chunk := response.raw.read(_ANSWER_LIMIT, decode_content=False)
    ):
        received += chunk
    return bytes(received)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _token(request: requests.PreparedRequest) -> str:
    return request.headers.get("Authorization", "").rpartition(" ")[2]


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
