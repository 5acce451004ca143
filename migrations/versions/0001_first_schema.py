"""The first schema: images, evidence, findings, policies and decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite numbers rows by itself only for a column declared exactly INTEGER.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Fixed-width RFC 3339 text on SQLite, which has no type for instants.
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")

APPEND_ONLY = {
    "sqlite": (
        """CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions
        BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END""",
        """CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions
        BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END""",
    ),
    "postgresql": (
        """CREATE FUNCTION refuse_change_of_decisions() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'decisions are append-only'; END $$""",
        """CREATE TRIGGER decisions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON decisions
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_decisions()""",
    ),
}


def upgrade() -> None:
    op.create_table(
        "components",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=False),
        sa.Column("purl", sa.Text(), nullable=False),
        sa.Column("purl_type", sa.Text(), nullable=False),
        sa.Column("purl_namespace", sa.Text(), nullable=False),
        sa.Column("purl_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ecosystem", sa.Text(), nullable=False),
        sa.Column("licences", sa.Text(), nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("source_version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_components"),
        sa.UniqueConstraint("identity", name="uq_components_identity"),
    )
    op.create_index(
        "ix_components_purl_type_purl_namespace_purl_name_version",
        "components",
        ["purl_type", "purl_namespace", "purl_name", "version"],
    )
    op.create_table(
        "layers",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("diff_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_layers"),
        sa.UniqueConstraint("diff_id", name="uq_layers_diff_id"),
    )
    op.create_table(
        "projects",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        sa.UniqueConstraint("name", name="uq_projects_name"),
    )
    op.create_table(
        "vulnerabilities",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vulnerabilities"),
        sa.UniqueConstraint("name", name="uq_vulnerabilities_name"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("subject_digest", sa.Text(), nullable=False),
        sa.Column("subject_name", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("policy_digest", sa.Text(), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("holds_until", INSTANT, nullable=True),
        sa.CheckConstraint("verdict IN ('allow', 'deny', 'pending')", name="ck_decisions_verdict"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_decisions_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
        sa.UniqueConstraint("project_id", "digest", name="uq_decisions_project_id_digest"),
    )
    op.create_index(
        "ix_decisions_project_id_subject_digest_environment_decided_at",
        "decisions",
        ["project_id", "subject_digest", "environment", "decided_at"],
    )
    op.create_table(
        "findings",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=False),
        sa.Column("vulnerability_id", ID, nullable=False),
        sa.Column("package_identity", sa.Text(), nullable=False),
        sa.Column("purl", sa.Text(), nullable=False),
        sa.Column("package", sa.Text(), nullable=False),
        sa.Column("installed_version", sa.Text(), nullable=False),
        sa.Column("fixed_version", sa.Text(), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("severity_source", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("published_at", INSTANT, nullable=True),
        sa.CheckConstraint("severity BETWEEN 0 AND 5", name="ck_findings_severity"),
        sa.ForeignKeyConstraint(
            ["vulnerability_id"], ["vulnerabilities.id"], name="fk_findings_vulnerability_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_findings"),
        sa.UniqueConstraint("identity", name="uq_findings_identity"),
    )
    op.create_index("ix_findings_vulnerability_id", "findings", ["vulnerability_id"])
    op.create_table(
        "first_seen",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("vulnerability_id", ID, nullable=False),
        sa.Column("package_identity", sa.Text(), nullable=False),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_first_seen_project_id"),
        sa.ForeignKeyConstraint(
            ["vulnerability_id"], ["vulnerabilities.id"], name="fk_first_seen_vulnerability_id"
        ),
        sa.PrimaryKeyConstraint(
            "project_id",
            "vulnerability_id",
            "package_identity",
            "first_seen_at",
            name="pk_first_seen",
        ),
    )
    op.create_table(
        "images",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("os", sa.Text(), nullable=True),
        sa.Column("architecture", sa.Text(), nullable=True),
        sa.Column("variant", sa.Text(), nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "(kind = 'manifest') = (os IS NOT NULL AND architecture IS NOT NULL)",
            name="ck_images_platform",
        ),
        sa.CheckConstraint("kind IN ('manifest', 'index')", name="ck_images_kind"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_images_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_images"),
        sa.UniqueConstraint("project_id", "digest", name="uq_images_project_id_digest"),
        sa.UniqueConstraint("project_id", "id", name="uq_images_project_id_id"),
    )
    op.create_table(
        "policies",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("first_used_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_policies_project_id"),
        sa.PrimaryKeyConstraint("project_id", "environment", "digest", name="pk_policies"),
    )
    op.create_table(
        "assessments",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("image_id", ID, nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=False),
        sa.Column("negligible", sa.Integer(), nullable=False),
        sa.Column("low", sa.Integer(), nullable=False),
        sa.Column("medium", sa.Integer(), nullable=False),
        sa.Column("high", sa.Integer(), nullable=False),
        sa.Column("critical", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_assessments_image_id"),
        sa.PrimaryKeyConstraint("id", name="pk_assessments"),
        sa.UniqueConstraint("image_id", "identity", name="uq_assessments_image_id_identity"),
    )
    op.create_table(
        "evidence",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("image_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("subject_name", sa.Text(), nullable=False),
        sa.Column("producer_name", sa.Text(), nullable=True),
        sa.Column("producer_version", sa.Text(), nullable=True),
        sa.Column("producer_digest", sa.Text(), nullable=True),
        sa.Column("produced_at", INSTANT, nullable=False),
        sa.Column("verified_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('scan', 'sbom', 'signature', 'attestation')", name="ck_evidence_kind"
        ),
        sa.CheckConstraint(
            "kind IN ('signature', 'attestation') OR (producer_name IS NOT NULL AND producer_version IS NOT NULL)",
            name="ck_evidence_producer",
        ),
        sa.CheckConstraint("verified_by <> ''", name="ck_evidence_verified_by"),
        sa.ForeignKeyConstraint(
            ["project_id", "image_id"],
            ["images.project_id", "images.id"],
            name="fk_evidence_project_id_image_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_evidence"),
        sa.UniqueConstraint(
            "image_id",
            "kind",
            "digest",
            "verified_by",
            name="uq_evidence_image_id_kind_digest_verified_by",
        ),
    )
    op.create_index("ix_evidence_digest", "evidence", ["digest"])
    op.create_index(
        "ix_evidence_image_id_kind_produced_at", "evidence", ["image_id", "kind", "produced_at"]
    )
    op.create_table(
        "image_names",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("image_id", ID, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "image_id"],
            ["images.project_id", "images.id"],
            name="fk_image_names_project_id_image_id",
        ),
        sa.PrimaryKeyConstraint("project_id", "name", "image_id", name="pk_image_names"),
    )
    op.create_index("ix_image_names_image_id", "image_names", ["image_id"])
    op.create_table(
        "index_children",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("index_id", ID, nullable=False),
        sa.Column("child_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "child_id"],
            ["images.project_id", "images.id"],
            name="fk_index_children_project_id_child_id",
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "index_id"],
            ["images.project_id", "images.id"],
            name="fk_index_children_project_id_index_id",
        ),
        sa.PrimaryKeyConstraint("index_id", "child_id", name="pk_index_children"),
    )
    op.create_index("ix_index_children_child_id", "index_children", ["child_id"])
    op.create_table(
        "inventories",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("image_id", ID, nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=False),
        sa.Column("component_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_inventories_image_id"),
        sa.PrimaryKeyConstraint("id", name="pk_inventories"),
        sa.UniqueConstraint("image_id", "identity", name="uq_inventories_image_id_identity"),
    )
    op.create_table(
        "tag_resolutions",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("resolved_at", INSTANT, nullable=False),
        sa.Column("image_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "image_id"],
            ["images.project_id", "images.id"],
            name="fk_tag_resolutions_project_id_image_id",
        ),
        sa.PrimaryKeyConstraint(
            "project_id", "name", "tag", "resolved_at", "image_id", name="pk_tag_resolutions"
        ),
    )
    op.create_table(
        "assessed_findings",
        sa.Column("assessment_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("finding_id", ID, nullable=False),
        sa.Column("layer_id", ID, nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("component_key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"], ["assessments.id"], name="fk_assessed_findings_assessment_id"
        ),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["findings.id"], name="fk_assessed_findings_finding_id"
        ),
        sa.ForeignKeyConstraint(["layer_id"], ["layers.id"], name="fk_assessed_findings_layer_id"),
        sa.PrimaryKeyConstraint("assessment_id", "position", name="pk_assessed_findings"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_assessed_findings_finding_id_assessment_id",
        "assessed_findings",
        ["finding_id", "assessment_id"],
    )
    op.create_table(
        "attestations",
        sa.Column("evidence_id", ID, nullable=False),
        sa.Column("predicate_type", sa.Text(), nullable=False),
        sa.Column("payload_digest", sa.Text(), nullable=False),
        sa.Column("key_fingerprint", sa.Text(), nullable=False),
        sa.Column("verified_at", INSTANT, nullable=False),
        sa.Column("signed_at", INSTANT, nullable=True),
        sa.Column("predicate_digest", sa.Text(), nullable=True),
        sa.CheckConstraint("key_fingerprint <> ''", name="ck_attestations_key_fingerprint"),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name="fk_attestations_evidence_id"
        ),
        sa.PrimaryKeyConstraint("evidence_id", name="pk_attestations"),
    )
    op.create_table(
        "inventoried_components",
        sa.Column("inventory_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("component_id", ID, nullable=False),
        sa.Column("layer_id", ID, nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["component_id"], ["components.id"], name="fk_inventoried_components_component_id"
        ),
        sa.ForeignKeyConstraint(
            ["inventory_id"], ["inventories.id"], name="fk_inventoried_components_inventory_id"
        ),
        sa.ForeignKeyConstraint(
            ["layer_id"], ["layers.id"], name="fk_inventoried_components_layer_id"
        ),
        sa.PrimaryKeyConstraint("inventory_id", "position", name="pk_inventoried_components"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_inventoried_components_component_id_inventory_id",
        "inventoried_components",
        ["component_id", "inventory_id"],
    )
    op.create_table(
        "sboms",
        sa.Column("evidence_id", ID, nullable=False),
        sa.Column("spec_version", sa.Text(), nullable=False),
        sa.Column("component_count", sa.Integer(), nullable=False),
        sa.CheckConstraint("component_count >= 0", name="ck_sboms_component_count"),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name="fk_sboms_evidence_id"),
        sa.PrimaryKeyConstraint("evidence_id", name="pk_sboms"),
    )
    op.create_table(
        "scans",
        sa.Column("evidence_id", ID, nullable=False),
        sa.Column("database_digest", sa.Text(), nullable=False),
        sa.Column("database_updated_at", INSTANT, nullable=False),
        sa.Column("operating_system", sa.Text(), nullable=False),
        sa.Column("inventory_id", ID, nullable=False),
        sa.Column("assessment_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"], ["assessments.id"], name="fk_scans_assessment_id"
        ),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name="fk_scans_evidence_id"),
        sa.ForeignKeyConstraint(["inventory_id"], ["inventories.id"], name="fk_scans_inventory_id"),
        sa.PrimaryKeyConstraint("evidence_id", name="pk_scans"),
    )
    op.create_index("ix_scans_assessment_id", "scans", ["assessment_id"])
    op.create_index("ix_scans_inventory_id", "scans", ["inventory_id"])
    #
    op.execute("INSERT INTO projects (name) VALUES ('default')")
    for statement in APPEND_ONLY[op.get_context().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a schema is never taken back: restore a backup instead")
