"""The decision that stands: the latest about a subject, where it says the same and still holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.records.decision_tables import decision_links
from supplychain.records.prepared import Prepared
from supplychain.records.schema import decisions


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest decision about a subject in an environment.

    Attributes:
        digest: The digest of its document.
        essence: What it says but for the time of day; None where nobody kept that.
        decided_at: The instant judged for.
        holds_until: When time alone changes the verdict; None where it never does.
    """

    digest: Digest
    essence: Digest | None
    decided_at: datetime
    holds_until: datetime | None

    def stands(self, essence: Digest, at: datetime) -> bool:
        """Whether it says just that, and holds at an instant."""
        if self.essence != essence or self.decided_at > at:
            return False
        return self.holds_until is None or at <= self.holds_until


def read_latest(
    connection: Connection, project: int, subject: Subject, environment: str
) -> Latest | None:
    """The latest decision; None where there is none."""
    row = _LATEST.first(
        connection,
        project=project,
        digest=subject.digest,
        name=subject.name,
        environment=environment,
    )
    return None if row is None else Latest(*row)


def _latest(project: int, digest: Digest, name: str, environment: str) -> Select[Any]:
    column = decisions.c
    return (
        select(column.digest, decision_links.c.essence, column.decided_at, column.holds_until)
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
