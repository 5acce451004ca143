"""What callers claim without a signature, and answers that are given again to the same request."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None
# It only adds: an older program neither writes nor reads either table.
compatible_since = "0015"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "unsigned_claims",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("project_id", ID, nullable=False),
        *_texts("subject_digest", "kind", "caller", "digest"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_unsigned_claims"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_unsigned_claims_project_id"
        ),
        sa.UniqueConstraint(
            *_SAME, name="uq_unsigned_claims_project_id_subject_digest_kind_caller_digest"
        ),
        sa.CheckConstraint("kind IN ('sbom', 'scan')", name="ck_unsigned_claims_kind"),
    )
    op.create_index(
        "ix_unsigned_claims_project_id_subject_digest_recorded_at",
        "unsigned_claims",
        ["project_id", "subject_digest", "recorded_at"],
    )
    for statement in _TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)
    op.create_table(
        "idempotent_answers",
        sa.Column("project_id", ID, nullable=False),
        *_texts("caller", "key", "request_digest"),
        sa.Column("claimed_at", INSTANT, nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "caller", "key", name="pk_idempotent_answers"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_idempotent_answers_project_id"
        ),
        sa.CheckConstraint(
            "(status IS NULL) = (body IS NULL)", name="ck_idempotent_answers_answered"
        ),
    )
    op.create_index(
        "ix_idempotent_answers_project_id_claimed_at",
        "idempotent_answers",
        ["project_id", "claimed_at"],
    )


_SAME = ("project_id", "subject_digest", "kind", "caller", "digest")
_TRIGGERS = {
    "sqlite": tuple(
        f"""CREATE TRIGGER unsigned_claims_no_{change.lower()} BEFORE {change} ON unsigned_claims
        BEGIN SELECT RAISE(ABORT, 'unsigned_claims are append-only'); END"""
        for change in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        """CREATE FUNCTION refuse_change_of_unsigned_claims() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'unsigned_claims are append-only'; END $$""",
        """CREATE TRIGGER unsigned_claims_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
        ON unsigned_claims FOR EACH STATEMENT EXECUTE FUNCTION
        refuse_change_of_unsigned_claims()""",
    ),
}


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
