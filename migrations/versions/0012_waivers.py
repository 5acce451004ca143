"""Waivers, step by step, and which decisions rest on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
_ASKING = "'requested', 'changed', 'extended'"
APPEND_ONLY = {
    "sqlite": tuple(
        f"""CREATE TRIGGER waiver_events_no_{change.lower()} BEFORE {change} ON waiver_events
        BEGIN SELECT RAISE(ABORT, 'waiver_events are append-only'); END"""
        for change in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        """CREATE FUNCTION refuse_change_of_waiver_events() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'waiver_events are append-only'; END $$""",
        """CREATE TRIGGER waiver_events_append_only
        BEFORE UPDATE OR DELETE OR TRUNCATE ON waiver_events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_waiver_events()""",
    ),
}


def upgrade() -> None:
    op.create_table(
        "waiver_events",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=True),
        sa.Column("answers", sa.Text(), nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            f"step IN ({_ASKING}, 'approved', 'rejected', 'revoked')",
            name="ck_waiver_events_step",
        ),
        sa.CheckConstraint(
            f"(terms IS NOT NULL) = (step IN ({_ASKING}))", name="ck_waiver_events_terms"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_waiver_events"),
        sa.UniqueConstraint(
            "project_id", "number", "position", name="uq_waiver_events_project_id_number_position"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_waiver_events_project_id"
        ),
    )
    op.create_table(
        "decision_waivers",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "decision", "number", name="pk_decision_waivers"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_decision_waivers_project_id"
        ),
    )
    op.create_index(
        "ix_decision_waivers_project_id_number", "decision_waivers", ["project_id", "number"]
    )
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
