"""Tables of runs: what is to be done, what happened to it, and who works."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
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
from supplychain.records.tables import ID, metadata, one_of, text

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
    text("reference"),
    text("platform"),
    text("environment"),
    Column("sign", Boolean, nullable=False),
    Column("priority", Integer, nullable=False),
    text("requested_by"),
    # What the submitter calls it, so that submitting twice makes one run; NULL where that is open.
    Column("key", Text),
    # Of the request, to tell whether the second time it was the same.
    Column("request", DigestText, nullable=False),
    # Where the image is fetched from; "" for files.
    text("registry"),
    text("again_of"),
    text("state"),
    text("duty"),
    text("stage"),
    Column("digest", DigestText),
    Column("tag", Text),
    Column("draft", DigestText),
    Column("worker", Text),
    # Each claim counts it up: whoever holds an older one writes nothing any more.
    Column("generation", Integer, nullable=False),
    Column("takeovers", Integer, nullable=False),
    # How many events there are: whoever adds one holds the row.
    Column("events", Integer, nullable=False),
    Column("cancelled_by", Text),
    Column("submitted_at", Instant, nullable=False),
    # From when on nobody waits for it any more, unless something is heard of it.
    Column("believed_until", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    # JSON; NULL where nothing failed.
    Column("error", Text),
    Column("decision", DigestText),
    # What asked for it, for logs and traces alone.
    Column("request_id", Text),
    Column("traceparent", Text),
    UniqueConstraint("project_id", "key"),
    one_of("state", "queued", "running", "succeeded", "failed", "cancelled", "dead"),
    one_of("duty", "scan", "sign"),
    Index(None, "state", "duty", "priority", "id"),
    Index(None, "state", "registry"),
    Index(None, "project_id", "digest"),
    Index(None, "worker", "state"),
)

# Append-only, as triggers in the migration hold.
run_events = Table(
    "run_events",
    metadata,
    Column("run_id", Text, ForeignKey("runs.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    text("kind"),
    text("stage"),
    text("text"),
    PrimaryKeyConstraint("run_id", "number"),
)

# Who works. Nobody reads a clock to tell whether somebody still does: the others watch the beats.
workers = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    text("duties"),
    Column("beats", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("gone_at", Instant),
)
