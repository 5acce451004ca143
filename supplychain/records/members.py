"""The people of an organisation, and what they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, delete, insert, select, update

from supplychain.errors import ConflictError, NotFoundError
from supplychain.model.access import Member, Scope
from supplychain.records.access_tables import api_tokens, memberships
from supplychain.records.audit import Notes
from supplychain.records.database import reading, writing
from supplychain.records.scopes import scope_columns, scope_data, scope_of
from supplychain.records.session_tables import sessions
from supplychain.records.tenants import require_projects
from supplychain.records.tokens import revoke_tokens


class Members:
    """The members of one organisation; `Access.members` gives it.

    Args:
        engine: The record's database.
        notes: Whose, and who acts.
    """

    def __init__(self, engine: Engine, notes: Notes) -> None:
        self._engine = engine
        self._notes = notes

    def add(self, member: Member) -> None:
        """Make somebody a member.

        Raises:
            ConflictError: Somebody has this name, whatever its case, or is this person.
            NotFoundError: The scope names a project that is not there.
        """
        with writing(self._engine) as connection:
            require_projects(connection, self._notes.organisation, member.scope)
            for other in self._all(connection):
                _require_other(other, member)
            connection.execute(
                insert(memberships).values(
                    organisation_id=self._notes.organisation,
                    name=member.name,
                    issuer=member.issuer,
                    subject=member.subject or None,
                    email=member.email or None,
                    created_by=member.created_by,
                    created_at=member.created_at,
                    **scope_columns(member.scope),
                )
            )
            self._notes.note(
                connection,
                "member.added",
                member.name,
                at=member.created_at,
                after=_noted(member),
                who=member.created_by,
            )

    def change(self, name: str, scope: Scope, *, by: str, at: datetime) -> Member:
        """Let a member be something else from now on, with every token that they have.

        Raises:
            NotFoundError: There is no such member, or no such project.
        """
        with writing(self._engine) as connection:
            require_projects(connection, self._notes.organisation, scope)
            row, before = self._one(connection, name)
            chosen = update(memberships).where(memberships.c.id == row.id)
            connection.execute(chosen.values(**scope_columns(scope)))
            after = self._one(connection, name)[1]
            self._notes.note(
                connection,
                "member.changed",
                name,
                at=at,
                before=_noted(before),
                after=_noted(after),
                who=by,
            )
        return after

    def remove(self, name: str, *, by: str, at: datetime) -> Member:
        """Let somebody be a member no longer; their tokens and sessions open nothing any more.

        Raises:
            NotFoundError: There is no such member.
        """
        with writing(self._engine) as connection:
            row, member = self._one(connection, name)
            theirs = (api_tokens.c.organisation_id == self._notes.organisation) & (
                api_tokens.c.owner == name
            )
            revoke_tokens(connection, theirs, by, at)
            connection.execute(delete(sessions).where(sessions.c.membership_id == row.id))
            connection.execute(delete(memberships).where(memberships.c.id == row.id))
            self._notes.note(
                connection, "member.removed", name, at=at, before=_noted(member), who=by
            )
        return member

    def all(self) -> tuple[Member, ...]:
        """The members, by name."""
        with reading(self._engine) as connection:
            return tuple(self._all(connection))

    def named(self, name: str) -> Member | None:
        """The member of a name; None where there is none."""
        with reading(self._engine) as connection:
            return next((m for m in self._all(connection) if m.name == name), None)

    def logged_in(self, issuer: str, subject: str, email: str, *, at: datetime) -> Member | None:
        """The member whom an issuer vouches for.

        Who was named by an address is bound to the issuer's own name for them at first: an
        address may be somebody else's one day.

        Args:
            issuer: Who vouches.
            subject: What it calls them.
            email: Their address, which it has verified; "" for none.
            at: The instant (aware, UTC).

        Returns:
            None where they are no member.
        """
        with writing(self._engine) as connection:
            mine = self._mine().where(memberships.c.issuer == issuer)
            row = connection.execute(mine.where(memberships.c.subject == subject)).first()
            if row is not None:
                return member_of(row)
            if not email:
                return None
            by_address = mine.where(
                memberships.c.email == email.lower(), memberships.c.subject.is_(None)
            )
            row = connection.execute(by_address).first()
            # There are letters beyond ASCII that become ASCII when they are made small.
            if row is None or row.email.isascii() != email.isascii():
                return None
            chosen = update(memberships).where(memberships.c.id == row.id)
            connection.execute(chosen.values(subject=subject))
            before, after = member_of(row), self._one(connection, row.name)[1]
            self._notes.note(
                connection,
                "member.bound",
                row.name,
                at=at,
                before=_noted(before),
                after=_noted(after),
                who=row.name,
            )
        return after

    def _one(self, connection: Connection, name: str) -> tuple[Row[Any], Member]:
        row = connection.execute(self._mine().where(memberships.c.name == name)).first()
        if row is None:
            raise NotFoundError(
                f"there is no member {name[:80]!r}", hint="supplychain members list"
            )
        return row, member_of(row)

    def _all(self, connection: Connection) -> list[Member]:
        chosen = self._mine().order_by(memberships.c.name)
        return [member_of(row) for row in connection.execute(chosen)]

    def _mine(self) -> Select[Any]:
        return select(memberships).where(memberships.c.organisation_id == self._notes.organisation)


def member_of(row: Row[Any], prefix: str = "") -> Member:
    """A member from their row.

    Args:
        row: The row.
        prefix: What the names of their columns begin with.
    """
    return Member(
        name=getattr(row, f"{prefix}name"),
        issuer=getattr(row, f"{prefix}issuer"),
        subject=getattr(row, f"{prefix}subject") or "",
        email=getattr(row, f"{prefix}email") or "",
        scope=scope_of(row, prefix),
        created_at=getattr(row, f"{prefix}created_at"),
        created_by=getattr(row, f"{prefix}created_by"),
    )


def _require_other(there: Member, new: Member) -> None:
    """Two names of one person would let them approve what they asked for."""
    if there.name.casefold() == new.name.casefold():
        raise ConflictError(
            f"there is a member {there.name!r} already",
            hint=f"supplychain members change {there.name}",
        )
    # A subject is its issuer's own word; an address is one person's, whoever vouches for it.
    same_subject = there.issuer == new.issuer and new.subject and there.subject == new.subject
    if same_subject or (new.email and there.email == new.email):
        raise ConflictError(f"this person is a member already, as {there.name}")
    # Two issuers' own words for people are never equal, whoever they mean.
    if there.issuer != new.issuer and not (there.email and new.email):
        raise ConflictError(
            f"nobody could tell {new.name} from {there.name}",
            because=f"{there.name} is a member by {there.issuer}, and not both have an address",
            hint=f"supplychain members remove {there.name}, and add them anew by that name",
        )


def _noted(member: Member) -> dict[str, object]:
    return scope_data(member.scope) | {
        "issuer": member.issuer,
        "subject": member.subject,
        "email": member.email,
    }
