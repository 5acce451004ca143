"""SBOMs keep how good they are: which minimum elements they have, and who lacks them.

Those that are on record already are measured when their images are looked at again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "sbom_qualities",
        sa.Column("evidence_id", ID, nullable=False),
        sa.Column("elements", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name="fk_sbom_qualities_evidence_id"
        ),
        sa.PrimaryKeyConstraint("evidence_id", name="pk_sbom_qualities"),
    )


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
