"""What unsigned claims say, so that policies can take somebody's word."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None
# It only adds: what an older program writes counts for nobody.
compatible_since = "0019"


def upgrade() -> None:
    for name in ("reading", "unread"):
        op.add_column("unsigned_claims", sa.Column(name, sa.Text(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
