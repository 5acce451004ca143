"""What an SBOM lists, into rows by which it is found: a document once, a component once.

Nearly all components of a document are known from others. So it is tried at first as if all of
them were, by their identities alone, and only what is new is sent whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

from sqlalchemy import Connection, bindparam, select, text

from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.records.bulk import Filing, insert_new
from supplychain.records.projection import Row, project_components
from supplychain.records.schema import components, sbom_contents
from supplychain.records.staging import staged_components

T = TypeVar("T")
# SQLite takes 32,766 values in one statement.
_AT_ONCE = 10_000
# Of a projection's rows, in order.
_COLUMNS = tuple(column.name for column in staged_components.c)[1:]
_IDENTITY = _COLUMNS.index("identity")
_NUMBER = select(sbom_contents.c.id).where(sbom_contents.c.digest == bindparam("of"))
_LINK = "INSERT INTO sbom_components (component_id, content_id) SELECT c.id, {} FROM components c"
_ORDERED = " ORDER BY c.id ON CONFLICT DO NOTHING"
# All identities as one value, which costs the driver a tenth of a list.
_IN_ONE = (
    " WHERE c.identity IN (SELECT substring(CAST(:identities AS bytea) FROM n FOR 32) "
    "FROM generate_series(1, :size, 32) n)"
)
_LINK_IN_ONE = text(_LINK.format(":content") + _IN_ONE + _ORDERED)


def rows_of(listed: Sequence[Component]) -> dict[bytes, Row]:
    """The rows of what a document lists, by their identities.

    Raises:
        LimitError: A name is longer than can be searched for.
        InputError: A text cannot be stored (NUL, or half a surrogate pair).
    """
    return dict(map(_row, listed))


def file_contents(filing: Filing, documents: Mapping[Digest, dict[bytes, Row]]) -> None:
    """File what documents list, unless that is on record already.

    Args:
        filing: The transaction.
        documents: The documents, and what each lists.
    """
    new = {
        digest: sorted(rows)
        for digest, rows in sorted(documents.items())
        if filing.insert(sbom_contents, digest=digest, component_count=len(rows))
    }
    if not all(_link(filing.connection, digest, some) for digest, some in new.items()):
        # Of all documents at once, or two transactions wait for one another.
        whole = {one: documents[digest][one] for digest, some in new.items() for one in some}
        _add(filing.connection, whole)
        for digest, some in new.items():
            # Not only what is new: somebody else may have added some in between.
            _link(filing.connection, digest, some)


# The same packages come again and again.
@lru_cache(maxsize=10_000)
def _row(component: Component) -> tuple[bytes, Row]:
    [row] = project_components((component,)).rows
    identity = row[_IDENTITY]
    assert isinstance(identity, bytes)  # noqa: S101  # for the type alone
    return identity, row


def _values(row: Row) -> dict[str, object]:
    named = zip(_COLUMNS, row, strict=True)
    return {name: value for name, value in named if name in components.c}


def _pieces(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in as many pieces as statements take."""
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def _add(connection: Connection, rows: dict[bytes, Row]) -> None:
    """Put those components on record that are not there."""
    for some in _pieces(sorted(rows)):
        known = select(components.c.identity).where(components.c.identity.in_(some))
        new = sorted(set(some) - {bytes(one) for one in connection.scalars(known)})
        if new:
            insert_new(connection, components, [_values(rows[identity]) for identity in new])


def _link(connection: Connection, document: Digest, identities: Sequence[bytes]) -> bool:
    """Link those components of a document that are on record; whether all are."""
    content = connection.execute(_NUMBER, {"of": document}).scalar_one()
    linked = sum(_link_some(connection, content, some) for some in _pieces(identities))
    return linked == len(identities)


def _link_some(connection: Connection, content: int, identities: Sequence[bytes]) -> int:
    if connection.dialect.name == "postgresql":
        whole = b"".join(identities)
        given = {"content": content, "identities": whole, "size": len(whole)}
        return connection.execute(_LINK_IN_ONE, given).rowcount
    return connection.exec_driver_sql(_in_places(len(identities)), (content, *identities)).rowcount


@lru_cache(maxsize=256)
def _in_places(count: int) -> str:
    """For SQLite, which knows no arrays."""
    places = ", ".join("?" * count)
    return f"{_LINK.format('?')} WHERE c.identity IN ({places}){_ORDERED}"
