"""From a document to the statements that carry it, so that signed SBOMs can be searched."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None
# It only adds: what an older program takes in is kept, and not broken down.
compatible_since = "0015"


def upgrade() -> None:
    op.create_index("ix_attestations_predicate_digest", "attestations", ["predicate_digest"])


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
