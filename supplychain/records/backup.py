"""The whole record into one file, as of one moment, while others go on writing.

All rows are read in one transaction, which sees one state of the database. Documents are never
changed, and are there before the rows that name them: so they may be read afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, BinaryIO

from sqlalchemy import Connection, Engine, Table

from supplychain.errors import NotFoundError, SchemaVersionError, VerificationError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.records.archive import (
    DOCUMENTS,
    HEADER,
    MANIFEST,
    ROWS,
    DocumentCount,
    Packer,
    as_json,
    packed_lines,
)
from supplychain.records.chains import chain_heads
from supplychain.records.columns import instant_text
from supplychain.records.content import ContentStore, key_of
from supplychain.records.database import reading
from supplychain.records.named import Missing, kept_documents
from supplychain.records.portable import lines_of
from supplychain.records.row_check import damaged_rows
from supplychain.records.schema import (
    SCHEMA_VERSION,
    kept_answers,
    login_attempts,
    metadata,
    record_changes,
    schema_compatibility,
    sessions,
)
from supplychain.records.version import SchemaState, require_current, status

FORMAT = "supplychain-backup/1"
# Lines that are packed together.
_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds.

    Attributes:
        manifest: Digest of its manifest, which names all of it.
        schema: The schema of its rows.
        rows: How many.
        documents: How many.
        size: How many bytes the documents have.
    """

    manifest: Digest
    schema: str
    rows: int
    documents: int
    size: int


def back_up(
    engine: Engine,
    content: ContentStore,
    file: BinaryIO,
    *,
    at: datetime,
    by: str,
    moved: Callable[[int], None] = lambda _: None,
) -> Backup:
    """Write everything into a file.

    Args:
        engine: The database.
        content: The content store.
        file: Where to; it is only ever written on.
        at: Now (aware, UTC).
        by: Which program does it, for people.
        moved: Told of rows and documents how many bytes they have, while they are written.

    Raises:
        SchemaVersionError: The database has not this program's schema.
        VerificationError: A row is damaged, or a document that one names is missing or changed.
        StoreError: Something cannot be read.
    """
    require_current(engine)
    if status(engine).state is SchemaState.COMPATIBLE:
        raise SchemaVersionError(
            "this version cannot back up a newer schema",
            because="it does not know what was added",
            hint="type the same with the version that upgraded the database",
        )
    packer, seen = Packer(file, at), DocumentCount()
    manifest: dict[str, Any] = {"format": FORMAT, "members": {}, "rows": {}}

    def add(name: str, data: bytes) -> None:
        packer.add(name, data)
        manifest["members"][name] = str(Digest.of(data))

    tables = copied_tables()
    add(HEADER, as_json(_header(tables, at, by)))
    with reading(engine) as connection:
        _require_sound(connection)
        for number, table in enumerate(tables):
            folder, rows = f"{ROWS}{number:04}-{table.name}", 0
            for part, (count, lines) in enumerate(_parts(lines_of(connection, table))):
                add(f"{folder}/{part:06}.jsonl.zst", packed_lines(lines))
                moved(len(lines))
                rows += count
            manifest["rows"][table.name] = rows
        manifest["heads"] = chain_heads(connection)
        kept = kept_documents(connection)
    _add_documents(content, packer, seen, kept, moved)
    manifest["documents"] = seen.as_data()
    whole = as_json(manifest)
    packer.add(MANIFEST, whole)
    packer.close()
    rows = sum(manifest["rows"].values())
    return Backup(Digest.of(whole), SCHEMA_VERSION, rows, seen.count, seen.size)


def copied_tables() -> list[Table]:
    """Every table, each behind those that it refers to; but for what is not to come back.

    Migrations write one themselves; nobody is logged in, who logged out meanwhile; and what was
    answered holds in the database alone in which it was.
    """
    left = {schema_compatibility, sessions, login_attempts, kept_answers, record_changes}
    return [table for table in metadata.sorted_tables if table not in left]


def _header(tables: list[Table], at: datetime, by: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "schema": SCHEMA_VERSION,
        "made_at": instant_text(at),
        "made_by": by,
        "tables": {table.name: [column.name for column in table.c] for table in tables},
    }


def _require_sound(connection: Connection) -> None:
    """Refuse rows that could not be put in again as they are.

    Raises:
        VerificationError: There are such.
    """
    first = next(damaged_rows(connection), None)
    if first is not None:
        raise VerificationError(
            "the record has rows that are damaged: this would be no whole backup",
            because=str(first),
            hint="type `supplychain verify-store` to see all of them; an earlier backup has none",
        )


def _parts(lines: Iterator[bytes]) -> Iterator[tuple[int, bytearray]]:
    """Lines in parts of some size, each with how many there are in it."""
    # Not a list of them: what makes a line of JSON takes kilobytes for each that is kept.
    count, part = 0, bytearray()
    for line in lines:
        part += line
        part += b"\n"
        count += 1
        if len(part) >= _AT_ONCE:
            yield count, part
            count, part = 0, bytearray()
    if part:
        yield count, part


def _add_documents(
    content: ContentStore,
    packer: Packer,
    seen: DocumentCount,
    kept: dict[Digest, Missing],
    moved: Callable[[int], None],
) -> None:
    """Every document, also those that no row names: an inputs document may name another one."""
    for digest in content.digests():
        try:
            data = content.get(digest)
        except NotFoundError:
            continue  # retention was faster; where a row names it, that is told below
        packer.add(DOCUMENTS + key_of(digest), data)
        seen.add(digest, len(data))
        kept.pop(digest, None)
        moved(len(data))
    if kept:
        first = next(iter(kept.values()))
        raise VerificationError(
            f"the record lacks {len(kept)} documents: this would be no whole backup",
            because=f"a row of {first.table} names {first.digest}, which is not there",
            hint="type `supplychain verify-store` to see all of them",
        )
