"""Answers of the gate that hold until somebody writes, and on PostgreSQL marks of who wrote."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None
# It only adds: what an older program writes is marked by the database itself.
compatible_since = "0019"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
# Everything that there is, but for what no verdict is made from.
MARKED = """
approvals assessed_findings assessments attestations components configurations decision_links
decision_waivers decisions deployments evidence feed_editions findings first_fixable first_seen
image_names images index_children inventoried_components inventories layers policies projects runs
sbom_components sbom_contents sbom_qualities sboms scans tag_resolutions unsigned_claims vex_claims
vex_documents vex_reviews vex_signatures vex_vulnerabilities vulnerabilities waiver_events work
""".split()
NOTE = """
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO record_changes (slot, xid, at)
    VALUES (pg_backend_pid(), pg_current_xact_id()::text::bigint, clock_timestamp())
    ON CONFLICT (slot) DO UPDATE SET xid = excluded.xid, at = excluded.at
    WHERE record_changes.xid <> excluded.xid;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "record_changes",
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("slot", name="pk_record_changes"),
    )
    op.create_index("ix_record_changes_xid", "record_changes", ["xid"])
    op.create_table(
        "kept_answers",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("subject_digest", sa.Text(), nullable=False),
        sa.Column("subject_name", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("program", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("holds_until", INSTANT, nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_kept_answers_project_id"),
        sa.PrimaryKeyConstraint(
            "project_id",
            "environment",
            "subject_digest",
            "subject_name",
            name="pk_kept_answers",
        ),
        sa.CheckConstraint("verdict IN ('allow', 'deny')", name="ck_kept_answers_verdict"),
    )
    op.create_index("ix_kept_answers_holds_until", "kept_answers", ["holds_until"])
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(NOTE)
    for table in MARKED:
        # Once a statement, whatever it did; also where rows come from a replica.
        op.execute(
            f"""CREATE TRIGGER {table}_noted AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
            ON {table} FOR EACH STATEMENT EXECUTE FUNCTION note_change()"""
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_noted")


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
