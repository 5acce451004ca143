"""Packages by their names as they are looked for, whatever their letters and separators."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None
# It only adds; what 0025 asks of older programs, it asks, too.
compatible_since = "0019"


def upgrade() -> None:
    spelt = "lower(replace(replace(replace(purl_name, '-', ''), '_', ''), '.', ''))"
    op.create_index("ix_components_spelt", "components", [sa.text(spelt)])


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
