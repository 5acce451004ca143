"""One registry host: calls that are authorised, repeated where that helps, and bounded."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NoReturn

from supplychain.frozen import dataclass
from supplychain.images.registry.address import Origin, api_host
from supplychain.images.registry.auth import Authenticator, Scope
from supplychain.images.registry.body import drain, read_body
from supplychain.images.registry.failures import raise_for_status
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.response import Response
from supplychain.images.registry.retry import Clock, Retry
from supplychain.images.registry.sending import Stream
from supplychain.images.registry.wire import Wire
from supplychain.model.artifact import MANIFEST_LIMIT

_OK = frozenset({200})


@dataclass(frozen=True, slots=True)
class Call:
    """What to ask of a registry.

    Attributes:
        method: HTTP method.
        target: Path below the registry, or an absolute URL that the registry gave.
        scope: What the call needs the right to.
        what: The thing asked for, for errors: "the tag '1' of reg/app".
        headers: Headers beside those of authorisation.
        body: The body; None where there is none.
        accept: The statuses that are an answer; any other is an error.
    """

    method: str
    target: str
    scope: Scope
    what: str
    headers: Mapping[str, str]
    body: bytes | Stream | None = None
    accept: frozenset[int] = _OK


@dataclass(frozen=True, slots=True)
class Answer:
    """What a registry said.

    Attributes:
        status: HTTP status.
        headers: Headers; their names compare without regard to case.
        body: The body of a GET; empty for every other method.
        url: Where the answer came from, after redirects.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


class RegistryHost:
    """A registry, its connections and its login; shared by all its repositories and by threads.

    Args:
        registry: As in `Reference.registry`.
        options: How to reach it.
        clock: Time and chance.
    """

    def __init__(
        self, registry: str, options: RegistryOptions | None = None, *, clock: Clock | None = None
    ) -> None:
        self.registry = registry
        self._options = options or RegistryOptions()
        self._clock = clock or Clock()
        self.wire = Wire(self._options)
        self.retry = Retry(self._options.retries, self._clock)
        self._scheme: str | None = None

    def admit(self, repository: str) -> None:
        """Refuse a repository that the guard does not know.

        Raises:
            DestinationError: It does not.
        """
        if self._options.guard is not None:
            origin = Origin.of(f"https://{api_host(self.registry)}")
            self._options.guard.admit_repository(origin.host, origin.port, repository)

    def call(self, call: Call, *, limit: int = MANIFEST_LIMIT) -> Answer:
        """Make a call as often as it takes, and read its answer.

        Args:
            call: The call.
            limit: The most bytes that the answer may have.

        Raises:
            NotFoundError: 404.
            AuthenticationError: Our login was refused, or is wanted.
            RegistryError: The registry failed or cannot be reached.
            LimitError: The answer is larger than `limit`.
        """
        return self.retry.call(lambda: self.call_once(call, limit=limit))

    def call_once(self, call: Call, *, limit: int = MANIFEST_LIMIT) -> Answer:
        """As `call`, in one attempt.

        Raises:
            TransientError: The same call may succeed if repeated.
        """
        response = self.open(call)
        body = b""
        if call.method == "GET":
            body = read_body(response, limit=limit, what=call.what)
        else:
            drain(response)
        return Answer(response.status, response.headers, body, response.url)

    def open(self, call: Call) -> Response:
        """Make a call in one attempt, and leave the answer's body to the caller.

        Raises:
            TransientError: The same call may succeed if repeated.
        """
        sent = self._authenticator.authorization(call.scope)
        response = self._send(call, sent)
        if self._refused(response) and self._authenticator.learn(response, sent):
            sent = self._authenticator.authorization(call.scope)
            response = self._send(call, sent)
        if response.status not in call.accept:
            self._raise(response, call, sent)
        return response

    def close(self) -> None:
        """Close every connection."""
        self.wire.close()

    def _send(self, call: Call, authorization: str | None) -> Response:
        relative = call.target.startswith("/")
        return self.wire.send(
            call.method,
            f"{self._base}{call.target}" if relative else call.target,
            headers=call.headers,
            body=call.body,
            authorization=None if authorization is None else (self._origin, authorization),
        )

    def _raise(self, response: Response, call: Call, sent: str | None) -> NoReturn:
        if self._refused(response):
            with response:
                raise self._authenticator.refusal(response, call.what, sent)
        raise_for_status(response, call.what)

    def _refused(self, response: Response) -> bool:
        """Whether the registry itself, not some storage behind it, refuses us."""
        return response.status in {401, 403} and Origin.of(response.url) == self._origin

    @property
    def _base(self) -> str:
        host = api_host(self.registry)
        if self._scheme is None:
            self._scheme = self.wire.scheme_of(host)
        return f"{self._scheme or 'https'}://{host}"

    @property
    def _origin(self) -> Origin:
        return Origin.of(self._base)

    @cached_property
    def _authenticator(self) -> Authenticator:
        return Authenticator(
            self.wire, self.registry, self._options, monotonic=self._clock.monotonic
        )
