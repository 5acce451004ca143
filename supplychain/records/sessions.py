"""The people of an organisation who are logged in."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, select

from supplychain.errors import NotFoundError
from supplychain.frozen import dataclass
from supplychain.model.access import Member, Session
from supplychain.model.digest import Digest
from supplychain.records.access_tables import memberships
from supplychain.records.audit import Notes
from supplychain.records.database import writing
from supplychain.records.session_tables import login_attempts, sessions


class Sessions:
    """The sessions of one organisation's members; `Access.sessions` gives it.

    Args:
        engine: The record's database.
        notes: Whose, and who acts.
    """

    def __init__(self, engine: Engine, notes: Notes) -> None:
        self._engine = engine
        self._notes = notes

    def start(self, session: Session, digest: Digest) -> None:
        """Record that somebody is logged in.

        Args:
            session: All about it.
            digest: Over its secret, which is kept nowhere.

        Raises:
            NotFoundError: They are no member any more.
        """
        member, at = session.member, session.created_at
        with writing(self._engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.expires_at <= at))
            connection.execute(
                insert(sessions).values(
                    membership_id=self._membership(connection, member),
                    identifier=session.identifier,
                    digest=digest,
                    created_at=at,
                    expires_at=session.expires_at,
                    seen_at=session.seen_at,
                )
            )
            self._notes.note(
                connection,
                "session.started",
                session.identifier,
                at=at,
                after={"member": member.name, "expires_at": session.expires_at.isoformat()},
                who=member.name,
            )

    def end(self, session: Session, *, at: datetime) -> None:
        """Let a session open nothing from now on; one that is over already stays so."""
        mine = select(memberships.c.id).where(
            memberships.c.organisation_id == self._notes.organisation
        )
        chosen = delete(sessions).where(
            sessions.c.identifier == session.identifier, sessions.c.membership_id.in_(mine)
        )
        with writing(self._engine) as connection:
            if connection.execute(chosen).rowcount:
                self._notes.note(
                    connection,
                    "session.ended",
                    session.identifier,
                    at=at,
                    before={"member": session.member.name},
                    who=session.member.name,
                )

    def _membership(self, connection: Connection, member: Member) -> int:
        column = memberships.c
        found: int | None = connection.scalar(
            select(column.id)
            .where(
                column.organisation_id == self._notes.organisation,
                column.name == member.name,
                column.issuer == member.issuer,
                column.subject == member.subject,
            )
            .with_for_update()
        )
        if found is None:
            raise NotFoundError(f"{member.name} is no member any more")
        return found


@dataclass(frozen=True, slots=True)
class BegunLogin:
    """Somebody who was sent to the provider.

    Attributes:
        state: The digest of what the provider hands back.
        organisation: Into which organisation they want.
        return_to: Where on this server they go when they are logged in.
        expires_at: When they have to be back.
    """

    state: Digest = field(repr=False)
    organisation: str
    return_to: str
    expires_at: datetime


class LoginAttempts:
    """Those who are about to log in; `Entry.logins` gives it.

    Args:
        engine: The record's database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, begun: BegunLogin, *, at: datetime) -> None:
        """Record that somebody is sent to the provider; forget who did not come back."""
        values = {
            "state": begun.state,
            "organisation": begun.organisation,
            "return_to": begun.return_to,
            "expires_at": begun.expires_at,
        }
        with writing(self._engine) as connection:
            connection.execute(delete(login_attempts).where(login_attempts.c.expires_at <= at))
            connection.execute(insert(login_attempts).values(**values))

    def take(self, state: Digest) -> BegunLogin | None:
        """Who comes back, this once; None where nobody was sent, or they were back before."""
        chosen = delete(login_attempts).where(login_attempts.c.state == state)
        with writing(self._engine) as connection:
            row = connection.execute(chosen.returning(*login_attempts.c)).first()
        return None if row is None else _begun(row)


def _begun(row: Row[Any]) -> BegunLogin:
    return BegunLogin(row.state, row.organisation, row.return_to, row.expires_at)
