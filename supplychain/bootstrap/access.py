"""Tokens, rules of trust and members: made, checked, and put on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from supplychain.access.roles import require_scope, require_within
from supplychain.access.tokens import make_token
from supplychain.access.trust import require_member, require_rule
from supplychain.bootstrap import parts
from supplychain.bootstrap.over_record import OverRecord
from supplychain.errors import InputError
from supplychain.gate.options import PERSON
from supplychain.model.access import ApiToken, MadeToken, Member, Role, Scope, TrustRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from supplychain.records.access import Access
    from supplychain.records.tenants import Organisations
    from supplychain.settings import Settings

LONGEST = timedelta(days=366)
_NAME_LENGTH = 200


class Tokens(OverRecord):
    """The tokens of the organisation of the settings."""

    def create(
        self, name: str, owner: str | None, scope: Scope, *, lasts: timedelta, at: datetime
    ) -> MadeToken:
        """Make a token, and have what opens the door this once; see `create_token`.

        Args:
            name: What it is for.
            owner: In whose name it acts; None for whoever asks.
            scope: What it may do.
            lasts: For how long.
            at: Now (aware, UTC).
        """
        by = parts.actor(self._settings)
        access, whose = self._opened().access, owner or by
        return create_token(access, name=name, owner=whose, scope=scope, lasts=lasts, by=by, at=at)

    def all(self, *, owner: str | None, at: datetime, ended: bool) -> Sequence[ApiToken]:
        """Tokens, the newest first; of one owner, and with those that ended, where asked for."""
        return self._opened().access.tokens.all(owner=owner, at=at, ended=ended)

    def revoke(self, token: str, *, at: datetime) -> ApiToken:
        """Let a token open nothing from now on, by its public part."""
        return self._opened().access.tokens.revoke(token, by=parts.actor(self._settings), at=at)


class Trust(OverRecord):
    """The rules of trust of the organisation of the settings."""

    def add(self, rule: TrustRule) -> TrustRule:
        """Let the jobs of a rule in; who makes it is filled in. See `add_rule`."""
        made = replace(rule, created_by=parts.actor(self._settings))
        add_rule(self._opened().access, made)
        return made

    def all(self) -> Sequence[TrustRule]:
        """The rules, by name."""
        return self._opened().access.trust.all()

    def remove(self, name: str, *, at: datetime) -> TrustRule:
        """Trust the jobs of a rule no longer."""
        return self._opened().access.trust.remove(name, by=parts.actor(self._settings), at=at)


class Members(OverRecord):
    """The people of the organisation of the settings."""

    def add(self, member: Member) -> Member:
        """Make somebody a member; who says so is filled in. See `add_member`."""
        made = replace(member, created_by=parts.actor(self._settings))
        add_member(self._opened().access, made)
        return made

    def change(self, name: str, scope: Scope, *, at: datetime) -> Member:
        """Let somebody be something else; see `change_member`."""
        by = parts.actor(self._settings)
        return change_member(self._opened().access, name, scope, by=by, at=at)

    def all(self) -> Sequence[Member]:
        """The people, by name."""
        return self._opened().access.members.all()

    def remove(self, name: str, *, at: datetime) -> Member:
        """Let somebody in no longer."""
        return self._opened().access.members.remove(name, by=parts.actor(self._settings), at=at)


def create_token(
    access: Access,
    *,
    name: str,
    owner: str,
    scope: Scope,
    lasts: timedelta,
    by: str,
    at: datetime,
    own: Scope | None = None,
    rule: str = "",
) -> MadeToken:
    """Make a token and put it on record.

    Args:
        access: Of the organisation whose it is.
        name: What to call it.
        owner: In whose name it acts.
        scope: What it may do.
        lasts: For how long.
        by: Who makes it.
        at: The instant (aware, UTC).
        own: What whoever makes it may do themselves; None where no such bound holds.
        rule: The rule of trust by which a job gets it.

    Raises:
        InputError: It has no name, no owner, no role, or would last too long or not at all.
        ForbiddenError: It would do more than whoever makes it.
        NotFoundError: It names a project that is not there.
    """
    if not name.strip() or len(name) > _NAME_LENGTH or not name.isprintable():
        raise InputError("a token needs a name", hint="one that says what it is for: ci-shop")
    PERSON.parse(owner)
    require_scope(owner, scope)
    if own is not None:
        require_within(scope, own)
    if not timedelta(0) < lasts <= LONGEST:
        raise InputError("a token lasts at most 366 days", hint="90d")
    made = make_token()
    token = ApiToken(made.identifier, name, owner, scope, at, by, at + lasts, rule)
    access.tokens.add(token, made.digest)
    return MadeToken(token, made.text)


def add_rule(access: Access, rule: TrustRule) -> None:
    """Check a rule of trust and put it on record.

    Raises:
        InputError: It would trust more than somebody means.
        ConflictError: There is one of its name.
        NotFoundError: It names a project that is not there.
    """
    require_rule(rule)
    access.trust.add(rule)


def add_member(access: Access, member: Member) -> None:
    """Check a member and put them on record.

    Raises:
        InputError: Nobody could tell them from others.
        ConflictError: They are one already.
        NotFoundError: The scope names a project that is not there.
    """
    require_member(member)
    access.members.add(member)


def change_member(access: Access, name: str, scope: Scope, *, by: str, at: datetime) -> Member:
    """Let a member be something else from now on.

    Raises:
        InputError: They would be nothing.
        NotFoundError: There is no such member, or no such project.
    """
    require_scope(name, scope)
    return access.members.change(name, scope, by=by, at=at)


def scope_from(roles: Iterable[str], projects: Iterable[str], *, everywhere: bool) -> Scope:
    """A scope as people write it.

    Raises:
        InputError: A role is none, or projects are named beside all of them.
    """
    known = {role.value: role for role in Role}
    found = []
    for name in roles:
        if name not in known:
            raise InputError(f"{name[:40]!r} is no role", hint=", ".join(known))
        found.append(known[name])
    named = tuple(dict.fromkeys(projects))
    if everywhere and named:
        raise InputError("projects are named beside all of them", hint="leave one out")
    return Scope(tuple(dict.fromkeys(found)), None if everywhere else named)


def claims_from(pairs: Iterable[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Claims as people write them, `name=value`; of a name given twice either value will do.

    Raises:
        InputError: One has no `=`.
    """
    found: dict[str, list[str]] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name or not value:
            raise InputError(f"{pair[:80]!r} is no claim", hint="--claim repository_id=1234")
        found.setdefault(name, []).append(value)
    return tuple((name, tuple(values)) for name, values in found.items())


def open_organisations(settings: Settings) -> Organisations:
    """Every organisation of the database that the settings name.

    Raises:
        SchemaVersionError: The database has another schema, or none.
        StoreError: It cannot be reached.
    """
    from supplychain.bootstrap.parts import acting
    from supplychain.records.database import open_engine
    from supplychain.records.tenants import Organisations
    from supplychain.records.version import require_current

    engine = open_engine(settings.database_url)
    require_current(engine)
    return Organisations(engine, acting(settings))
