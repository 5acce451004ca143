"""Provenance keeps which images went into a build.

Of provenance that is on record already nobody noted it: it names none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attestations", sa.Column("build_images", sa.Text(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
