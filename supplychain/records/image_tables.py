"""The table of image configurations, without the values of their environment."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, Table, Text, UniqueConstraint

from supplychain.records.columns import DigestText, Instant
from supplychain.records.tables import ID, id_column, metadata, text

configurations = Table(
    "configurations",
    metadata,
    id_column(),
    Column("project_id", ID, nullable=False),
    Column("image_id", ID, nullable=False),
    # The document that is in the content store, and the same once more: nobody asks for one part.
    Column("digest", DigestText, nullable=False),
    text("document"),
    # Names all its layers together, so that one look-up finds what an image was built upon.
    Column("chain_id", Text, nullable=False),
    Column("layer_count", Integer, nullable=False),
    text("producer_version"),
    Column("produced_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    UniqueConstraint("image_id", "digest"),
    ForeignKeyConstraint(["project_id", "image_id"], ["images.project_id", "images.id"]),
    Index(None, "project_id", "chain_id"),
)
