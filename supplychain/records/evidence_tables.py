"""Tables of evidence, and of what scans found.

A scan of the same image by the same scanner finds the same components day after day. An inventory
(components) and an assessment (findings) are therefore kept once per image and content, and a
scan merely names the two.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from supplychain.records.columns import DigestText, Instant
from supplychain.records.tables import (
    ID,
    evidence_id,
    id_column,
    identity,
    image_of,
    metadata,
    one_of,
    text,
)


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
    image_of(),
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
