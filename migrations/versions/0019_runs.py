"""Runs: what is to be done, what happened to it, and who works."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
APPEND_ONLY = {
    "sqlite": tuple(
        f"""CREATE TRIGGER run_events_no_{change.lower()} BEFORE {change} ON run_events
        BEGIN SELECT RAISE(ABORT, 'run_events are append-only'); END"""
        for change in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        """CREATE FUNCTION refuse_change_of_run_events() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'run_events are append-only'; END $$""",
        """CREATE TRIGGER run_events_append_only
        BEFORE UPDATE OR DELETE OR TRUNCATE ON run_events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_run_events()""",
    ),
}


def upgrade() -> None:
    _runs()
    op.create_table(
        "run_events",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_run_events"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_events_run_id"),
    )
    op.create_table(
        "workers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("duties", sa.Text(), nullable=False),
        sa.Column("beats", sa.Integer(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("gone_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_workers"),
    )
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", ID, nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("reference", "platform", "environment")
        ),
        sa.Column("sign", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("request", "registry", "again_of", "state", "duty", "stage")
        ),
        *(
            sa.Column(name, sa.Text(), nullable=True)
            for name in ("digest", "tag", "draft", "worker")
        ),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("generation", "takeovers", "events")
        ),
        sa.Column("cancelled_by", sa.Text(), nullable=True),
        sa.Column("submitted_at", INSTANT, nullable=False),
        sa.Column("believed_until", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'dead')",
            name="ck_runs_state",
        ),
        sa.CheckConstraint("duty IN ('scan', 'sign')", name="ck_runs_duty"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint("project_id", "key", name="uq_runs_project_id_key"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_runs_project_id"),
    )
    for columns in (
        ["state", "duty", "priority", "id"],
        ["state", "registry"],
        ["project_id", "digest"],
        ["worker", "state"],
    ):
        op.create_index(f"ix_runs_{'_'.join(columns)}", "runs", columns)


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
