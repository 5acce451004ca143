"""Attestations that are provenance keep who says to have built, and by what kind of build.

Of provenance that is on record already nobody noted it, and it stays unknown: it is not taken for
the provenance of a build.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("attestations") as table:
        for name in ("builder", "build_type"):
            table.add_column(sa.Column(name, sa.Text(), nullable=True))
        table.create_check_constraint(
            "ck_attestations_build", "(builder IS NULL) = (build_type IS NULL)"
        )


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
