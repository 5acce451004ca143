"""What all tables share: the metadata, the naming of constraints, the usual columns."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# SQLite numbers rows by itself only for a column declared exactly INTEGER.
ID = BigInteger().with_variant(Integer(), "sqlite")

# One row, which `migrations/env.py` writes: since which schema's programs may go on working here.
schema_compatibility = Table(
    "schema_compatibility",
    metadata,
    Column("revision", Text, nullable=False),
    Column("since", Text, nullable=False),
)


def id_column() -> Column[int]:
    """The number that other rows name this one by."""
    return Column("id", ID, Identity(), primary_key=True)


def evidence_id() -> Column[int]:
    """The number of the evidence that a row tells more about."""
    return Column("evidence_id", ID, ForeignKey("evidence.id"), primary_key=True)


def image_of(column: str = "image_id") -> ForeignKeyConstraint:
    """The image that a row is of, in the project that the row is of."""
    return ForeignKeyConstraint(["project_id", column], ["images.project_id", "images.id"])


def text(name: str) -> Column[str]:
    """Text that is always there; "" where the source had none."""
    return Column(name, Text, nullable=False)


def identity(*, unique: bool = False) -> Column[bytes]:
    """SHA-256 over what a row says: the row's own name, so that bulk inserts meet on it."""
    return Column("identity", LargeBinary, nullable=False, unique=unique)


def one_of(column: str, *values: str) -> CheckConstraint:
    """A column that takes these values and no other."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
