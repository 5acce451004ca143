"""Tables of what happened to images: deployments, approvals, and what is under way."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, UniqueConstraint

from supplychain.records.columns import DigestText, Instant
from supplychain.records.tables import ID, id_column, metadata, one_of, text


def _report() -> tuple[Column[Any], ...]:
    """What every report has: about which image, where, by whom, when."""
    return (
        id_column(),
        Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
        Column("digest", DigestText, nullable=False),
        text("environment"),
        Column("subject_digest", DigestText, nullable=False),
        text("subject_name"),
        text("event"),
        text("actor"),
        text("reason"),
        Column("at", Instant, nullable=False),
        Column("recorded_at", Instant, nullable=False),
    )


# Append-only, as triggers in the migration hold. The image need not be on record: what runs
# without ever having been seen is worth knowing too.
deployments = Table(
    "deployments",
    metadata,
    *_report(),
    UniqueConstraint("project_id", "digest"),
    one_of("event", "started", "started_beside", "ended"),
    Index(None, "project_id", "environment", "subject_name", "at"),
    Index(None, "project_id", "subject_digest"),
)

approvals = Table(
    "approvals",
    metadata,
    *_report(),
    UniqueConstraint("project_id", "digest"),
    one_of("event", "given", "withdrawn"),
    Index(None, "project_id", "subject_digest"),
)

# Not evidence, and never cited: it only tells a denial from "not yet".
work = Table(
    "work",
    metadata,
    id_column(),
    Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
    Column("subject_digest", DigestText, nullable=False),
    # Kinds of evidence that will come of it, by comma.
    text("kinds"),
    text("detail"),
    Column("since_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    CheckConstraint("kinds <> ''", name="kinds"),
    Index(None, "project_id", "subject_digest", "expires_at"),
)
