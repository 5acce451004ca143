"""The decision that stands: the latest about a subject, where it says the same and still holds."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, select

from supplychain.model.decision import Decision
from supplychain.model.digest import Digest
from supplychain.records.chain_tables import decision_links
from supplychain.records.prepared import Prepared
from supplychain.records.schema import decisions


def read_standing(
    connection: Connection, project: int, decision: Decision, essence: Digest
) -> Digest | None:
    """The digest of its document; None where there is no such decision."""
    subject, at = decision.subject, decision.decided_at
    row = _LATEST(
        connection,
        project=project,
        digest=subject.digest,
        name=subject.name,
        environment=decision.environment,
    ).first()
    if row is None or row.essence != essence or row.decided_at > at:
        return None
    holds = row.holds_until is None or at <= row.holds_until
    digest: Digest = row.digest
    return digest if holds else None


def _latest(project: int, digest: Digest, name: str, environment: str) -> Select[Any]:
    column = decisions.c
    return (
        select(column.digest, column.decided_at, column.holds_until, decision_links.c.essence)
        .join(decision_links, decision_links.c.decision_id == column.id)
        .where(
            column.project_id == project,
            column.subject_digest == digest,
            column.subject_name == name,
            column.environment == environment,
        )
        .order_by(decision_links.c.sequence.desc())
        .limit(1)
    )


_LATEST = Prepared(_latest)
