"""Whether a content store is the one that a database's rows were written beside."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Engine, select

from supplychain.errors import StoreError
from supplychain.model.digest import Digest
from supplychain.records.columns import as_stored, digests_in
from supplychain.records.content import ContentStore
from supplychain.records.database import reading
from supplychain.records.named import KEPT

# Of each kind: whoever lost one has not lost the store.
_SOME = 5


def require_own(engine: Engine, content: ContentStore) -> None:
    """Refuse a content store in which there is nothing of what the database names.

    So it is where a disk was not mounted after a restart: its folder is there, or is made, and
    empty. One document that is missing is another matter; `verify-store` names it.

    Args:
        engine: A database whose schema is current.
        content: The content store; nothing is written to it.

    Raises:
        StoreError: It is another one, or one of them cannot be read.
    """
    named: Digest | None = None
    with reading(engine) as connection:
        for digest in _some(connection):
            if content.has(digest):
                return
            named = digest
    if named is not None:
        raise StoreError(
            "the content store is not the one of this database",
            because=f"rows name {named.short} and others, and it has none of them",
            hint="mount it again, or name the right one in SUPPLYCHAIN_CONTENT; where it is lost, "
            "restore a backup: supplychain restore FILE",
            retryable=False,
        )


def _some(connection: Connection) -> Iterator[Digest]:
    """A few documents of each kind that rows name; none of a database in which nothing is."""
    for column in KEPT:
        chosen = select(as_stored(column)).where(column.is_not(None)).limit(_SOME)
        yield from digests_in(connection.scalars(chosen))
