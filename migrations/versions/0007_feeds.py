"""Feeds: which editions of EPSS and KEV are on record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
TABLE = "feed_editions"
APPEND_ONLY = {
    "sqlite": tuple(
        f"""CREATE TRIGGER {TABLE}_no_{change.lower()} BEFORE {change} ON {TABLE}
        BEGIN SELECT RAISE(ABORT, '{TABLE} are append-only'); END"""
        for change in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        f"""CREATE FUNCTION refuse_change_of_{TABLE}() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{TABLE} are append-only'; END $$""",
        f"""CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_{TABLE}()""",
    ),
}


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("published_at", INSTANT, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('epss', 'kev')", name=f"ck_{TABLE}_kind"),
        sa.CheckConstraint("entries > 0", name=f"ck_{TABLE}_entries"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=f"fk_{TABLE}_project_id"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        sa.UniqueConstraint(
            "project_id", "kind", "digest", name=f"uq_{TABLE}_project_id_kind_digest"
        ),
    )
    op.create_index(
        f"ix_{TABLE}_project_id_kind_published_at", TABLE, ["project_id", "kind", "published_at"]
    )
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
