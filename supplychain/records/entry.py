"""What has to be known of whoever comes to the door, before anybody knows whose they are."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Row, Select, bindparam, select, update
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Text

from supplychain.frozen import dataclass
from supplychain.model.access import Acting, ApiToken, Member, Session
from supplychain.model.digest import Digest
from supplychain.records.access import Access
from supplychain.records.access_tables import api_tokens, memberships, organisations
from supplychain.records.asking import asking
from supplychain.records.audit import AuditLog, Notes
from supplychain.records.database import reading, writing
from supplychain.records.members import member_of
from supplychain.records.prepared import Prepared, run
from supplychain.records.session_tables import sessions
from supplychain.records.sessions import LoginAttempts
from supplychain.records.tenants import find_organisation
from supplychain.records.tokens import token_of

# When a token was last used is noted so often at most: reading is not to write.
_NOTED_EVERY = timedelta(minutes=5)
_SEEN_EVERY = timedelta(minutes=1)
# The columns of whoever it is, beside others of the same names.
_MEMBER = "member_"
_AS_MEMBER = tuple(column.label(f"{_MEMBER}{column.name}") for column in memberships.c)


@dataclass(frozen=True, slots=True)
class KeptToken:
    """A token on record, with what it takes to judge whoever comes with it.

    Attributes:
        token: The token.
        digest: Over its secret.
        organisation: Whose it is.
        member: Its owner, where they are a member; None for machines, and for whom the
            operator made a token.
        version: Another one after each write to what was read here; "" where the database has
            none.
    """

    token: ApiToken
    digest: Digest = field(repr=False)
    organisation: str
    member: Member | None
    version: str = ""


@dataclass(frozen=True, slots=True)
class KeptSession:
    """A session on record, with what it takes to judge whoever comes with it.

    Attributes:
        session: The session, and whose it is.
        digest: Over its secret.
        organisation: Of which they are a member.
    """

    session: Session
    digest: Digest = field(repr=False)
    organisation: str


# PostgreSQL writes a row anew whenever it is written, and says by which transaction.
_ROWS = "concat_ws('/', api_tokens.xmin, organisations.xmin, memberships.xmin)"
# The version of the token whose identifier stands in the braces; NULL where there is none.
TOKEN_VERSION = f"""
SELECT {_ROWS} FROM api_tokens
JOIN organisations ON organisations.id = api_tokens.organisation_id
LEFT JOIN memberships ON memberships.organisation_id = api_tokens.organisation_id
    AND memberships.name = api_tokens.owner
WHERE api_tokens.identifier = {{}}
"""  # noqa: S608  # of constants

_VERSION_NOW = TOKEN_VERSION.format("%(identifier)s")


class _Version(FunctionElement[str]):
    """The version of the rows that a token is read from."""

    name = "version"
    type = Text()
    inherit_cache = True


@compiles(_Version)
def _no_version(_element: _Version, _compiler: SQLCompiler, **_how: Any) -> str:
    return "''"


@compiles(_Version, "postgresql")
def _version_of_rows(_element: _Version, _compiler: SQLCompiler, **_how: Any) -> str:
    return _ROWS


def _token(identifier: str) -> Select[Any]:
    """A token and whose it is: one question, so that no change comes in between."""
    return (
        select(
            api_tokens,
            organisations.c.name.label("organisation"),
            *_AS_MEMBER,
            _Version().label("version"),
        )
        .join(organisations, organisations.c.id == api_tokens.c.organisation_id)
        .outerjoin(
            memberships,
            (memberships.c.organisation_id == api_tokens.c.organisation_id)
            & (memberships.c.name == api_tokens.c.owner),
        )
        .where(api_tokens.c.identifier == identifier)
    )


# Asked at every request: built once.
_TOKEN = Prepared(_token)
_SESSION = (
    select(sessions, organisations.c.name.label("organisation"), *_AS_MEMBER)
    .join(memberships, memberships.c.id == sessions.c.membership_id)
    .join(organisations, organisations.c.id == memberships.c.organisation_id)
    .where(sessions.c.identifier == bindparam("identifier"))
)


class Entry:
    """The way into every organisation; nothing of it is for callers.

    Args:
        engine: A database whose schema is current.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def logins(self) -> LoginAttempts:
        """Those who are about to log in."""
        return LoginAttempts(self._engine)

    def token(self, identifier: str) -> KeptToken | None:
        """The token of an identifier; None where there is none."""
        with asking(self._engine) as connection:
            row = _TOKEN.first(connection, identifier=identifier)
        if row is None:
            return None
        member = None if row.member_name is None else _member_in(row)
        return KeptToken(token_of(row), row.digest, row.organisation, member, row.version)

    def version(self, identifier: str) -> str | None:
        """The version of the token of an identifier, on PostgreSQL; None where there is none."""
        with asking(self._engine) as connection:
            found = run(connection, _VERSION_NOW, {"identifier": identifier})
        return found[0][0] if found else None

    def session(self, identifier: str) -> KeptSession | None:
        """The session of an identifier; None where there is none, or whose it was is no member."""
        with reading(self._engine) as connection:
            row = connection.execute(_SESSION, {"identifier": identifier}).first()
        if row is None:
            return None
        found = Session(
            row.identifier, _member_in(row), row.created_at, row.expires_at, row.seen_at
        )
        return KeptSession(found, row.digest, row.organisation)

    def seen(self, session: Session, *, at: datetime) -> None:
        """Note that somebody who is logged in asked for something, unless that was noted just now.

        What was noted last is a minute old at most: so much sooner may idleness end it.
        """
        if at - session.seen_at < _SEEN_EVERY:
            return
        chosen = update(sessions).where(sessions.c.identifier == session.identifier)
        with writing(self._engine) as connection:
            connection.execute(chosen.values(seen_at=at))

    def used(self, token: ApiToken, *, at: datetime) -> bool:
        """Note that a token was used, unless that was noted a moment ago.

        Returns:
            Whether it was written now.
        """
        if token.last_used_at is not None and at - token.last_used_at < _NOTED_EVERY:
            return False
        chosen = update(api_tokens).where(api_tokens.c.identifier == token.identifier)
        with writing(self._engine) as connection:
            connection.execute(chosen.values(last_used_at=at))
        return True

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


def _member_in(row: Row[Any]) -> Member:
    """The member of a row that holds more."""
    return member_of(row, _MEMBER)
