"""The tables of VEX: documents, who signed them, what they claim, and who accepted which claim.

A document is on record once for each thing that it is about: an image that it is attached to, or
itself where it was signed as a file. Nothing is ever changed.
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
from supplychain.records.tables import ID, id_column, metadata, one_of, text

vex_documents = Table(
    "vex_documents",
    metadata,
    id_column(),
    Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
    Column("digest", DigestText, nullable=False),
    Column("about_digest", DigestText, nullable=False),
    text("format"),
    text("identifier"),
    text("author"),
    Column("issued_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    UniqueConstraint("project_id", "digest", "about_digest"),
    one_of("format", "openvex", "cyclonedx", "csaf"),
)

vex_signatures = Table(
    "vex_signatures",
    metadata,
    id_column(),
    Column("document_id", ID, ForeignKey("vex_documents.id"), nullable=False),
    Column("digest", DigestText, nullable=False),
    text("subject_name"),
    text("predicate_type"),
    Column("payload_digest", DigestText, nullable=False),
    text("verified_by"),
    text("key_fingerprint"),
    Column("verified_at", Instant, nullable=False),
    # As an attestation has them.
    Column("identity_name", Text),
    Column("identity_kind", Text),
    Column("identity_issuer", Text),
    Column("claims", Text),
    text("log_entries"),
    text("times"),
    Column("recorded_at", Instant, nullable=False),
    UniqueConstraint("document_id", "digest", "verified_by"),
    CheckConstraint("verified_by <> '' AND key_fingerprint <> ''", name="verified_by"),
)

vex_claims = Table(
    "vex_claims",
    metadata,
    Column("document_id", ID, ForeignKey("vex_documents.id"), nullable=False),
    Column("position", Integer, nullable=False),
    text("status"),
    text("justification"),
    text("detail"),
    Column("issued_at", Instant, nullable=False),
    # JSON: nobody asks for one of them alone.
    text("names"),
    text("products"),
    PrimaryKeyConstraint("document_id", "position"),
    one_of("status", "not_affected", "affected", "fixed", "under_investigation"),
)

vex_vulnerabilities = Table(
    "vex_vulnerabilities",
    metadata,
    Column("document_id", ID, ForeignKey("vex_documents.id"), nullable=False),
    Column("position", Integer, nullable=False),
    text("name"),
    PrimaryKeyConstraint("document_id", "position", "name"),
    Index(None, "name"),
)

vex_reviews = Table(
    "vex_reviews",
    metadata,
    id_column(),
    Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
    Column("document_digest", DigestText, nullable=False),
    # Of all its claims where there is none.
    Column("position", Integer),
    text("event"),
    text("actor"),
    text("reason"),
    Column("recorded_at", Instant, nullable=False),
    one_of("event", "accepted", "withdrawn"),
    CheckConstraint("actor <> ''", name="actor"),
    Index(None, "project_id", "document_digest"),
)
