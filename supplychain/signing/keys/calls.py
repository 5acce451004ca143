"""JSON over HTTP with services that keep keys: bounded, patient, and silent about secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from supplychain.errors import ConfigurationError, InputError, KeyServiceError
from supplychain.frozen import dataclass
from supplychain.signing.calling import innermost, no_netrc
from supplychain.signing.encoding import as_object, read_json

if TYPE_CHECKING:
    import requests

_TIMEOUTS = (5.0, 10.0)  # seconds to connect, and for each part of the answer
_ANSWER_LIMIT = 1024 * 1024
_PAUSES = (0.25, 1.0)
_LONGEST_PAUSE = 10.0
# Not yet consistent (Vault), too many requests, and what is said while something restarts.
_PASSING = frozenset({412, 429, 500, 502, 503, 504})
_HIDDEN = "********"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said.

    Attributes:
        status: HTTP status.
        value: The JSON object; empty where there is none.
        retry_after: How long it wants us to wait, in seconds; 0 where it does not say.
    """

    status: int
    value: dict[str, object]
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True, repr=False)
class Service:
    """A service, and who we are there.

    Attributes:
        name: For people: "OpenBao at https://…".
        address: Base URL without a slash at its end.
        token: Proves who we are; must not show up in an error, though the service repeats it.
        header: The header that takes it, and what stands before it there.
        sleep: Waits between two attempts, for seconds.
        headers: Further headers.
        cacert: A file with the certificate authorities to trust; None for the usual ones.
        certificate: Files with a client certificate and its key; None for none.
    """

    name: str
    address: str
    token: str
    header: tuple[str, str]
    sleep: Callable[[float], None]
    headers: Mapping[str, str] | None = None
    cacert: str | None = None
    certificate: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        """Refuse a token that no header can carry, without showing it.

        Raises:
            ConfigurationError: It has white space or other characters than ASCII.
        """
        if not (self.token.isascii() and self.token.isprintable()) or " " in self.token:
            raise ConfigurationError(
                f"the token for {self.name} cannot be one",
                because="it has white space in it, or characters that are not ASCII",
            )

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Answer:
        """One exchange, tried again where the failure may pass.

        Args:
            method: HTTP method.
            path: Below the address, with its slash.
            body: Sent as JSON.

        Raises:
            KeyServiceError: The service cannot be reached, redirects, or does not speak JSON.
            ConfigurationError: Its address or its certificates cannot be used.
        """
        for pause in _PAUSES:
            try:
                answer = self._send(method, path, body)
            except KeyServiceError as error:
                if not error.retryable:
                    raise
                self.sleep(pause)
            else:
                if answer.status not in _PASSING:
                    return answer
                self.sleep(min(max(pause, answer.retry_after), _LONGEST_PAUSE))
        return self._send(method, path, body)

    def failure(self, answer: Answer, said: str, hint: str | None = None) -> KeyServiceError:
        """The error for an answer that is not what was asked for.

        Args:
            answer: The answer.
            said: What the service says about it, in its own words.
            hint: What to do.
        """
        text = said.replace(self.token, _HIDDEN) if self.token else said
        return KeyServiceError(
            f"{self.name} answers with status {answer.status}",
            because=" ".join(text.split())[:300] or None,
            hint=hint,
            retryable=answer.status in _PASSING,
        )

    def _send(self, method: str, path: str, body: Mapping[str, object] | None) -> Answer:
        import requests
        import urllib3

        name, prefix = self.header
        sent = {**(self.headers or {}), **({name: prefix + self.token} if self.token else {})}
        try:
            with requests.Session() as session:
                session.auth = no_netrc
                with session.request(
                    method,
                    self.address + path,
                    json=body,
                    headers=sent,
                    timeout=_TIMEOUTS,
                    allow_redirects=False,  # a redirect could carry the token elsewhere
                    stream=True,
                    verify=self.cacert or True,
                    cert=self.certificate,
                ) as response:
                    return self._answer(response)
        except requests.exceptions.SSLError as error:
            raise KeyServiceError(
                f"{self.name} cannot be trusted",
                because=innermost(error),
                hint="check its certificate, and the authorities that we are told to trust",
                retryable=False,
            ) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            if isinstance(error, ValueError):
                raise ConfigurationError(
                    f"{self.address!r} is not an address", because=innermost(error)
                ) from error
            raise KeyServiceError(
                f"{self.name} cannot be reached", because=innermost(error)
            ) from error
        except OSError as error:
            raise ConfigurationError(
                f"the certificates for {self.name} cannot be used", because=innermost(error)
            ) from error

    def _answer(self, response: requests.Response) -> Answer:
        status = response.status_code
        if response.is_redirect or 300 <= status < 400:
            raise KeyServiceError(
                f"{self.name} sends us elsewhere",
                because=f"it names {response.headers.get('Location', 'nothing')[:200]}, "
                "and a token is not taken there",
                hint="give the address of the server that answers itself",
                retryable=False,
            )
        data = response.raw.read(_ANSWER_LIMIT + 1, decode_content=True)
        after = response.headers.get("Retry-After", "")
        seconds = float(after[:6]) if after.isascii() and after.isdigit() else 0.0
        try:
            value = _parsed(data, self.name) if data else {}
        except InputError as error:
            if status < 400:
                raise KeyServiceError(
                    f"{self.name} gives an answer that cannot be read",
                    because=error.because or str(error),
                    hint="check the address: something else may answer there",
                    retryable=False,
                ) from error
            value = {}
        return Answer(status, value, seconds)


def _parsed(data: bytes, name: str) -> dict[str, object]:
    what = f"the answer of {name}"
    return as_object(read_json(data, what, limit=_ANSWER_LIMIT).value, what)
