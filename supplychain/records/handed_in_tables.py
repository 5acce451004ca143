"""Tables of what callers claim without a signature: kept apart from evidence."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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
    # From a document to whoever handed it in, and about what.
    Index(None, "digest"),
)

# SBOMs by their digest, broken down into components to be searched for: a fact whoever asks. Who
# may find one, `unsigned_claims` says, and of signed ones `evidence` and `attestations`.
sbom_contents = Table(
    "sbom_contents",
    metadata,
    id_column(),
    Column("digest", DigestText, nullable=False, unique=True),
    Column("component_count", Integer, nullable=False),
)

sbom_components = Table(
    "sbom_components",
    metadata,
    # No foreign keys: PostgreSQL would look at each row twice, which took longer than all else. A
    # row is written by the transaction that made or met both, and neither is ever removed.
    Column("component_id", ID, nullable=False),
    Column("content_id", ID, nullable=False),
    # The one index: what a document lists, it says itself.
    PrimaryKeyConstraint("component_id", "content_id"),
    sqlite_with_rowid=False,
)
