"""Logging in and out, step by step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from datetime import timedelta

from fastapi import Request

from supplychain.access.login import (
    Attempt,
    Person,
    code_in,
    new_attempt,
    person_of,
    question,
    read_attempt,
    require_own,
)
from supplychain.access.tokens import SESSION as PREFIX
from supplychain.access.tokens import make_token
from supplychain.errors import (
    ForbiddenError,
    InputError,
    NotFoundError,
    UnauthenticatedError,
)
from supplychain.frozen import dataclass
from supplychain.model.access import Acting, Session
from supplychain.model.digest import Digest
from supplychain.records.sessions import BegunLogin
from supplychain.server.login import CALLBACK, Login
from supplychain.server.service import Service
from supplychain.server.sessions import SESSION, cookie_in, known, require_here

ATTEMPT = "login"
LASTS = timedelta(minutes=10)
# A path of this very server: `//host` and `/\\host` would be another one to a browser.
_LOCAL = re.compile(r"/(?![/\\])[!-\[\]-~]{0,1000}")


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that begins.

    Attributes:
        attempt: What the browser keeps of it.
        url: Where the provider asks who it is.
    """

    attempt: Attempt
    url: str


@dataclass(frozen=True, slots=True)
class Done:
    """A login that succeeded.

    Attributes:
        text: What the browser shows from now on.
        return_to: Where they wanted to go.
    """

    text: str = field(repr=False)
    return_to: str


def login_of(request: Request, service: Service) -> Login:
    """How people log in here.

    Raises:
        NotFoundError: Nobody does.
        ForbiddenError: Not from where this request comes.
    """
    if service.login is None:
        raise NotFoundError("nobody logs in here", hint="an operator may set login_issuer")
    require_here(request, service.login)
    return service.login


def begin(request: Request, service: Service, organisation: str, return_to: str) -> Begun:
    """Send somebody to the provider.

    Args:
        request: What they came by.
        service: What the server has.
        organisation: Into which organisation they want.
        return_to: Where they go when they are logged in.

    Raises:
        InputError: That is not on this server.
        NotFoundError: Nobody logs in here.
        RateError: They do so too often.
        IdentityProviderError: The provider cannot be asked.
    """
    login = login_of(request, service)
    if not _LOCAL.fullmatch(return_to):
        raise InputError("nobody is sent to another place", hint="return_to is a path: /v1/me")
    service.failed.take(f"login {_host(request)}")
    attempt, at = new_attempt(), service.clock()
    said = service.issuers.discovered(login.client.issuer)
    url = question(login.client, said, attempt)
    begun = BegunLogin(_state(attempt), organisation, return_to, at + LASTS)
    service.store.entry.logins.begin(begun, at=at)
    return Begun(attempt, url)


def finish(request: Request, service: Service) -> Done:
    """Let somebody in whom the provider sends back.

    Raises:
        UnauthenticatedError: It is not the answer to this browser's question, came before, came
            too late, or vouches for nobody.
        ForbiddenError: They are no member.
        IdentityProviderError: The provider cannot be asked.
        NotFoundError: Nobody logs in here.
        RateError: Strangers at this address try too often.
    """
    login = login_of(request, service)
    try:
        answered = _answered(request)
        attempt = read_attempt(cookie_in(request, login, ATTEMPT))
        begun = _taken(service, attempt, answered.get("state", ""))
        said = service.issuers.discovered(login.client.issuer)
        person = person_of(
            code_in(answered, login.client, said),
            attempt,
            client=login.client,
            said=said,
            secret=login.secret(),
            issuers=service.issuers,
            post=login.post,
            at=service.clock(),
        )
        text = _let_in(request, service, login, begun.organisation, person)
    except (UnauthenticatedError, ForbiddenError):
        service.failed.take(_host(request))
        raise
    _end_former(request, service, login)
    return Done(text, begun.return_to)


def _taken(service: Service, attempt: Attempt, state: str) -> BegunLogin:
    """What this browser has begun, which is over by that."""
    require_own(attempt, state)
    begun = service.store.entry.logins.take(_state(attempt))
    if begun is None or begun.expires_at <= service.clock():
        raise UnauthenticatedError(
            "this login is over",
            because="it was finished before, or took too long",
            hint="log in again: /v1/login",
        )
    return begun


def _let_in(
    request: Request, service: Service, login: Login, organisation: str, person: Person
) -> str:
    """What somebody is known by from now on, who is a member."""
    at, entry = service.clock(), service.store.entry
    from_where = f"{_host(request)}, {person.issuer} {person.subject}"
    acting, made = Acting("", from_where, f"GET {CALLBACK}"), make_token(PREFIX)
    try:
        access = entry.access(organisation, acting)
        member = access.members.logged_in(person.issuer, person.subject, person.email, at=at)
        if member is not None:
            session = Session(made.identifier, member, at, at + login.lasts, at)
            access.sessions.start(session, made.digest)
            return made.text
    except NotFoundError:
        pass  # which organisations there are is nothing for strangers
    raise ForbiddenError(
        "the provider knows you, and you are no member here",
        because="no member has what it calls you, nor an address that it has verified",
        hint="ask an admin of your organisation: supplychain members add",
    )


def _end_former(request: Request, service: Service, login: Login) -> None:
    """End what the browser was logged in with before: nobody knows of it any more."""
    with suppress(UnauthenticatedError):
        if text := cookie_in(request, login, SESSION):
            former = known(service, login, text)
            who = former.session.member.name
            acting = Acting(who, _host(request), f"GET {CALLBACK}", is_known=True)
            access = service.store.entry.access(former.organisation, acting)
            access.sessions.end(former.session, at=service.clock())


def _answered(request: Request) -> Mapping[str, str]:
    """What the browser was sent back with, which says nothing twice (RFC 6749, section 3.1)."""
    given = request.query_params.multi_items()
    if len(dict(given)) != len(given):
        raise UnauthenticatedError("the provider's answer says something twice")
    return dict(given)


def _state(attempt: Attempt) -> Digest:
    return Digest.of(attempt.state.encode())


def _host(request: Request) -> str:
    return request.client.host if request.client else ""
