"""Findings keep how bad every source says they are, and when a fix was first known.

Of findings that are on record already nobody kept who rated them how: they stay without, which a
policy that asks takes for the worst. Since when a fix is known is taken from the recorded scans.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")

KNOWN_ALREADY = """
INSERT INTO first_fixable (project_id, vulnerability_id, package_identity, first_seen_at, recorded_at)
SELECT e.project_id, f.vulnerability_id, f.package_identity, min(e.produced_at), min(e.recorded_at)
FROM evidence e
JOIN scans s ON s.evidence_id = e.id
JOIN assessed_findings a ON a.assessment_id = s.assessment_id
JOIN findings f ON f.id = a.finding_id
WHERE f.fixed_version <> ''
GROUP BY e.project_id, f.vulnerability_id, f.package_identity
"""


def upgrade() -> None:
    for name in ("ratings", "scores", "aliases", "weaknesses"):
        op.add_column("findings", sa.Column(name, sa.Text(), nullable=False, server_default="[]"))
    op.create_table(
        "first_fixable",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("vulnerability_id", ID, nullable=False),
        sa.Column("package_identity", sa.Text(), nullable=False),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_first_fixable_project_id"
        ),
        sa.ForeignKeyConstraint(
            ["vulnerability_id"],
            ["vulnerabilities.id"],
            name="fk_first_fixable_vulnerability_id",
        ),
        sa.PrimaryKeyConstraint(
            "project_id",
            "vulnerability_id",
            "package_identity",
            "first_seen_at",
            name="pk_first_fixable",
        ),
    )
    op.execute(KNOWN_ALREADY)


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
