"""The tokens of an organisation, without what opens the door."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, insert, select, update

from supplychain.errors import ConflictError, NotFoundError
from supplychain.model.access import ApiToken, TokenState
from supplychain.model.digest import Digest
from supplychain.records.access_tables import api_tokens
from supplychain.records.audit import Notes
from supplychain.records.database import reading, writing
from supplychain.records.scopes import scope_columns, scope_data, scope_of
from supplychain.records.tenants import require_projects


class Tokens:
    """The tokens of one organisation; `Access.tokens` gives it.

    Args:
        engine: The record's database.
        notes: Whose, and who acts.
    """

    def __init__(self, engine: Engine, notes: Notes) -> None:
        self._engine = engine
        self._notes = notes

    def add(self, token: ApiToken, digest: Digest) -> None:
        """Record a token that was just made.

        Args:
            token: All about it.
            digest: Over its secret, which is kept nowhere.

        Raises:
            NotFoundError: It names a project that is not there.
            ConflictError: Its identifier is taken, or its rule is gone.
        """
        with writing(self._engine) as connection:
            require_projects(connection, self._notes.organisation, token.scope)
            taken = select(api_tokens.c.id).where(api_tokens.c.identifier == token.identifier)
            if connection.scalar(taken) is not None:
                raise ConflictError("this identifier is taken", hint="try again", retryable=True)
            connection.execute(
                insert(api_tokens).values(
                    organisation_id=self._notes.organisation,
                    identifier=token.identifier,
                    name=token.name,
                    owner=token.owner,
                    digest=digest,
                    rule=token.rule,
                    created_by=token.created_by,
                    created_at=token.created_at,
                    expires_at=token.expires_at,
                    revoked_by="",
                    **scope_columns(token.scope),
                )
            )
            self._notes.note(
                connection,
                "token.exchanged" if token.rule else "token.created",
                token.identifier,
                at=token.created_at,
                after=_noted(token),
                who=token.created_by,
            )

    def all(
        self, *, owner: str | None = None, at: datetime, ended: bool = False
    ) -> tuple[ApiToken, ...]:
        """Tokens, the newest first.

        Args:
            owner: Only those of this person or machine.
            at: The instant (aware, UTC).
            ended: Those too that open nothing any more.
        """
        column = api_tokens.c
        chosen = self._mine().order_by(column.created_at.desc(), column.id.desc())
        if owner is not None:
            chosen = chosen.where(column.owner == owner)
        with reading(self._engine) as connection:
            found = tuple(token_of(row) for row in connection.execute(chosen))
        return tuple(t for t in found if ended or t.state(at) is TokenState.VALID)

    def revoke(
        self, identifier: str, *, by: str, at: datetime, owner: str | None = None
    ) -> ApiToken:
        """Let a token open nothing from now on.

        Args:
            identifier: The token's.
            by: Who says so.
            at: The instant (aware, UTC).
            owner: Only if it is of this person or machine.

        Raises:
            NotFoundError: There is no such token.
            ConflictError: It was revoked already.
        """
        chosen = self._mine().where(api_tokens.c.identifier == identifier)
        if owner is not None:
            chosen = chosen.where(api_tokens.c.owner == owner)
        with writing(self._engine) as connection:
            row = connection.execute(chosen.with_for_update()).first()
            if row is None:
                raise NotFoundError(
                    f"there is no token {identifier[:40]!r}", hint="supplychain tokens list"
                )
            before = token_of(row)
            if before.revoked_at is not None:
                raise ConflictError(
                    f"the token {identifier} was revoked already",
                    because=f"by {before.revoked_by}, at {before.revoked_at}",
                )
            revoke_tokens(connection, api_tokens.c.id == row.id, by, at)
            self._notes.note(
                connection, "token.revoked", identifier, at=at, before=_noted(before), who=by
            )
            after = connection.execute(self._mine().where(api_tokens.c.id == row.id)).one()
            return token_of(after)

    def _mine(self) -> Select[Any]:
        return select(api_tokens).where(api_tokens.c.organisation_id == self._notes.organisation)


def revoke_tokens(connection: Connection, which: Any, by: str, at: datetime) -> None:
    """Revoke every token of some that is not revoked yet."""
    chosen = update(api_tokens).where(which, api_tokens.c.revoked_at.is_(None))
    connection.execute(chosen.values(revoked_at=at, revoked_by=by))


def token_of(row: Row[Any]) -> ApiToken:
    """A token from its row."""
    return ApiToken(
        identifier=row.identifier,
        name=row.name,
        owner=row.owner,
        scope=scope_of(row),
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        rule=row.rule,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
    )


def _noted(token: ApiToken) -> dict[str, object]:
    said = scope_data(token.scope) | {
        "name": token.name,
        "owner": token.owner,
        "expires_at": token.expires_at.isoformat(),
    }
    return said | ({"rule": token.rule} if token.rule else {})
