"""A name says whether a registry has the image under it, or only somebody's file was called so.

Of names that are on record already nobody noted it: they allow nothing until the image is
recorded from its registry again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
# It only adds: an older program writes no such instant, which means nobody knows.
compatible_since = "0015"

INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.add_column("image_names", sa.Column("resolved_at", INSTANT, nullable=True))


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
