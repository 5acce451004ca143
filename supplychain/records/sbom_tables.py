"""Tables of what an SBOM says about itself."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, Table

from supplychain.records.columns import Instant
from supplychain.records.tables import evidence_id, metadata, text

sboms = Table(
    "sboms",
    metadata,
    evidence_id(),
    text("spec_version"),
    Column("component_count", Integer, nullable=False),
    CheckConstraint("component_count >= 0", name="component_count"),
)

# How good an SBOM is. Apart from it, for those that were recorded before it was measured.
sbom_qualities = Table(
    "sbom_qualities",
    metadata,
    evidence_id(),
    # JSON: for each minimum element its name, how many should have it, and how many lack it.
    text("elements"),
    Column("recorded_at", Instant, nullable=False),
)
