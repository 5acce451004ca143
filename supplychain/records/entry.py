"""What has to be known of whoever comes to the door, before anybody knows whose they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine, select, update

from supplychain.model.access import Acting, ApiToken, Member
from supplychain.model.digest import Digest
from supplychain.records.access import Access
from supplychain.records.access_tables import api_tokens, memberships, organisations
from supplychain.records.audit import AuditLog, Notes
from supplychain.records.database import reading, writing
from supplychain.records.members import member_of
from supplychain.records.tenants import find_organisation
from supplychain.records.tokens import token_of

# When a token was last used is noted so often at most: reading is not to write.
_NOTED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class KeptToken:
    """A token on record, with what it takes to judge whoever comes with it.

    Attributes:
        token: The token.
        digest: Over its secret.
        organisation: Whose it is.
        member: Its owner, where they are a member; None for machines, and for whom the
            operator made a token.
    """

    token: ApiToken
    digest: Digest = field(repr=False)
    organisation: str
    member: Member | None


class Entry:
    """The way into every organisation; nothing of it is for callers.

    Args:
        engine: A database whose schema is current.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def token(self, identifier: str) -> KeptToken | None:
        """The token of an identifier; None where there is none."""
        chosen = (
            select(api_tokens, organisations.c.name.label("organisation"))
            .join(organisations, organisations.c.id == api_tokens.c.organisation_id)
            .where(api_tokens.c.identifier == identifier)
        )
        with reading(self._engine) as connection:
            row = connection.execute(chosen).first()
            if row is None:
                return None
            owner = select(memberships).where(
                memberships.c.organisation_id == row.organisation_id,
                memberships.c.name == row.owner,
            )
            found = connection.execute(owner).first()
        member = None if found is None else member_of(found)
        return KeptToken(token_of(row), row.digest, row.organisation, member)

    def used(self, token: ApiToken, *, at: datetime) -> None:
        """Note that a token was used, unless that was noted a moment ago."""
        if token.last_used_at is not None and at - token.last_used_at < _NOTED_EVERY:
            return
        chosen = update(api_tokens).where(api_tokens.c.identifier == token.identifier)
        with writing(self._engine) as connection:
            connection.execute(chosen.values(last_used_at=at))

    def access(self, organisation: str, acting: Acting) -> Access:
        """Who may what in an organisation.

        Raises:
            NotFoundError: There is no such organisation.
        """
        return Access(self._engine, self._notes(organisation, acting))

    def audit(self, organisation: str) -> AuditLog:
        """The audit log of an organisation.

        Raises:
            NotFoundError: There is no such organisation.
        """
        return AuditLog(self._engine, self._notes(organisation, Acting()))

    def _notes(self, organisation: str, acting: Acting) -> Notes:
        with reading(self._engine) as connection:
            return Notes(find_organisation(connection, organisation), organisation, "", acting)
