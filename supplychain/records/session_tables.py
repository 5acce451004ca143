"""Tables of people who are logged in, and of those who are about to."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table
from sqlalchemy import Text as SqlText

from supplychain.records.columns import DigestText, Instant
from supplychain.records.tables import ID, id_column, metadata, text

sessions = Table(
    "sessions",
    metadata,
    id_column(),
    # Who is no member any more is logged in no more, whichever release removes them.
    Column("membership_id", ID, ForeignKey("memberships.id", ondelete="CASCADE"), nullable=False),
    Column("identifier", SqlText, nullable=False, unique=True),
    # Of the secret, which is kept nowhere.
    Column("digest", DigestText, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Index(None, "membership_id"),
)

# A row goes when the browser comes back, so that it does so once; or soon after.
login_attempts = Table(
    "login_attempts",
    metadata,
    # Of what the provider hands back. What makes it is in the browser alone.
    Column("state", DigestText, primary_key=True),
    text("organisation"),
    text("return_to"),
    Column("expires_at", Instant, nullable=False),
    Index(None, "expires_at"),
)
