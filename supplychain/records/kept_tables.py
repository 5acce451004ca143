"""Tables of answers that hold until somebody writes, and of who wrote; used on PostgreSQL alone."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
)

from supplychain.records.columns import DigestText, Instant
from supplychain.records.tables import ID, metadata, one_of, text

# The latest transaction of each connection that wrote what verdicts are made from. Triggers in the
# migration write it, each its own connection's row, so that nobody waits for anybody.
record_changes = Table(
    "record_changes",
    metadata,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("xid", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "xid"),
)

# Nothing rests on a row: where it is gone, or does not hold, the gate judges.
kept_answers = Table(
    "kept_answers",
    metadata,
    Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
    text("environment"),
    Column("subject_digest", DigestText, nullable=False),
    text("subject_name"),
    Column("policy", DigestText, nullable=False),
    text("program"),
    # In which database, of which cluster: transactions have other numbers elsewhere.
    text("place"),
    # Which transactions had ended before anything was read for it.
    text("seen"),
    Column("decided_at", Instant, nullable=False),
    Column("holds_until", Instant, nullable=False),
    text("verdict"),
    text("body"),
    PrimaryKeyConstraint("project_id", "environment", "subject_digest", "subject_name"),
    Index(None, "holds_until"),
    one_of("verdict", "allow", "deny"),
)
# No verdict is made from what is in these: writing there ends no answer. All others are marked.
UNMARKED = frozenset(
    {
        "api_tokens",
        "audit_events",
        "audit_heads",
        "idempotent_answers",
        "kept_answers",
        "login_attempts",
        "memberships",
        "organisations",
        "record_changes",
        "run_events",
        "schema_compatibility",
        "sessions",
        "trust_rules",
        "workers",
    }
)
