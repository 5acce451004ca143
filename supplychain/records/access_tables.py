"""Tables of who may what: organisations, their projects, tokens, rules of trust, members."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, UniqueConstraint
from sqlalchemy import Text as SqlText

from supplychain.records.columns import DigestText, Instant
from supplychain.records.tables import ID, id_column, metadata, text


def _of_organisation() -> Column[int]:
    return Column("organisation_id", ID, ForeignKey("organisations.id"), nullable=False)


def _scope() -> tuple[Column[str], Column[str]]:
    # By comma; no projects at all, NULL, are all of the organisation's.
    return text("roles"), Column("projects", SqlText)


organisations = Table(
    "organisations",
    metadata,
    id_column(),
    Column("name", SqlText, nullable=False, unique=True),
)

projects = Table(
    "projects",
    metadata,
    id_column(),
    text("name"),
    _of_organisation(),
    UniqueConstraint("organisation_id", "name"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    id_column(),
    _of_organisation(),
    Column("identifier", SqlText, nullable=False, unique=True),
    text("name"),
    text("owner"),
    # Of the secret, which is kept nowhere.
    Column("digest", DigestText, nullable=False),
    *_scope(),
    text("rule"),
    text("created_by"),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
    text("revoked_by"),
    CheckConstraint("owner <> '' AND roles <> ''", name="owner"),
    Index(None, "organisation_id", "owner"),
)

trust_rules = Table(
    "trust_rules",
    metadata,
    id_column(),
    _of_organisation(),
    text("name"),
    text("issuer"),
    text("audience"),
    # JSON object: each claim, and the values of which it has to have one.
    text("claims"),
    *_scope(),
    # Seconds.
    Column("lifetime", Integer, nullable=False),
    text("jwks_url"),
    text("created_by"),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("roles <> '' AND claims <> ''", name="roles"),
    UniqueConstraint("organisation_id", "name"),
)

memberships = Table(
    "memberships",
    metadata,
    id_column(),
    _of_organisation(),
    text("name"),
    text("issuer"),
    # NULL, not "": of what is not known yet there may be many.
    Column("subject", SqlText),
    Column("email", SqlText),
    *_scope(),
    text("created_by"),
    Column("created_at", Instant, nullable=False),
    CheckConstraint(
        "roles <> '' AND (subject IS NOT NULL OR email IS NOT NULL)",
        name="roles",
    ),
    UniqueConstraint("organisation_id", "name"),
    UniqueConstraint("organisation_id", "issuer", "subject"),
    UniqueConstraint("organisation_id", "issuer", "email"),
)
