"""Attestations keep who signed, the log entries and the trusted times.

No program of an earlier schema accepted a certificate, a log entry or a timestamp, so `signed_at`
was never filled; the times say now what it would have said.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WHOLE = (
    "(identity_name IS NULL) = (identity_kind IS NULL) "
    "AND (identity_name IS NULL) = (identity_issuer IS NULL) "
    "AND (identity_name IS NULL) = (claims IS NULL)"
)


def upgrade() -> None:
    with op.batch_alter_table("attestations") as table:
        table.drop_column("signed_at")
        for name in ("identity_name", "identity_kind", "identity_issuer", "claims"):
            table.add_column(sa.Column(name, sa.Text(), nullable=True))
        for name in ("log_entries", "times"):
            table.add_column(sa.Column(name, sa.Text(), nullable=False, server_default="[]"))
        table.create_check_constraint("ck_attestations_identity", WHOLE)
        table.create_check_constraint(
            "ck_attestations_identity_kind", "identity_kind IN ('email', 'uri', 'other')"
        )
    op.create_index(
        "ix_attestations_identity_issuer_identity_name",
        "attestations",
        ["identity_issuer", "identity_name"],
    )


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
