"""How people log in to this server: what its operator has set, checked before it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from datetime import timedelta
from urllib.parse import urlsplit

from supplychain.access.fetching import Fetching
from supplychain.access.login import Client, Post
from supplychain.access.trust import require_url
from supplychain.errors import ConfigurationError, InputError
from supplychain.frozen import dataclass
from supplychain.settings import Settings

CALLBACK = "/v1/login/callback"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_NEEDED = ("login_issuer", "login_client_id", "login_redirect")


@dataclass(frozen=True, slots=True)
class Login:
    """How people log in.

    Attributes:
        client: What this server is to the provider.
        secret: What it shows the provider, read anew each time; None for PKCE alone.
        post: Sends the provider a form.
        lasts: How long somebody stays logged in.
        idle: After how long without a request they do not.
        is_secure: Whether with TLS; without it is for this machine alone.
    """

    client: Client
    secret: Callable[[], str | None] = field(repr=False)
    post: Post
    lasts: timedelta
    idle: timedelta
    is_secure: bool

    @property
    def origin(self) -> str:
        """Where this server is, as browsers say it."""
        parts = urlsplit(self.client.redirect)
        return f"{parts.scheme}://{parts.netloc}"

    def cookie(self, name: str) -> str:
        """What a cookie is called.

        `__Host-` makes browsers refuse it from anybody but this very host over TLS: no neighbour
        in the domain, and nobody on the line, can set it.
        """
        return f"__Host-supplychain-{name}" if self.is_secure else f"supplychain-{name}"


def login_from(settings: Settings, fetching: Fetching) -> Login | None:
    """How people log in; None where nothing of it is set.

    Args:
        settings: All settings.
        fetching: What asks the provider.

    Raises:
        ConfigurationError: It is set in part, or so that it would not be safe.
    """
    given = {name: settings.text(name) for name in _NEEDED}
    if not any(given.values()):
        return None
    if missing := [name for name, value in given.items() if not value]:
        raise ConfigurationError(
            f"people cannot log in without {' and '.join(missing)}",
            because=f"{', '.join(sorted(set(_NEEDED) - set(missing)))} alone is set",
        )
    issuer, identifier, redirect = (str(given[name]) for name in _NEEDED)
    is_secure = _require_places(issuer, redirect, plain=settings.switch("unsafe_login_without_tls"))
    return Login(
        client=Client(issuer, identifier, redirect),
        secret=lambda: settings.text("login_client_secret"),
        post=fetching.post,
        lasts=timedelta(seconds=settings.duration("login_lasts")),
        idle=timedelta(seconds=settings.duration("login_idle")),
        is_secure=is_secure,
    )


def _require_places(issuer: str, redirect: str, *, plain: bool) -> bool:
    """Refuse an issuer or a way back that is not safe; whether the way back has TLS."""
    try:
        require_url(issuer, "login_issuer")
        require_url(redirect, "login_redirect")
    except InputError as error:
        raise ConfigurationError(str(error), because=error.because, hint=error.hint) from error
    parts = urlsplit(redirect)
    # As browsers write an origin: anything else would never be equal to what they say.
    usual = {"https": ":443", "http": ":80"}[parts.scheme]
    if (
        parts.path != CALLBACK
        or parts.query
        or parts.netloc != parts.netloc.lower().removesuffix(usual)
    ):
        raise ConfigurationError(
            f"login_redirect = {redirect!r} is not where people come back to",
            hint=f"https://HOST{CALLBACK}, the host in small letters, without its usual port",
        )
    if parts.scheme == "https":
        return True
    # `require_url` has let no other host than this machine through.
    if not plain:
        raise ConfigurationError(
            "nobody logs in without TLS",
            because=f"login_redirect = {redirect!r}",
            hint="to try it out on this machine: unsafe_login_without_tls = yes",
        )
    return False
