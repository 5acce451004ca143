"""Organisations above projects; tokens, rules of trust, members; the audit log of each.

Earlier releases stop: they would find another organisation's project of the same name, and note
nothing in the log.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
APPEND_ONLY = {
    "sqlite": tuple(
        f"""CREATE TRIGGER audit_events_no_{change.lower()} BEFORE {change} ON audit_events
        BEGIN SELECT RAISE(ABORT, 'audit_events are append-only'); END"""
        for change in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        """CREATE FUNCTION refuse_change_of_audit_events() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'audit_events are append-only'; END $$""",
        """CREATE TRIGGER audit_events_append_only
        BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit_events()""",
    ),
}


def upgrade() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        *_texts("name"),
        sa.PrimaryKeyConstraint("id", name="pk_organisations"),
        sa.UniqueConstraint("name", name="uq_organisations_name"),
    )
    op.execute("INSERT INTO organisations (name) VALUES ('default')")
    dialect = op.get_bind().dialect.name
    if dialect == "sqlite":
        _projects_of_sqlite()
    else:
        _projects_of_postgresql()
    _audit()
    _access()
    op.execute(
        "INSERT INTO audit_heads (organisation_id, sequence, digest)"
        " SELECT id, 0, NULL FROM organisations"
    )
    for statement in APPEND_ONLY[dialect]:
        op.execute(statement)


def _projects_of_postgresql() -> None:
    op.add_column("projects", sa.Column("organisation_id", ID, nullable=True))
    op.execute("UPDATE projects SET organisation_id = (SELECT id FROM organisations)")
    op.alter_column("projects", "organisation_id", nullable=False)
    op.create_foreign_key(
        "fk_projects_organisation_id", "projects", "organisations", ["organisation_id"], ["id"]
    )
    op.drop_constraint("uq_projects_name", "projects")
    op.create_unique_constraint(
        "uq_projects_organisation_id_name", "projects", ["organisation_id", "name"]
    )


def _projects_of_sqlite() -> None:
    """SQLite drops no constraint: the table is made anew under the rows that refer to it.

    They lack what they refer to until the same rows are back, which is before the commit; then
    SQLite counts once more whether one still does.
    """
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute("CREATE TEMPORARY TABLE kept_projects AS SELECT id, name FROM projects")
    op.drop_table("projects")
    op.create_table(
        "projects",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        *_texts("name"),
        sa.Column("organisation_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_projects_organisation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        sa.UniqueConstraint("organisation_id", "name", name="uq_projects_organisation_id_name"),
    )
    op.execute(
        "INSERT INTO projects (id, name, organisation_id)"
        " SELECT kept.id, kept.name, owner.id FROM kept_projects kept, organisations owner"
    )
    op.execute("DROP TABLE kept_projects")


def _audit() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("organisation_id", ID, nullable=False, autoincrement=False),
        sa.Column("sequence", ID, nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_audit_heads_organisation_id"
        ),
        sa.PrimaryKeyConstraint("organisation_id", name="pk_audit_heads"),
    )
    op.create_table(
        "audit_events",
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("sequence", ID, nullable=False, autoincrement=False),
        sa.Column("at", INSTANT, nullable=False),
        *_texts("who", "from_where", "through", "project", "what", "about"),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("previous", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_audit_events_organisation_id"
        ),
        sa.PrimaryKeyConstraint("organisation_id", "sequence", name="pk_audit_events"),
    )


def _access() -> None:
    op.create_table(
        "api_tokens",
        *_owned("api_tokens"),
        *_texts("identifier", "name", "owner", "digest", "roles"),
        sa.Column("projects", sa.Text(), nullable=True),
        *_texts("rule", "created_by"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        *_texts("revoked_by"),
        sa.CheckConstraint("owner <> '' AND roles <> ''", name="ck_api_tokens_owner"),
        sa.UniqueConstraint("identifier", name="uq_api_tokens_identifier"),
    )
    op.create_index("ix_api_tokens_organisation_id_owner", "api_tokens", _OWNER)
    op.create_table(
        "trust_rules",
        *_owned("trust_rules"),
        *_texts("name", "issuer", "audience", "claims", "roles"),
        sa.Column("projects", sa.Text(), nullable=True),
        sa.Column("lifetime", sa.Integer(), nullable=False),
        *_texts("jwks_url", "created_by"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("roles <> '' AND claims <> ''", name="ck_trust_rules_roles"),
        sa.UniqueConstraint("organisation_id", "name", name="uq_trust_rules_organisation_id_name"),
    )
    op.create_table(
        "memberships",
        *_owned("memberships"),
        *_texts("name", "issuer"),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        *_texts("roles"),
        sa.Column("projects", sa.Text(), nullable=True),
        *_texts("created_by"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "roles <> '' AND (subject IS NOT NULL OR email IS NOT NULL)",
            name="ck_memberships_roles",
        ),
        *(
            sa.UniqueConstraint(*columns, name=f"uq_memberships_{'_'.join(columns)}")
            for columns in (
                ("organisation_id", "name"),
                ("organisation_id", "issuer", "subject"),
                ("organisation_id", "issuer", "email"),
            )
        ),
    )


_OWNER = ["organisation_id", "owner"]


def _owned(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("organisation_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=f"fk_{table}_organisation_id"
        ),
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
