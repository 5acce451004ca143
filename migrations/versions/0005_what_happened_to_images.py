"""What happens to images: deployments, approvals, and work that is under way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    _reports("deployments", "started", "started_beside", "ended")
    op.create_index(
        "ix_deployments_project_id_environment_subject_name_at",
        "deployments",
        ["project_id", "environment", "subject_name", "at"],
    )
    _reports("approvals", "given", "withdrawn")
    op.create_table(
        "work",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("subject_digest", sa.Text(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("since_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint("kinds <> ''", name="ck_work_kinds"),
        sa.PrimaryKeyConstraint("id", name="pk_work"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_work_project_id"
        ),
    )
    op.create_index(
        "ix_work_project_id_subject_digest_expires_at",
        "work",
        ["project_id", "subject_digest", "expires_at"],
    )


def _reports(table: str, *events: str) -> None:
    listed = ", ".join(f"'{event}'" for event in events)
    op.create_table(
        table,
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("subject_digest", sa.Text(), nullable=False),
        sa.Column("subject_name", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint(f"event IN ({listed})", name=f"ck_{table}_event"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("project_id", "digest", name=f"uq_{table}_project_id_digest"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=f"fk_{table}_project_id"
        ),
    )
    op.create_index(
        f"ix_{table}_project_id_subject_digest", table, ["project_id", "subject_digest"]
    )
    for statement in _append_only(table)[op.get_bind().dialect.name]:
        op.execute(statement)


def _append_only(table: str) -> dict[str, tuple[str, ...]]:
    return {
        "sqlite": tuple(
            f"""CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table}
            BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"""
            for change in ("UPDATE", "DELETE")
        ),
        "postgresql": (
            f"""CREATE FUNCTION refuse_change_of_{table}() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION '{table} are append-only'; END $$""",
            f"""CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_{table}()""",
        ),
    }


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
