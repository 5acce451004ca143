"""Tables of what is true whoever asks: global, immutable, met by content.

A fact that changes (another rating, another licence text) is a new row, so that an old scan
reads as it did on its day.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy import text as sql

from supplychain.records.columns import Instant
from supplychain.records.tables import ID, id_column, identity, metadata, text


def _list(name: str) -> Column[str]:
    """A JSON array; empty for what was recorded before anybody kept it."""
    return Column(name, Text, nullable=False, server_default="[]")


layers = Table(
    "layers", metadata, id_column(), Column("diff_id", Text, nullable=False, unique=True)
)

components = Table(
    "components",
    metadata,
    id_column(),
    identity(unique=True),
    text("purl"),
    text("purl_type"),
    text("purl_namespace"),
    text("purl_name"),
    text("name"),
    text("version"),
    text("kind"),
    text("ecosystem"),
    # JSON array of licence texts as the scanner read them.
    text("licences"),
    text("source_name"),
    text("source_version"),
    Index(None, "purl_type", "purl_namespace", "purl_name", "version"),
    Index(
        "ix_components_spelt",
        # As `links.named` asks, to the letter: by another expression it would not be found.
        sql("lower(replace(replace(replace(purl_name, '-', ''), '_', ''), '.', ''))"),
    ),
)

vulnerabilities = Table(
    "vulnerabilities", metadata, id_column(), Column("name", Text, nullable=False, unique=True)
)

findings = Table(
    "findings",
    metadata,
    id_column(),
    identity(unique=True),
    Column("vulnerability_id", ID, ForeignKey("vulnerabilities.id"), nullable=False),
    # The package without its version: what "first seen" is kept for.
    text("package_identity"),
    text("purl"),
    text("package"),
    text("installed_version"),
    text("fixed_version"),
    Column("severity", SmallInteger, nullable=False),
    text("severity_source"),
    text("status"),
    text("title"),
    text("url"),
    Column("published_at", Instant),
    # JSON arrays: [source, severity], and [source, version, score or null, vector].
    _list("ratings"),
    _list("scores"),
    _list("aliases"),
    _list("weaknesses"),
    CheckConstraint("severity BETWEEN 0 AND 5", name="severity"),
    Index(None, "vulnerability_id"),
)
