"""Decisions are chained: each names the one before it. Those on record are chained in order.

Of them nobody kept the evidence as one document; they cannot be replayed, and asking again makes a
new decision.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

APPEND_ONLY = {
    "sqlite": tuple(
        f"""CREATE TRIGGER decision_links_no_{change.lower()} BEFORE {change} ON decision_links
        BEGIN SELECT RAISE(ABORT, 'decision_links are append-only'); END"""
        for change in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        """CREATE FUNCTION refuse_change_of_decision_links() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'decision_links are append-only'; END $$""",
        """CREATE TRIGGER decision_links_append_only
        BEFORE UPDATE OR DELETE OR TRUNCATE ON decision_links
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_decision_links()""",
    ),
}

RECORDED = """
SELECT id, project_id, digest, subject_digest, subject_name, environment, verdict, policy_digest,
    decided_at, holds_until
FROM decisions ORDER BY project_id, id
"""


def upgrade() -> None:
    table = op.create_table(
        "decision_links",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("sequence", ID, nullable=False, autoincrement=False),
        sa.Column("decision_id", ID, nullable=False),
        sa.Column("previous", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("essence", sa.Text(), nullable=True),
        sa.Column("inputs", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_decision_links_project_id"
        ),
        sa.PrimaryKeyConstraint("project_id", "sequence", name="pk_decision_links"),
        sa.UniqueConstraint("decision_id", name="uq_decision_links_decision_id"),
    )
    rows = op.get_bind().execute(sa.text(RECORDED)).all()
    if rows:
        op.bulk_insert(table, _chained(rows))
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def _chained(rows: Sequence[sa.Row[Any]]) -> list[dict[str, Any]]:
    links: list[dict[str, Any]] = []
    for row in rows:
        mine = [link for link in links[-1:] if link["project_id"] == row.project_id]
        sequence = mine[0]["sequence"] + 1 if mine else 1
        previous = mine[0]["digest"] if mine else None
        said = [sequence, previous or "", *map(_text, row[2:]), "", ""]
        digest = hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()
        links.append(
            {
                "project_id": row.project_id,
                "sequence": sequence,
                "decision_id": row.id,
                "previous": previous,
                "digest": f"sha256:{digest}",
                "essence": None,
                "inputs": None,
            }
        )
    return links


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value)


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
