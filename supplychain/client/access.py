"""Who may what at a server: tokens, rules of trust, members and projects of the organisation.

What makes something new is sent again under its key where no answer came. What removes something
has no key, and is sent once: a second answer would be that there is nothing of the kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import quote

from supplychain.client.connection import Connection
from supplychain.client.reading import Document, instant
from supplychain.client.refusals import each, understood
from supplychain.errors import ConflictError, NotFoundError, ServerError
from supplychain.export.access_data import scope_data
from supplychain.frozen import dataclass
from supplychain.model.access import ApiToken, MadeToken, Member, Role, Scope, TrustRule

Made = TypeVar("Made", TrustRule, Member)
_TOKENS, _TRUST, _MEMBERS, _PROJECTS = "/v1/tokens", "/v1/trust", "/v1/members", "/v1/projects"
_TEXT = re.compile(r"sct_([a-z0-9]{12})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of the organisation; see `bootstrap.access`.

    Attributes:
        connection: To the server.
    """

    connection: Connection

    def create(
        self, name: str, owner: str | None, scope: Scope, *, lasts: timedelta, at: datetime
    ) -> MadeToken:
        """Make a token, and have what opens the door this once.

        Raises:
            ServerError: It is another token than the one that was asked for.
        """
        del at
        body = {
            "name": name,
            "owner": owner,
            **scope_data(scope),
            "expires_in": int(lasts.total_seconds()),
        }
        with _unsure(f"{_listing(_TOKENS)}; revoke one whose text nobody has"):
            said = self.connection.post(_TOKENS, body)
        with understood(self.connection.where):
            made = MadeToken(_token(said), str(said["token"]))
            text = _TEXT.fullmatch(made.text)
            if text is None or text[1] != made.token.identifier:
                raise ValueError("its token is none")
            found = made.token
            if (found.name, found.scope) != (name, scope) or owner not in {None, found.owner}:
                raise ValueError("it made another token")
        return made

    def all(self, *, owner: str | None, at: datetime, ended: bool) -> Sequence[ApiToken]:
        """Tokens, the newest first."""
        del at
        asked = {
            "owner": owner,
            "everybodys": None if owner else "true",
            "ended": "true" if ended else None,
        }
        return each(self.connection.where, self.connection.pages(_TOKENS, "tokens", asked), _token)

    def revoke(self, token: str, *, at: datetime) -> ApiToken:
        """Let a token open nothing from now on."""
        del at
        said = self.connection.delete(_of(_TOKENS, token))
        with understood(self.connection.where):
            found = _token(said)
            if found.identifier != token or found.revoked_at is None:
                raise ValueError("it revoked another token, or none")
        return found


@dataclass(frozen=True, slots=True)
class Trust:
    """Rules of trust of the organisation; see `bootstrap.access`.

    Attributes:
        connection: To the server.
    """

    connection: Connection

    def add(self, rule: TrustRule) -> TrustRule:
        """Let the jobs of a rule in."""
        body = {
            "name": rule.name,
            "issuer": rule.issuer,
            "audience": rule.audience,
            "claims": {name: list(values) for name, values in rule.claims},
            **scope_data(rule.scope),
            "lifetime_seconds": int(rule.lifetime.total_seconds()),
            "jwks_url": rule.jwks_url or None,
        }
        return _added(self.connection, _TRUST, body, rule, _rule)

    def all(self) -> Sequence[TrustRule]:
        """The rules, by name."""
        return each(self.connection.where, self.connection.pages(_TRUST, "rules"), _rule)

    def remove(self, name: str, *, at: datetime) -> TrustRule:
        """Trust the jobs of a rule no longer."""
        del at
        return _removed(self.connection, _TRUST, name, _rule)


@dataclass(frozen=True, slots=True)
class Members:
    """The people of the organisation; see `bootstrap.access`.

    Attributes:
        connection: To the server.
    """

    connection: Connection

    def add(self, member: Member) -> Member:
        """Make somebody a member."""
        body = {
            "name": member.name,
            "issuer": member.issuer,
            "subject": member.subject,
            "email": member.email,
            **scope_data(member.scope),
        }
        return _added(self.connection, _MEMBERS, body, member, _member)

    def change(self, name: str, scope: Scope, *, at: datetime) -> Member:
        """Let somebody be something else."""
        del at
        said = self.connection.put(_of(_MEMBERS, name), scope_data(scope))
        with understood(self.connection.where):
            found = _called(_member(said), name)
            if found.scope != scope:
                raise ValueError("it made them something else")
        return found

    def all(self) -> Sequence[Member]:
        """The people, by name."""
        return each(self.connection.where, self.connection.pages(_MEMBERS, "members"), _member)

    def remove(self, name: str, *, at: datetime) -> Member:
        """Let somebody in no longer."""
        del at
        return _removed(self.connection, _MEMBERS, name, _member)


@dataclass(frozen=True, slots=True)
class Projects:
    """The projects of the organisation that one reaches; see `records.tenants`.

    Attributes:
        connection: To the server.
    """

    connection: Connection

    def create(self, name: str, *, at: datetime) -> None:
        """Make a project."""
        del at
        with _unsure(_listing(_PROJECTS)):
            said = self.connection.post(_PROJECTS, {"name": name})
        with understood(self.connection.where):
            if said["name"] != name:
                raise ValueError("it made another project")

    def all(self) -> Sequence[str]:
        """The names of the projects, sorted."""
        found = self.connection.pages(_PROJECTS, "projects")
        return each(self.connection.where, found, lambda said: str(said["name"]))


@contextmanager
def _unsure(look: str) -> Iterator[None]:
    """Of what got no answer however often it was sent, say how to see whether it was done."""
    try:
        yield
    except (ServerError, ConflictError) as error:
        if error.retryable:
            error.hint = f"it may have been done; look first: {look}"
        raise


def _added(
    connection: Connection, path: str, body: Document, asked: Made, read: Callable[[Document], Made]
) -> Made:
    """What was put on record, which has to be what was asked for."""
    with _unsure(_listing(path)):
        said = connection.post(path, body)
    with understood(connection.where):
        found = read(said)
        if replace(asked, created_at=found.created_at, created_by=found.created_by) != found:
            raise ValueError("it recorded something else")
    return found


def _removed(
    connection: Connection, path: str, name: str, read: Callable[[Document], Made]
) -> Made:
    """What was removed, which has to be what was named."""
    said = connection.delete(_of(path, name))
    with understood(connection.where):
        return _called(read(said), name)


def _listing(path: str) -> str:
    """The command that lists what is at a path."""
    return f"supplychain {path.rpartition('/')[2]} list"


def _of(path: str, name: str) -> str:
    if not name.strip("."):
        raise NotFoundError(f"there is nothing called {name!r}", hint=_listing(path))
    return f"{path}/{quote(name, safe='')}"


def _scope(said: Document) -> Scope:
    projects = said["projects"]
    roles = tuple(Role(role) for role in said["roles"])
    return Scope(roles, None if projects is None else tuple(map(str, projects)))


def _token(said: Document) -> ApiToken:
    def moment(name: str) -> datetime | None:
        return None if said[name] is None else instant(said[name])

    return ApiToken(
        str(said["id"]),
        str(said["name"]),
        str(said["owner"]),
        _scope(said),
        instant(said["created_at"]),
        str(said["created_by"]),
        instant(said["expires_at"]),
        str(said["rule"] or ""),
        moment("last_used_at"),
        moment("revoked_at"),
        str(said["revoked_by"] or ""),
    )


def _rule(said: Document) -> TrustRule:
    return TrustRule(
        str(said["name"]),
        str(said["issuer"]),
        str(said["audience"]),
        tuple((name, tuple(map(str, values))) for name, values in said["claims"].items()),
        _scope(said),
        timedelta(seconds=int(said["lifetime_seconds"])),
        str(said["jwks_url"] or ""),
        instant(said["created_at"]),
        str(said["created_by"]),
    )


def _member(said: Document) -> Member:
    return Member(
        str(said["name"]),
        str(said["issuer"]),
        str(said["subject"] or ""),
        str(said["email"] or ""),
        _scope(said),
        instant(said["created_at"]),
        str(said["created_by"]),
    )


def _called(found: Made, name: str) -> Made:
    if found.name != name:
        raise ValueError(f"it speaks of {found.name!r}")
    return found
