"""The table of answers that are given again to whoever sends the same request again."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from supplychain.records.columns import DigestText, Instant
from supplychain.records.tables import ID, metadata, text

# Rows are changed once, when there is an answer, and go after a day: nothing rests on them.
idempotent_answers = Table(
    "idempotent_answers",
    metadata,
    Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
    text("caller"),
    text("key"),
    Column("request_digest", DigestText, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    Column("status", Integer),
    Column("location", Text),
    Column("body", LargeBinary),
    PrimaryKeyConstraint("project_id", "caller", "key"),
    CheckConstraint("(status IS NULL) = (body IS NULL)", name="answered"),
    Index(None, "project_id", "claimed_at"),
)
