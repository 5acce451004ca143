"""The tables of the audit log: events in a chain per organisation, and where each chain ends."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, PrimaryKeyConstraint, Table, Text

from supplychain.records.columns import DigestText, Instant
from supplychain.records.tables import ID, metadata, text

# Append-only, as triggers in the migration hold.
audit_events = Table(
    "audit_events",
    metadata,
    Column("organisation_id", ID, ForeignKey("organisations.id"), nullable=False),
    # From 1, without a gap.
    Column("sequence", ID, nullable=False, autoincrement=False),
    Column("at", Instant, nullable=False),
    text("who"),
    text("from_where"),
    text("through"),
    text("project"),
    text("what"),
    text("about"),
    # JSON objects.
    Column("before", Text),
    Column("after", Text),
    # Of the event before; none at the first.
    Column("previous", DigestText),
    Column("digest", DigestText, nullable=False),
    PrimaryKeyConstraint("organisation_id", "sequence"),
)

# What whoever appends waits for; and what shows that somebody cut off the end of a chain.
audit_heads = Table(
    "audit_heads",
    metadata,
    Column(
        "organisation_id", ID, ForeignKey("organisations.id"), primary_key=True, autoincrement=False
    ),
    Column("sequence", ID, nullable=False),
    Column("digest", DigestText),
)
