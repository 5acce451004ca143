"""Provenance keeps from what repository, branch or tag, and commit something was built.

Of provenance that is on record already nobody noted it: it stays unknown, and satisfies no rule
that asks for it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("attestations") as table:
        for name in ("build_source", "build_ref", "build_commit"):
            table.add_column(sa.Column(name, sa.Text(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
