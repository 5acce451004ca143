"""Which earlier releases may go on working on this schema.

`migrations/env.py` writes it whenever migrations have run; see there for the rule.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "schema_compatibility",
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
