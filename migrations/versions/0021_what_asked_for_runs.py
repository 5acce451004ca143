"""What asked for a run: the request, and the trace that it is part of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None
# It only adds: runs that an older program submits are part of nothing.
compatible_since = "0019"


def upgrade() -> None:
    for name in ("request_id", "traceparent"):
        op.add_column("runs", sa.Column(name, sa.Text(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
