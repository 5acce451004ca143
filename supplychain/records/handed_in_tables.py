"""The table of what callers claim without a signature: kept apart from evidence."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text, UniqueConstraint

from supplychain.records.columns import DigestText, Instant
from supplychain.records.tables import ID, id_column, metadata, one_of, text

# Append-only, as triggers in the migration hold.
unsigned_claims = Table(
    "unsigned_claims",
    metadata,
    id_column(),
    Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
    Column("subject_digest", DigestText, nullable=False),
    text("kind"),
    text("caller"),
    Column("digest", DigestText, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    # What the document says, as a document of our own; NULL where it says nothing that can count.
    Column("reading", DigestText),
    # Why it cannot.
    Column("unread", Text),
    UniqueConstraint("project_id", "subject_digest", "kind", "caller", "digest"),
    one_of("kind", "sbom", "scan"),
    Index(None, "project_id", "subject_digest", "recorded_at"),
)
