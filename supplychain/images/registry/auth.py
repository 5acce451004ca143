"""Who we are to a registry: challenges, and bearer tokens for each scope.

Specification: distribution project, "Token Authentication" and "Oauth2 Token Authentication".
The first call goes out without credentials; the answer's challenge tells what is wanted, and from
then on every call carries it at once.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import cached_property
from threading import Lock
from urllib.parse import urlencode, urljoin

import orjson

from supplychain.errors import ConfigurationError, RegistryError
from supplychain.frozen import dataclass
from supplychain.images.registry.address import Origin, without_secrets
from supplychain.images.registry.body import drain, read_body
from supplychain.images.registry.docker_config import Login, login_for
from supplychain.images.registry.failures import (
    login_refused,
    raise_for_status,
)
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.response import Response
from supplychain.images.registry.wire import Wire

_CLIENT = "supplychain"
_TOKEN_LIMIT = 1024 * 1024
# What a token lives where its service does not say ("expires_in"), and how long before its end
# it is no longer used: in seconds.
_DEFAULT_LIFE = 60.0
_SAFETY = 10.0
_HEADER_LIMIT = 4096
_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")
_PARAMETER = re.compile(r'([a-zA-Z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*,?\s*')
_SCHEME = re.compile(r"\s*,?\s*([a-zA-Z0-9_-]+)(?:\s+|$)(?!=)")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a call does: pull from a repository, or push to it too.

    Attributes:
        repository: The repository.
        push: Whether it is written to.
        also: Another one that is read; "" for none.
    """

    repository: str
    push: bool = False
    also: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """As token services read it, one for each repository."""
        own = f"repository:{self.repository}:{'pull,push' if self.push else 'pull'}"
        return (own, f"repository:{self.also}:pull") if self.also else (own,)

    def __str__(self) -> str:
        """All parts, with spaces between."""
        return " ".join(self.parts)

    def covers(self, other: Scope) -> bool:
        """Whether a token for this scope is good for the other too."""
        return (
            self.repository == other.repository
            and (self.push or not other.push)
            and other.also in {"", self.also}
        )


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a registry wants: Basic, or a bearer token from a service."""

    scheme: str
    realm: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    good_until: float


def parse_challenge(header: str) -> Challenge | None:
    """The challenge to answer among those of a `WWW-Authenticate`; bearer before basic.

    None where there is none that we know.
    """
    found: dict[str, Challenge] = {}
    position = 0
    header = header[:_HEADER_LIMIT]
    while match := _SCHEME.match(header, position):
        position = match.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(header, position):
            position = parameter.end()
            name, quoted, plain = parameter.groups()
            parameters[name.lower()] = re.sub(r"\\(.)", r"\1", quoted or "") or plain or ""
        scheme = match[1].lower()
        found[scheme] = Challenge(
            scheme, parameters.get("realm", ""), parameters.get("service", "")
        )
    bearer = found.get("bearer")
    return bearer if bearer and bearer.realm else found.get("basic")


class Authenticator:
    """Answers one registry's challenges; safe among threads.

    Args:
        wire: For the token service, and to ask a registry that refuses without a challenge.
        registry: Its name, by which Docker's configuration knows it.
        options: The login that the user gave; without one Docker's configuration is asked, once,
            when the registry first wants a login.
        monotonic: Seconds since some fixed point.
    """

    def __init__(
        self,
        wire: Wire,
        registry: str,
        options: RegistryOptions,
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._wire = wire
        self._registry = registry
        self._options = options
        self._monotonic = monotonic
        self._challenge: Challenge | None = None
        self._challenged_at = ""
        self._tokens: dict[Scope, _Token] = {}
        self._lock = Lock()

    def authorization(self, scope: Scope) -> str | None:
        """The value of `Authorization` for a call; None while nothing was asked for.

        Raises:
            AuthenticationError: The token service wants another login.
            RegistryError: The token service failed.
        """
        with self._lock:
            if self._challenge is None and self._options.token is None:
                return None
            login = self._login
            if login is not None and login.registry_token:
                return _bearer(login.registry_token)
            if self._challenge is None or self._challenge.scheme == "basic":
                return None if login is None or not login.username else _basic(login)
            return _bearer(self._token(self._challenge, login, scope))

    def learn(self, response: Response, sent: str | None) -> bool:
        """Learn from a refusal; whether the call is worth a repetition.

        Args:
            response: The 401 or 403; its body is drained where the answer is True.
            sent: The `Authorization` that the call carried.

        Raises:
            RegistryError: The registry cannot be asked what it wants.
        """
        if sent is None:
            challenge = parse_challenge(response.headers.get("WWW-Authenticate", ""))
            challenge = challenge or self._ask(response.url)
            with self._lock:
                self._challenge, self._challenged_at = challenge, response.url
        elif response.status != 401 or not self._forget(sent):
            return False
        if self._challenge is None or (self._challenge.scheme == "basic" and self._login is None):
            return False
        drain(response)
        return True

    def refusal(self, response: Response, what: str, sent: str | None) -> RegistryError:
        """The error for a call that stays refused."""
        logged_in = sent is not None and self._login is not None
        return login_refused(response, what, self._registry, logged_in=logged_in)

    @cached_property
    def _login(self) -> Login | None:
        options = self._options
        if options.token is not None:
            return Login(registry_token=options.token)
        if options.username is not None:
            return Login(options.username, options.password or "")
        return login_for(self._registry, options.docker_config)

    def _forget(self, sent: str) -> bool:
        """Drop a token that is no longer good; whether there was one."""
        with self._lock:
            stale = [s for s, token in self._tokens.items() if sent == f"Bearer {token.value}"]
            for scope in stale:
                del self._tokens[scope]
            return bool(stale)

    def _ask(self, url: str) -> Challenge | None:
        """Some registries refuse an anonymous call with a bare 403: `/v2/` tells what they want."""
        response = self._wire.send("GET", urljoin(url, "/v2/"), headers={})
        drain(response)
        return parse_challenge(response.headers.get("WWW-Authenticate", ""))

    def _token(self, challenge: Challenge, login: Login | None, scope: Scope) -> str:
        now = self._monotonic()
        for known, token in self._tokens.items():
            if known.covers(scope) and token.good_until > now:
                return token.value
        token = self._fetch(challenge, login, scope, now)
        self._tokens[scope] = token
        return token.value

    def _fetch(self, challenge: Challenge, login: Login | None, scope: Scope, now: float) -> _Token:
        # The registry may name any host for its token service, but not leave TLS.
        url = self._wire.follow(self._challenged_at, challenge.realm)
        what = f"a token for {scope}"
        if login is not None and login.identity_token:
            response = self._trade(url, challenge.service, scope, login.identity_token)
        else:
            response = self._get_token(url, challenge.service, scope, login)
        if response.status in {401, 403}:
            raise login_refused(response, what, self._registry, logged_in=login is not None)
        if response.status != 200:
            raise_for_status(response, what)
        return _read_token(read_body(response, limit=_TOKEN_LIMIT, what=what), url, now)

    def _get_token(self, url: str, service: str, scope: Scope, login: Login | None) -> Response:
        asked = {"service": service, "scope": scope.parts}
        query = urlencode(asked | ({"account": login.username} if login else {}), doseq=True)
        authorization = (Origin.of(url), _basic(login)) if login else None
        joint = "&" if "?" in url else "?"
        return self._wire.send(
            "GET", f"{url}{joint}{query}", headers={}, authorization=authorization
        )

    def _trade(self, url: str, service: str, scope: Scope, identity_token: str) -> Response:
        asked = {"service": service, "scope": str(scope)}
        form = {"grant_type": "refresh_token", "client_id": _CLIENT}
        # The secret is in the body, so no redirect is followed with it.
        return self._wire.send(
            "POST",
            url,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(asked | form | {"refresh_token": identity_token}),
            redirects=0,
        )


def _read_token(data: bytes, url: str, now: float) -> _Token:
    try:
        answer = orjson.loads(data)
        value = answer.get("token") or answer.get("access_token")
        life = float(answer.get("expires_in") or _DEFAULT_LIFE)
    except (ValueError, TypeError, AttributeError):
        value, life = None, 0.0
    if not isinstance(value, str) or not _HEADER_SAFE.fullmatch(value):
        raise RegistryError(
            "the registry's token service gave no token",
            because=f"the answer of {without_secrets(url)} is not JSON with a token",
            retryable=False,
        )
    return _Token(value, now + max(life, _DEFAULT_LIFE) - _SAFETY)


def _bearer(token: str) -> str:
    if not _HEADER_SAFE.fullmatch(token):
        raise ConfigurationError(
            "the registry token cannot be sent",
            because="it holds a space, a line break or another character that a header cannot",
            hint="check how it was copied",
        )
    return f"Bearer {token}"


def _basic(login: Login) -> str:
    pair = f"{login.username}:{login.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"
