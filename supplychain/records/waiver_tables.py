"""Tables of waivers: the steps of each, and which decisions rest on it."""

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

# Append-only, as triggers in the migration hold. Of two who do something to one waiver at once,
# the position lets one through; the other looks again.
waiver_events = Table(
    "waiver_events",
    metadata,
    id_column(),
    Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    text("step"),
    text("actor"),
    text("reason"),
    Column("digest", DigestText, nullable=False),
    # Canonical JSON of what is asked for, where that is what the step does.
    Column("terms", Text),
    Column("answers", DigestText),
    Column("recorded_at", Instant, nullable=False),
    UniqueConstraint("project_id", "number", "position"),
    one_of("step", "requested", "changed", "extended", "approved", "rejected", "revoked"),
    CheckConstraint(
        "(terms IS NOT NULL) = (step IN ('requested', 'changed', 'extended'))", name="terms"
    ),
)

# What the documents of decisions say, to be asked the other way round.
decision_waivers = Table(
    "decision_waivers",
    metadata,
    Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
    Column("decision", DigestText, nullable=False),
    Column("number", Integer, nullable=False),
    PrimaryKeyConstraint("project_id", "decision", "number"),
    Index(None, "project_id", "number"),
)
