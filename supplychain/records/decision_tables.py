"""Tables of decisions: by what policies, and the chain that holds a project's together."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from supplychain.records.columns import DigestText, Instant
from supplychain.records.tables import ID, id_column, metadata, one_of, text

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

# Append-only, too: one row for each of `decisions`, which names the one before it.
decision_links = Table(
    "decision_links",
    metadata,
    Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
    # From 1, without a gap.
    Column("sequence", ID, nullable=False, autoincrement=False),
    # No foreign key: what is left of a decision that somebody took out has to show that.
    Column("decision_id", ID, nullable=False, unique=True),
    # Of the link before; none at the first.
    Column("previous", DigestText),
    Column("digest", DigestText, nullable=False),
    # None where an older version decided, which kept neither.
    Column("essence", DigestText),
    # The document of the inputs as it is stored: compressed.
    Column("inputs", DigestText),
    PrimaryKeyConstraint("project_id", "sequence"),
)
