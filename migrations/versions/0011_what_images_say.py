"""The record keeps what images say about themselves, and what in them looks like a secret.

Of images that are on record already nobody kept either: a policy that asks denies them until they
are examined again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.add_column("scans", sa.Column("secrets", sa.Text(), nullable=True))
    op.create_table(
        "configurations",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("image_id", ID, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("chain_id", sa.Text(), nullable=False),
        sa.Column("layer_count", sa.Integer(), nullable=False),
        sa.Column("producer_version", sa.Text(), nullable=False),
        sa.Column("produced_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_configurations"),
        sa.UniqueConstraint("image_id", "digest", name="uq_configurations_image_id_digest"),
        sa.ForeignKeyConstraint(
            ["project_id", "image_id"],
            ["images.project_id", "images.id"],
            name="fk_configurations_project_id_image_id",
        ),
    )
    op.create_index(
        "ix_configurations_project_id_chain_id", "configurations", ["project_id", "chain_id"]
    )


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
