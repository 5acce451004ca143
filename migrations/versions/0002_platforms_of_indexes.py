"""Each index keeps the platforms that it gives its children.

Until now the first index that listed an image decided for all of them. What the others said was not
kept, so indexes are forgotten: the gate denies them until they are run again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM index_children")
    with op.batch_alter_table("index_children") as table:
        table.add_column(sa.Column("os", sa.Text(), nullable=False))
        table.add_column(sa.Column("architecture", sa.Text(), nullable=False))
        table.add_column(sa.Column("variant", sa.Text(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
