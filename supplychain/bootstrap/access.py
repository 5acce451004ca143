"""Tokens, rules of trust and members: made, checked, and put on record."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from supplychain.access.roles import require_scope, require_within
from supplychain.access.tokens import make_token
from supplychain.access.trust import require_member, require_rule
from supplychain.errors import InputError
from supplychain.gate.options import PERSON
from supplychain.model.access import ApiToken, Member, Role, Scope, TrustRule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplychain.records.access import Access
    from supplychain.records.tenants import Organisations
    from supplychain.settings import Settings

LONGEST = timedelta(days=366)
_NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Made:
    """A token that was just made.

    Attributes:
        token: What is on record of it.
        text: What opens the door; it is nowhere else.
    """

    token: ApiToken
    text: str = field(repr=False)


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
) -> Made:
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
    return Made(token, made.text)


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
