"""SBOMs that were handed in without a signature are broken down, so that they can be searched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None
# It only adds: what an older program takes in is kept, and not broken down.
compatible_since = "0015"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_index("ix_unsigned_claims_digest", "unsigned_claims", ["digest"])
    op.create_table(
        "sbom_contents",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("component_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sbom_contents"),
        sa.UniqueConstraint("digest", name="uq_sbom_contents_digest"),
    )
    op.create_table(
        "sbom_components",
        sa.Column("component_id", ID, nullable=False),
        sa.Column("content_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("component_id", "content_id", name="pk_sbom_components"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
