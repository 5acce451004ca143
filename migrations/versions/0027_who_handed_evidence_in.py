"""Who handed in evidence that was made elsewhere, beside how it was verified."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None
# It only adds: what an older program takes in stays without a name.
compatible_since = "0019"


def upgrade() -> None:
    op.add_column("evidence", sa.Column("handed_in_by", sa.Text(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
