"""The table that holds a project's decisions together, each naming the one before it."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, PrimaryKeyConstraint, Table

from supplychain.records.columns import DigestText
from supplychain.records.tables import ID, metadata

# Append-only, as triggers in the migration hold: one row for each of `decisions`.
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
