"""Tables of images: what they are, who calls them what, and what their configurations say."""

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
from supplychain.records.tables import ID, id_column, image_of, metadata, one_of, text

images = Table(
    "images",
    metadata,
    id_column(),
    Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
    Column("digest", DigestText, nullable=False),
    text("media_type"),
    text("kind"),
    Column("os", Text),
    Column("architecture", Text),
    Column("variant", Text),
    Column("recorded_at", Instant, nullable=False),
    UniqueConstraint("project_id", "digest"),
    UniqueConstraint("project_id", "id"),
    one_of("kind", "manifest", "index"),
    CheckConstraint(
        "(kind = 'manifest') = (os IS NOT NULL AND architecture IS NOT NULL)", name="platform"
    ),
)

index_children = Table(
    "index_children",
    metadata,
    Column("project_id", ID, nullable=False),
    Column("index_id", ID, nullable=False),
    Column("child_id", ID, nullable=False),
    Column("position", Integer, nullable=False),
    # As this index says, for runtimes go by that; another index may say something else.
    text("os"),
    text("architecture"),
    Column("variant", Text),
    PrimaryKeyConstraint("index_id", "child_id"),
    image_of("index_id"),
    image_of("child_id"),
    Index(None, "child_id"),
)

image_names = Table(
    "image_names",
    metadata,
    Column("project_id", ID, nullable=False),
    text("name"),
    Column("image_id", ID, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    # When a registry was first seen to have it under this name; NULL where none ever was, and
    # somebody's file or daemon called it so.
    Column("resolved_at", Instant),
    PrimaryKeyConstraint("project_id", "name", "image_id"),
    image_of(),
    Index(None, "image_id"),
)

tag_resolutions = Table(
    "tag_resolutions",
    metadata,
    Column("project_id", ID, nullable=False),
    text("name"),
    text("tag"),
    Column("resolved_at", Instant, nullable=False),
    Column("image_id", ID, nullable=False),
    PrimaryKeyConstraint("project_id", "name", "tag", "resolved_at", "image_id"),
    image_of(),
)

# Without the values of their environment.
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
    image_of(),
    Index(None, "project_id", "chain_id"),
)
