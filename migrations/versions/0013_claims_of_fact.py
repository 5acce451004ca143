"""VEX: documents, who signed them, what they claim, and who accepted which claim."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
TABLES = ("vex_documents", "vex_signatures", "vex_claims", "vex_vulnerabilities", "vex_reviews")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _instants(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, INSTANT, nullable=False) for name in names]


def upgrade() -> None:
    _documents()
    _signatures()
    _claims()
    _reviews()
    for table in TABLES:
        for statement in _append_only(table)[op.get_bind().dialect.name]:
            op.execute(statement)


def _documents() -> None:
    op.create_table(
        "vex_documents",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("project_id", ID, nullable=False),
        *_text("digest", "about_digest", "format", "identifier", "author"),
        *_instants("issued_at", "recorded_at"),
        sa.CheckConstraint(
            "format IN ('openvex', 'cyclonedx', 'csaf')", name="ck_vex_documents_format"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_vex_documents_project_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_vex_documents"),
        sa.UniqueConstraint(
            "project_id",
            "digest",
            "about_digest",
            name="uq_vex_documents_project_id_digest_about_digest",
        ),
    )


def _signatures() -> None:
    op.create_table(
        "vex_signatures",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("document_id", ID, nullable=False),
        *_text("digest", "subject_name", "predicate_type", "payload_digest"),
        *_text("verified_by", "key_fingerprint"),
        *_instants("verified_at"),
        *(
            sa.Column(name, sa.Text(), nullable=True)
            for name in ("identity_name", "identity_kind", "identity_issuer", "claims")
        ),
        *_text("log_entries", "times"),
        *_instants("recorded_at"),
        sa.CheckConstraint(
            "verified_by <> '' AND key_fingerprint <> ''", name="ck_vex_signatures_verified_by"
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["vex_documents.id"], name="fk_vex_signatures_document_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_vex_signatures"),
        sa.UniqueConstraint(
            "document_id",
            "digest",
            "verified_by",
            name="uq_vex_signatures_document_id_digest_verified_by",
        ),
    )


def _claims() -> None:
    op.create_table(
        "vex_claims",
        sa.Column("document_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *_text("status", "justification", "detail"),
        *_instants("issued_at"),
        *_text("names", "products"),
        sa.CheckConstraint(
            "status IN ('not_affected', 'affected', 'fixed', 'under_investigation')",
            name="ck_vex_claims_status",
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["vex_documents.id"], name="fk_vex_claims_document_id"
        ),
        sa.PrimaryKeyConstraint("document_id", "position", name="pk_vex_claims"),
    )
    op.create_table(
        "vex_vulnerabilities",
        sa.Column("document_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *_text("name"),
        sa.ForeignKeyConstraint(
            ["document_id"], ["vex_documents.id"], name="fk_vex_vulnerabilities_document_id"
        ),
        sa.PrimaryKeyConstraint("document_id", "position", "name", name="pk_vex_vulnerabilities"),
    )
    op.create_index("ix_vex_vulnerabilities_name", "vex_vulnerabilities", ["name"])


def _reviews() -> None:
    op.create_table(
        "vex_reviews",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("project_id", ID, nullable=False),
        *_text("document_digest"),
        sa.Column("position", sa.Integer(), nullable=True),
        *_text("event", "actor", "reason"),
        *_instants("recorded_at"),
        sa.CheckConstraint("event IN ('accepted', 'withdrawn')", name="ck_vex_reviews_event"),
        sa.CheckConstraint("actor <> ''", name="ck_vex_reviews_actor"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_vex_reviews_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_vex_reviews"),
    )
    op.create_index(
        "ix_vex_reviews_project_id_document_digest",
        "vex_reviews",
        ["project_id", "document_digest"],
    )


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
