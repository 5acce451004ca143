"""The whole record looked at: every document hashed again, every row's document, every chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy import Engine

from supplychain.errors import DigestMismatchError, NotFoundError, VerificationError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.records.chains import ChainState, verify_chains
from supplychain.records.content import ContentStore
from supplychain.records.database import reading
from supplychain.records.named import Missing, kept_documents, mentioned
from supplychain.records.row_check import DamagedRow, damaged_rows
from supplychain.records.version import require_current


@dataclass(frozen=True, slots=True)
class StoreReport:
    """What came of it.

    Attributes:
        documents: How many documents there are.
        size: How many bytes the good ones have.
        damaged: Those with other bytes than their digest says.
        missing: What rows name and what is not there.
        orphans: What no row names: of runs that were killed, or put in by somebody.
        chains: Every chain.
        rows: Rows that hold what none of ours does, or that lost what they name.
    """

    documents: int
    size: int
    damaged: tuple[Digest, ...]
    missing: tuple[Missing, ...]
    orphans: tuple[Digest, ...]
    chains: tuple[ChainState, ...]
    rows: tuple[DamagedRow, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether everything is as it was recorded; an orphan takes nothing away."""
        broken = any(chain.breaks for chain in self.chains)
        return not (self.damaged or self.missing or self.rows or broken)


@dataclass(frozen=True, slots=True)
class Rows:
    """What came of looking at the rows.

    Attributes:
        damaged: Those that hold what none of ours does, or that lost what they name.
        named: What has to be in the content store.
        chains: Every chain.
    """

    damaged: tuple[DamagedRow, ...]
    named: dict[Digest, Missing]
    chains: tuple[ChainState, ...]


def check_rows(engine: Engine, content: ContentStore) -> Rows:
    """Look at every row, and at every chain; others may go on writing.

    Raises:
        SchemaVersionError: The database has another schema.
        StoreError: Something cannot be read.
    """
    require_current(engine)
    with reading(engine) as connection:
        damaged = tuple(damaged_rows(connection))
        named = kept_documents(connection)
        return Rows(damaged, named, verify_chains(connection, content))


def check_store(
    engine: Engine,
    content: ContentStore,
    rows: Rows | None = None,
    *,
    moved: Callable[[int], None] = lambda _: None,
) -> StoreReport:
    """Look at everything; others may go on writing.

    Args:
        engine: The database.
        content: The content store.
        rows: What came of looking at the rows, where that is done.
        moved: Told of every document how many bytes it had.

    Raises:
        SchemaVersionError: The database has another schema.
        StoreError: Something cannot be read.
    """
    # Rows first: what they name was there before them, what comes later is no concern of ours.
    rows = rows or check_rows(engine, content)
    present: set[Digest] = set()
    damaged: list[Digest] = []
    size = 0
    for digest, length in _documents(content):
        present.add(digest)
        if length is None:
            damaged.append(digest)
        else:
            size += length
            moved(length)
    missing = [one for one in rows.named.values() if one.digest not in present]
    with reading(engine) as connection:
        orphans = present - mentioned(connection, content)
        gone = kept_documents(connection) if missing else {}
    return StoreReport(
        documents=len(present),
        size=size,
        damaged=tuple(sorted(damaged)),
        # Retention may have taken row and document away since.
        missing=tuple(one for one in missing if one.digest in gone and not content.has(one.digest)),
        orphans=tuple(sorted(orphans)),
        chains=rows.chains,
        rows=rows.damaged,
    )


def require_whole(report: StoreReport) -> None:
    """Stop where something is not as it was recorded.

    Raises:
        VerificationError: Something is not; says what first.
    """
    if report.whole:
        return
    said = [f"{digest} has other bytes" for digest in report.damaged]
    said += [f"a row of {m.table} names {m.digest}, which is not there" for m in report.missing]
    said += [str(row) for row in report.rows]
    said += [f"{chain.kind}: {one}" for chain in report.chains for one in chain.breaks]
    raise VerificationError(
        f"the record is damaged in {len(said)} places",
        because=said[0],
        hint="restore it from a backup: supplychain restore FILE",
    )


def _documents(content: ContentStore) -> Iterator[tuple[Digest, int | None]]:
    """Every document with its size; None for one that has other bytes than its digest says."""
    for digest in content.digests():
        try:
            yield digest, len(content.get(digest))
        except DigestMismatchError:
            yield digest, None
        except NotFoundError:
            continue  # retention was faster
