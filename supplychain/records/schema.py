"""Every table, by its name; rows are projections of bytes in the content store, not the only copy.

What a team owns (images, evidence, decisions, first sightings) carries its project, and foreign
keys carry the project along, so that no row can refer to another project's.

A scan of the same image by the same scanner finds the same components day after day. An inventory
(components) and an assessment (findings) are therefore kept once per image and content, and a
scan merely names the two.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from supplychain.records.access_tables import (
    api_tokens,
    memberships,
    organisations,
    projects,
    trust_rules,
)
from supplychain.records.attested import attestations
from supplychain.records.audit_tables import audit_events, audit_heads
from supplychain.records.chain_tables import decision_links
from supplychain.records.columns import DigestText, Instant
from supplychain.records.facts import components, findings, layers, vulnerabilities
from supplychain.records.feed_tables import feed_editions
from supplychain.records.handed_in_tables import sbom_components, sbom_contents, unsigned_claims
from supplychain.records.history_tables import approvals, deployments, work
from supplychain.records.image_tables import configurations
from supplychain.records.kept_tables import kept_answers, record_changes
from supplychain.records.repeat_tables import idempotent_answers
from supplychain.records.run_tables import run_events, runs, workers
from supplychain.records.sbom_tables import sbom_qualities, sboms
from supplychain.records.session_tables import login_attempts, sessions
from supplychain.records.tables import (
    ID,
    evidence_id,
    id_column,
    identity,
    metadata,
    one_of,
    schema_compatibility,
    text,
)
from supplychain.records.vex_tables import vex_documents
from supplychain.records.waiver_tables import decision_waivers, waiver_events

# The revision that this program reads and writes: the newest file in migrations/versions.
SCHEMA_VERSION = "0027"

__all__ = [
    "SCHEMA_VERSION",
    "api_tokens",
    "approvals",
    "assessed_findings",
    "assessments",
    "attestations",
    "audit_events",
    "audit_heads",
    "components",
    "configurations",
    "decision_links",
    "decision_waivers",
    "decisions",
    "deployments",
    "evidence",
    "feed_editions",
    "findings",
    "first_fixable",
    "first_seen",
    "idempotent_answers",
    "image_names",
    "images",
    "index_children",
    "inventoried_components",
    "inventories",
    "kept_answers",
    "layers",
    "login_attempts",
    "memberships",
    "metadata",
    "organisations",
    "policies",
    "projects",
    "record_changes",
    "run_events",
    "runs",
    "sbom_components",
    "sbom_contents",
    "sbom_qualities",
    "sboms",
    "scans",
    "schema_compatibility",
    "sessions",
    "tag_resolutions",
    "trust_rules",
    "unsigned_claims",
    "vex_documents",
    "vulnerabilities",
    "waiver_events",
    "work",
    "workers",
]


def _image_of(column: str = "image_id") -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["project_id", column], ["images.project_id", "images.id"])


def _sightings(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
        Column("vulnerability_id", ID, ForeignKey("vulnerabilities.id"), nullable=False),
        text("package_identity"),
        Column("first_seen_at", Instant, nullable=False),
        Column("recorded_at", Instant, nullable=False),
        PrimaryKeyConstraint("project_id", "vulnerability_id", "package_identity", "first_seen_at"),
    )


images = Table(
    "images",
    metadata,
    id_column(),
    Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
    Column("digest", DigestText, nullable=False),
    text("media_type"),
    text("kind"),
    Column("os", Text),
    Column("architecture", Text),
    Column("variant", Text),
    Column("recorded_at", Instant, nullable=False),
    UniqueConstraint("project_id", "digest"),
    UniqueConstraint("project_id", "id"),
    one_of("kind", "manifest", "index"),
    CheckConstraint(
        "(kind = 'manifest') = (os IS NOT NULL AND architecture IS NOT NULL)", name="platform"
    ),
)

index_children = Table(
    "index_children",
    metadata,
    Column("project_id", ID, nullable=False),
    Column("index_id", ID, nullable=False),
    Column("child_id", ID, nullable=False),
    Column("position", Integer, nullable=False),
    # As this index says, for runtimes go by that; another index may say something else.
    text("os"),
    text("architecture"),
    Column("variant", Text),
    PrimaryKeyConstraint("index_id", "child_id"),
    _image_of("index_id"),
    _image_of("child_id"),
    Index(None, "child_id"),
)

image_names = Table(
    "image_names",
    metadata,
    Column("project_id", ID, nullable=False),
    text("name"),
    Column("image_id", ID, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    # When a registry was first seen to have it under this name; NULL where none ever was, and
    # somebody's file or daemon called it so.
    Column("resolved_at", Instant),
    PrimaryKeyConstraint("project_id", "name", "image_id"),
    _image_of(),
    Index(None, "image_id"),
)

tag_resolutions = Table(
    "tag_resolutions",
    metadata,
    Column("project_id", ID, nullable=False),
    text("name"),
    text("tag"),
    Column("resolved_at", Instant, nullable=False),
    Column("image_id", ID, nullable=False),
    PrimaryKeyConstraint("project_id", "name", "tag", "resolved_at", "image_id"),
    _image_of(),
)

evidence = Table(
    "evidence",
    metadata,
    id_column(),
    Column("project_id", ID, nullable=False),
    Column("image_id", ID, nullable=False),
    text("kind"),
    Column("digest", DigestText, nullable=False),
    text("media_type"),
    text("subject_name"),
    Column("producer_name", Text),
    Column("producer_version", Text),
    Column("producer_digest", DigestText),
    Column("produced_at", Instant, nullable=False),
    text("verified_by"),
    Column("recorded_at", Instant, nullable=False),
    # NULL where nobody did: it was made or found here, or before this was kept.
    Column("handed_in_by", Text),
    UniqueConstraint("image_id", "kind", "digest", "verified_by"),
    _image_of(),
    one_of("kind", "scan", "sbom", "signature", "attestation"),
    CheckConstraint("verified_by <> ''", name="verified_by"),
    # What others signed need not say which program made it; what our pipeline made does.
    CheckConstraint(
        "kind IN ('signature', 'attestation') "
        "OR (producer_name IS NOT NULL AND producer_version IS NOT NULL)",
        name="producer",
    ),
    Index(None, "image_id", "kind", "produced_at"),
    Index(None, "digest"),
)

scans = Table(
    "scans",
    metadata,
    evidence_id(),
    Column("database_digest", DigestText, nullable=False),
    Column("database_updated_at", Instant, nullable=False),
    text("operating_system"),
    Column("inventory_id", ID, ForeignKey("inventories.id"), nullable=False),
    Column("assessment_id", ID, ForeignKey("assessments.id"), nullable=False),
    # JSON array; NULL where the scan did not look for any.
    Column("secrets", Text),
    Index(None, "inventory_id"),
    Index(None, "assessment_id"),
)

inventories = Table(
    "inventories",
    metadata,
    id_column(),
    Column("image_id", ID, ForeignKey("images.id"), nullable=False),
    identity(),
    Column("component_count", Integer, nullable=False),
    UniqueConstraint("image_id", "identity"),
)

inventoried_components = Table(
    "inventoried_components",
    metadata,
    Column("inventory_id", ID, ForeignKey("inventories.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("component_id", ID, ForeignKey("components.id"), nullable=False),
    Column("layer_id", ID, ForeignKey("layers.id")),
    text("path"),
    text("key"),
    PrimaryKeyConstraint("inventory_id", "position"),
    # From a component to the images that contain it, without reading the links themselves.
    Index(None, "component_id", "inventory_id"),
    sqlite_with_rowid=False,
)

assessments = Table(
    "assessments",
    metadata,
    id_column(),
    Column("image_id", ID, ForeignKey("images.id"), nullable=False),
    identity(),
    *(
        Column(name, Integer, nullable=False)
        for name in ("negligible", "low", "medium", "high", "critical", "unknown")
    ),
    UniqueConstraint("image_id", "identity"),
)

assessed_findings = Table(
    "assessed_findings",
    metadata,
    Column("assessment_id", ID, ForeignKey("assessments.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("finding_id", ID, ForeignKey("findings.id"), nullable=False),
    Column("layer_id", ID, ForeignKey("layers.id")),
    text("path"),
    text("component_key"),
    PrimaryKeyConstraint("assessment_id", "position"),
    Index(None, "finding_id", "assessment_id"),
    sqlite_with_rowid=False,
)

# Never changed: an earlier sighting that becomes known later is a further row, and the least
# one counts. So a question about the past is answered with what was known then.
first_seen = _sightings("first_seen")

# As `first_seen`, of findings that some version was known to repair: no database tells when a
# fix was published, so the project keeps when it first heard of one.
first_fixable = _sightings("first_fixable")

policies = Table(
    "policies",
    metadata,
    Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
    text("environment"),
    Column("digest", DigestText, nullable=False),
    Column("first_used_at", Instant, nullable=False),
    PrimaryKeyConstraint("project_id", "environment", "digest"),
)

# Append-only: triggers in the migration refuse UPDATE and DELETE on both engines. The subject
# need not be a recorded image: a denial of an unknown one is a decision too.
decisions = Table(
    "decisions",
    metadata,
    id_column(),
    Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
    Column("digest", DigestText, nullable=False),
    Column("subject_digest", DigestText, nullable=False),
    text("subject_name"),
    text("environment"),
    text("verdict"),
    Column("policy_digest", DigestText),
    Column("decided_at", Instant, nullable=False),
    Column("holds_until", Instant),
    UniqueConstraint("project_id", "digest"),
    one_of("verdict", "allow", "deny", "pending"),
    Index(None, "project_id", "subject_digest", "environment", "decided_at"),
)
