"""A backup into an empty database of either kind: all of it, verified, or nothing."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from sqlalchemy import Connection, Engine, MetaData, Table, func, select
from sqlalchemy.exc import SAWarning

from supplychain.errors import (
    ConflictError,
    SchemaVersionError,
    SupplyChainError,
    VerificationError,
)
from supplychain.model.digest import Digest
from supplychain.records.archive import (
    DOCUMENTS,
    HEADER,
    MANIFEST,
    ROWS,
    DocumentCount,
    Member,
    from_json,
    members,
    unpacked_lines,
)
from supplychain.records.backup import FORMAT, Backup
from supplychain.records.chains import ChainState, chain_heads, verify_chains
from supplychain.records.content import ContentStore, key_of
from supplychain.records.database import writing
from supplychain.records.migrating import make_room, migrate, prepare
from supplychain.records.named import kept_documents
from supplychain.records.portable import number_onward, take_lines
from supplychain.records.row_check import damaged_rows
from supplychain.records.schema import SCHEMA_VERSION
from supplychain.records.version import SchemaState, status

_ROWS = re.compile(rf"{ROWS}\d{{4}}-([a-z_]+)/\d{{6}}\.jsonl\.zst")
_DOCUMENT = re.compile(rf"{DOCUMENTS}sha256/[0-9a-f]{{2}}/([0-9a-f]{{64}})")
_REVISION = re.compile(r"\d{4}")


def restore(
    engine: Engine,
    content: ContentStore,
    file: BinaryIO,
    *,
    expected: Digest | None = None,
    accept_breaks: bool = False,
    moved: Callable[[int], None] = lambda _: None,
) -> Backup:
    """Restore a backup; what fails leaves the database empty, and at most some documents.

    Args:
        engine: An empty database.
        content: Where the documents go; it need not be empty.
        file: The backup.
        expected: Digest of its manifest, as it was noted when it was made.
        accept_breaks: Take over chains that were broken already when they were backed up, and rows
            that were damaged.
        moved: Told of every member how many bytes it had.

    Raises:
        ConflictError: The database is not empty.
        VerificationError: The backup is not whole, was changed, or is another one.
        SchemaVersionError: A newer version made it.
        StoreError: Something cannot be read or written.
    """
    if status(engine).state is not SchemaState.EMPTY:
        raise ConflictError(
            "a backup is restored into an empty database only",
            because=f"{engine.url.render_as_string(hide_password=True)} has a schema already",
            hint="name a new one with SUPPLYCHAIN_DATABASE, or a new folder with --data-dir",
        )
    make_room(engine)
    with writing(engine) as connection:
        prepare(connection)
        done = _Restoring(connection, content)
        for member in members(file):
            done.take(member)
            moved(member.size)
        found = done.finish(expected)
        migrate(connection, "head")
        _verify(connection, content, done.manifest, accept_breaks=accept_breaks)
    return found


@dataclass(slots=True)
class _Restoring:
    """How far a restoration is."""

    connection: Connection
    content: ContentStore
    schema: str = ""
    columns: dict[str, list[str]] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    documents: DocumentCount = field(default_factory=DocumentCount)
    manifest: dict[str, Any] = field(default_factory=dict)
    named_by: Digest | None = None

    def take(self, member: Member) -> None:
        """Take the next member; each has its place."""
        if self.named_by is not None:
            raise _refused(f"it goes on behind its manifest, with {member.name[:80]!r}")
        if not self.schema:
            if member.name != HEADER:
                raise _refused(f"it begins with {member.name[:80]!r}")
            self._begin(member)
        elif match := _ROWS.fullmatch(member.name):
            self._take_rows(match[1], self._read(member))
        elif match := _DOCUMENT.fullmatch(member.name):
            self._take_document(Digest("sha256", match[1]), member)
        elif member.name == MANIFEST:
            data = member.read()
            self.manifest, self.named_by = from_json(data, "the manifest"), Digest.of(data)
        else:
            raise _refused(f"it holds {member.name[:80]!r}")

    def finish(self, expected: Digest | None) -> Backup:
        """Compare all that came with what the manifest says."""
        if self.named_by is None:
            raise _refused("it has no manifest: its end is missing")
        if expected is not None and expected != self.named_by:
            raise VerificationError(
                "this is another backup than the one that was noted",
                because=f"its manifest is {self.named_by}, not {expected}",
            )
        came = {
            "format": FORMAT,
            "members": self.digests,
            "rows": self.rows,
            "documents": self.documents.as_data(),
        }
        for name, value in came.items():
            if self.manifest.get(name) != value:
                raise _refused(f"its {name} are not those that its manifest names")
        number_onward(self.connection, self.tables.values())
        seen = self.documents
        return Backup(self.named_by, self.schema, sum(self.rows.values()), seen.count, seen.size)

    def _read(self, member: Member) -> bytes:
        data = member.read()
        self.digests[member.name] = str(Digest.of(data))
        return data

    def _begin(self, member: Member) -> None:
        header = from_json(self._read(member), "the head")
        if header.get("format") != FORMAT:
            raise _refused(f"its form is {str(header.get('format'))[:40]!r}, not {FORMAT}")
        schema = str(header.get("schema"))
        if not _REVISION.fullmatch(schema) or schema > SCHEMA_VERSION:
            raise SchemaVersionError(
                "the backup was made by a newer supplychain",
                because=f"its schema is {schema[:40]}, this program needs {SCHEMA_VERSION}",
                hint="restore it with that version or a later one",
            )
        migrate(self.connection, schema)
        described = MetaData()
        with warnings.catch_warnings():
            # That it cannot read indexes over expressions: what is wanted is columns.
            warnings.simplefilter("ignore", SAWarning)
            described.reflect(self.connection)
        self.schema, self.columns = schema, header.get("tables", {})
        self.tables = {
            name: described.tables[name] for name in self.columns if name in described.tables
        }
        if set(self.tables) != set(self.columns):
            raise _refused("it has tables that its schema has not")
        self.rows = dict.fromkeys(self.columns, 0)
        _clear(self.connection, described, self.tables)

    def _take_rows(self, table: str, data: bytes) -> None:
        if table not in self.tables:
            raise _refused(f"it has rows of {table}, which it did not announce")
        columns, lines = self.columns[table], unpacked_lines(data)
        self.rows[table] += take_lines(self.connection, self.tables[table], columns, lines)

    def _take_document(self, digest: Digest, member: Member) -> None:
        if member.name != DOCUMENTS + key_of(digest):
            raise _refused(f"it holds {member.name!r}")
        self.content.put_chunks(digest, member.size, member.chunks)
        self.documents.add(digest, member.size)


def _clear(connection: Connection, described: MetaData, tables: dict[str, Table]) -> None:
    """Take out what the migrations themselves put in: the backup has it, too."""
    for table in reversed(described.sorted_tables):
        if table.name in tables and connection.scalar(select(func.count()).select_from(table)):
            connection.execute(table.delete())


def _verify(
    connection: Connection, content: ContentStore, manifest: dict[str, Any], *, accept_breaks: bool
) -> None:
    damaged = next(damaged_rows(connection), None)
    if damaged is not None and not accept_breaks:
        raise VerificationError(
            "the backup has rows that are damaged",
            because=str(damaged),
            hint="restore an older backup; --accept-breaks takes it over as it is",
        )
    for digest, missing in kept_documents(connection).items():
        if not content.has(digest):
            raise _refused(f"a row of {missing.table} names {digest}, which it does not hold")
    if chain_heads(connection) != manifest.get("heads"):
        raise _refused("its chains do not end with the links that its manifest names")
    broken = [one for one in verify_chains(connection, content) if one.breaks]
    if broken and not accept_breaks:
        raise _broken(broken)


def _broken(found: list[ChainState]) -> SupplyChainError:
    first = found[0]
    return VerificationError(
        f"the chain of {first.kind} in the backup is broken: {len(first.breaks)} breaks",
        because=first.breaks[0],
        hint="restore an older backup; --accept-breaks takes it over as it is",
    )


def _refused(because: str) -> VerificationError:
    return VerificationError("this is no whole backup", because=because, hint="take another one")
