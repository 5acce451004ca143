"""Rules of trust: whose jobs may have a token for a while."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Row, Select, delete, insert, select

from supplychain.errors import ConflictError, NotFoundError
from supplychain.model.access import TrustRule
from supplychain.records.access_tables import api_tokens, trust_rules
from supplychain.records.audit import Notes
from supplychain.records.database import reading, writing
from supplychain.records.scopes import scope_columns, scope_data, scope_of
from supplychain.records.tenants import require_projects
from supplychain.records.tokens import revoke_tokens


class TrustRules:
    """The rules of trust of one organisation; `Access.trust` gives it.

    Args:
        engine: The record's database.
        notes: Whose, and who acts.
    """

    def __init__(self, engine: Engine, notes: Notes) -> None:
        self._engine = engine
        self._notes = notes

    def add(self, rule: TrustRule) -> None:
        """Record a rule.

        Raises:
            ConflictError: There is one of this name.
            NotFoundError: It names a project that is not there.
        """
        with writing(self._engine) as connection:
            require_projects(connection, self._notes.organisation, rule.scope)
            if connection.execute(self._mine(rule.name)).first() is not None:
                raise ConflictError(
                    f"there is a rule of trust {rule.name!r} already",
                    hint=f"supplychain trust remove {rule.name}",
                )
            connection.execute(
                insert(trust_rules).values(
                    organisation_id=self._notes.organisation,
                    name=rule.name,
                    issuer=rule.issuer,
                    audience=rule.audience,
                    claims=json.dumps(_claims(rule), sort_keys=True),
                    lifetime=int(rule.lifetime.total_seconds()),
                    jwks_url=rule.jwks_url,
                    created_by=rule.created_by,
                    created_at=rule.created_at,
                    **scope_columns(rule.scope),
                )
            )
            self._notes.note(
                connection,
                "trust.added",
                rule.name,
                at=rule.created_at,
                after=_noted(rule),
                who=rule.created_by,
            )

    def all(self, *, issuer: str | None = None) -> tuple[TrustRule, ...]:
        """The rules, by name; only those that trust an issuer, where one is given."""
        chosen = self._mine().order_by(trust_rules.c.name)
        if issuer is not None:
            chosen = chosen.where(trust_rules.c.issuer == issuer)
        with reading(self._engine) as connection:
            return tuple(_rule(row) for row in connection.execute(chosen))

    def remove(self, name: str, *, by: str, at: datetime) -> TrustRule:
        """Remove a rule; tokens that it gave open nothing any more.

        Raises:
            NotFoundError: There is no such rule.
        """
        with writing(self._engine) as connection:
            row = connection.execute(self._mine(name)).first()
            if row is None:
                raise NotFoundError(
                    f"there is no rule of trust {name[:80]!r}", hint="supplychain trust list"
                )
            rule = _rule(row)
            given = (api_tokens.c.organisation_id == self._notes.organisation) & (
                api_tokens.c.rule == name
            )
            revoke_tokens(connection, given, by, at)
            connection.execute(delete(trust_rules).where(trust_rules.c.id == row.id))
            self._notes.note(connection, "trust.removed", name, at=at, before=_noted(rule), who=by)
        return rule

    def _mine(self, name: str | None = None) -> Select[Any]:
        chosen = select(trust_rules).where(
            trust_rules.c.organisation_id == self._notes.organisation
        )
        return chosen if name is None else chosen.where(trust_rules.c.name == name)


def _rule(row: Row[Any]) -> TrustRule:
    return TrustRule(
        name=row.name,
        issuer=row.issuer,
        audience=row.audience,
        claims=tuple((name, tuple(values)) for name, values in json.loads(row.claims).items()),
        scope=scope_of(row),
        lifetime=timedelta(seconds=row.lifetime),
        jwks_url=row.jwks_url,
        created_at=row.created_at,
        created_by=row.created_by,
    )


def _claims(rule: TrustRule) -> dict[str, list[str]]:
    return {name: list(values) for name, values in rule.claims}


def _noted(rule: TrustRule) -> dict[str, object]:
    return scope_data(rule.scope) | {
        "issuer": rule.issuer,
        "audience": rule.audience,
        "claims": _claims(rule),
        "lifetime": int(rule.lifetime.total_seconds()),
        "jwks_url": rule.jwks_url,
    }
