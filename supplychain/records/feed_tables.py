"""Editions of feeds: which there are. What they say stays in their documents."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from supplychain.records.columns import DigestText, Instant
from supplychain.records.tables import ID, id_column, metadata, one_of, text

# Append-only, as triggers in the migration hold. EPSS tells of 300,000 vulnerabilities every day
# and an image has some hundred: rows of them would be a hundred million a year that nobody reads.
feed_editions = Table(
    "feed_editions",
    metadata,
    id_column(),
    Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
    text("kind"),
    Column("digest", DigestText, nullable=False),
    Column("published_at", Instant, nullable=False),
    text("version"),
    Column("entries", Integer, nullable=False),
    text("source"),
    Column("recorded_at", Instant, nullable=False),
    UniqueConstraint("project_id", "kind", "digest"),
    one_of("kind", "epss", "kev"),
    CheckConstraint("entries > 0", name="entries"),
    Index(None, "project_id", "kind", "published_at"),
)
