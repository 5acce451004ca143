"""The table of signed statements: what was said, and what is known of who said it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Table, Text

from supplychain.records.columns import DigestText, Instant
from supplychain.records.tables import evidence_id, metadata, one_of, text

attestations = Table(
    "attestations",
    metadata,
    evidence_id(),
    text("predicate_type"),
    Column("payload_digest", DigestText, nullable=False),
    text("key_fingerprint"),
    Column("verified_at", Instant, nullable=False),
    Column("predicate_digest", DigestText),
    # Whom the certificate was issued to; all of it, or nothing where a key alone verified it.
    Column("identity_name", Text),
    Column("identity_kind", Text),
    Column("identity_issuer", Text),
    # JSON, as `supplychain.records.witnesses` has it: nobody asks for one of them alone.
    Column("claims", Text),
    Column("log_entries", Text, nullable=False, server_default="[]"),
    Column("times", Text, nullable=False, server_default="[]"),
    # Of provenance alone.
    Column("builder", Text),
    Column("build_type", Text),
    Column("build_source", Text),
    Column("build_ref", Text),
    Column("build_commit", Text),
    # JSON array of [name, digest]; NULL where nobody looked.
    Column("build_images", Text),
    CheckConstraint("key_fingerprint <> ''", name="key_fingerprint"),
    CheckConstraint("(builder IS NULL) = (build_type IS NULL)", name="build"),
    CheckConstraint(
        "(identity_name IS NULL) = (identity_kind IS NULL) "
        "AND (identity_name IS NULL) = (identity_issuer IS NULL) "
        "AND (identity_name IS NULL) = (claims IS NULL)",
        name="identity",
    ),
    one_of("identity_kind", "email", "uri", "other"),
    Index(None, "identity_issuer", "identity_name"),
    # From what a document lists to whoever signed it.
    Index(None, "predicate_digest"),
)
