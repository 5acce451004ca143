"""Each index keeps the platforms that it gives its children."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_PLATFORM = ("os", "architecture", "variant")


def upgrade() -> None:
    for name in _PLATFORM:
        op.add_column("index_children", sa.Column(name, sa.Text(), nullable=True))
    values = ", ".join(
        f"{name} = (SELECT images.{name} FROM images WHERE images.id = index_children.child_id)"
        for name in _PLATFORM
    )
    op.execute(f"UPDATE index_children SET {values}")
    with op.batch_alter_table("index_children") as table:
        table.alter_column("os", nullable=False)
        table.alter_column("architecture", nullable=False)


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
