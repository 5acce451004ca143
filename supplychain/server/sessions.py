"""Who comes with a session: a cookie, and a proof that a page of this server asks.

A browser sends its cookies whoever made it ask. So whatever is not mere reading takes a proof of
two kinds. The browser says from where it asks: `Sec-Fetch-Site`, or `Origin` where it is older.
And the request repeats a token in a header, which only a page of this server could have read: the
synchronizer token pattern, where the token is made from the session's secret and is kept nowhere.
"""

from __future__ import annotations

import base64
import hmac
from contextlib import suppress
from dataclasses import field

from fastapi import Request
from starlette.responses import Response

from supplychain.access.tokens import read_session
from supplychain.errors import ForbiddenError, StoreError, UnauthenticatedError
from supplychain.frozen import dataclass
from supplychain.model.access import Principal, Session
from supplychain.server.login import LOOPBACK, Login
from supplychain.server.service import Service

SESSION = "session"
CSRF_HEADER = "X-CSRF-Token"
_READING = frozenset({"GET", "HEAD"})
_AGAIN = "log in: /v1/login"


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Somebody who is logged in.

    Attributes:
        session: Their session.
        organisation: Of which they are a member.
        csrf_token: What their requests that change something repeat.
    """

    session: Session
    organisation: str
    csrf_token: str = field(repr=False)

    @property
    def principal(self) -> Principal:
        """Who they are; it has no end, for what they make may outlive the session."""
        member = self.session.member
        came_with = f"session {self.session.identifier}"
        return Principal(member.name, self.organisation, member.scope, came_with)


def logged_in(request: Request, service: Service) -> LoggedIn | None:
    """Who comes with a session; None for who comes with none.

    Args:
        request: The request.
        service: What the server has.

    Raises:
        UnauthenticatedError: It is nobody's, is over, or somebody brings a token, too.
        ForbiddenError: The request changes something, and not a page of this server sends it.
    """
    login = service.login
    text = "" if login is None else cookie_in(request, login, SESSION)
    if login is None or not text:
        return None
    if request.headers.get("authorization"):
        raise UnauthenticatedError(
            "nobody can tell who is asking",
            because="there are a session and a token",
            hint="send one of them",
        )
    require_here(request, login)
    found = known(service, login, text)
    if request.method not in _READING:
        _require_own_page(request, login, found.csrf_token)
    with suppress(StoreError):  # that they were here is nothing to refuse them for
        service.store.entry.seen(found.session, at=service.clock())
    return found


def known(service: Service, login: Login, text: str) -> LoggedIn:
    """Whose session it is that a cookie shows.

    Raises:
        UnauthenticatedError: It is nobody's, or is over.
    """
    presented = read_session(text)
    kept = service.store.entry.session(presented.identifier)
    if kept is None or not presented.is_of(kept.digest):
        raise UnauthenticatedError("nobody is logged in with this session", hint=_AGAIN)
    # Who changed the provider means that nobody of the former one is logged in any more.
    is_ours = kept.session.member.issuer == login.client.issuer
    if not is_ours or kept.session.ends_at(login.idle) <= service.clock():
        raise UnauthenticatedError("this session is over", hint=_AGAIN)
    return LoggedIn(kept.session, kept.organisation, csrf_token(text))


def csrf_token(text: str) -> str:
    """What a page of this server proves by that it is one."""
    made = hmac.digest(text.encode(), b"csrf", "sha256")
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def cookie_in(request: Request, login: Login, name: str) -> str:
    """A cookie of ours; "" where there is none.

    Raises:
        UnauthenticatedError: There are several, and one is somebody else's.
    """
    wanted, found = login.cookie(name), []
    for header in request.headers.getlist("cookie"):
        for pair in header.split(";"):
            key, _, value = pair.strip().partition("=")
            if key == wanted:
                found.append(value)
    if len(found) > 1:
        raise UnauthenticatedError(
            "nobody can tell who is asking", because=f"there are several cookies {wanted}"
        )
    return found[0] if found else ""


def give_cookie(response: Response, login: Login, name: str, value: str, seconds: int) -> None:
    """Let a browser have a cookie that no script and no other site can use."""
    response.set_cookie(
        login.cookie(name),
        value,
        max_age=seconds,
        path="/",
        secure=login.is_secure,
        httponly=True,
        samesite="lax",
    )


def take_cookie(response: Response, login: Login, name: str) -> None:
    """Let a browser forget a cookie."""
    give_cookie(response, login, name, "", 0)


def require_here(request: Request, login: Login) -> None:
    """Refuse whoever is not on this machine, where people log in without TLS.

    Raises:
        ForbiddenError: They are elsewhere, or came by another name of this machine.
    """
    if login.is_secure:
        return
    host = request.client.host if request.client else ""
    if host not in LOOPBACK or request.url.hostname not in LOOPBACK:
        raise ForbiddenError(
            "without TLS people log in on this machine alone",
            because="unsafe_login_without_tls is for trying it out",
            hint="set login_redirect to an address with https://",
        )


def _require_own_page(request: Request, login: Login, token: str) -> None:
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if (site, origin) == (None, None):
        raise _foreign("neither Sec-Fetch-Site nor Origin says from where it comes")
    if site not in {None, "same-origin"} or origin not in {None, login.origin}:
        raise _foreign("a page of somebody else sends it")
    given = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(given.encode(), token.encode()):
        raise _foreign(f"{CSRF_HEADER} is not the session's own")


def _foreign(because: str) -> ForbiddenError:
    return ForbiddenError(
        "this request could have been made by another site",
        because=because,
        hint=f"send csrf_token of /v1/me as {CSRF_HEADER}, from a page of this server",
    )
