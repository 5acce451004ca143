"""SBOMs that are broken down, on both engines, and by several at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from supplychain.gate.packages import PackagePattern
from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.records.folder import FolderStore
from supplychain.records.handed_in import UnsignedClaim
from supplychain.records.record import Record
from tests.kit.records import row_counts
from tests.kit.scans import AT, SUBJECT

MANY = 400


def listed(first: int, count: int = MANY) -> list[Component]:
    return [
        Component(f"pkg:pypi/part-{n}@1.{n}", f"part-{n}", f"1.{n}", "library", "")
        for n in range(first, first + count)
    ]


def claim(record: Record, name: str, components: list[Component]) -> UnsignedClaim:
    data = name.encode()
    claimed = UnsignedClaim(SUBJECT.digest, EvidenceKind.SBOM, name, Digest.of(data), len(data), AT)

    def chunks() -> Iterator[bytes]:
        yield data

    return record.handed_in.add(claimed, chunks, listed=components)


def test_a_component_is_known_once_and_found_in_each_document(
    database: str, content: FolderStore
) -> None:
    with Record.open(database, content) as record:
        assert claim(record, "ann", listed(0)).components == MANY
        assert claim(record, "bob", [*listed(200), *listed(200)]).components == MANY
        assert claim(record, "ann", listed(0)).components == MANY
        assert claim(record, "cleo", []).components == 0
        for number, callers in ((0, ["ann"]), (300, ["ann", "bob"]), (599, ["bob"]), (600, [])):
            pattern = PackagePattern.parse(f"pkg:pypi/part-{number}@1.{number}", "")
            found = record.handed_in.having(pattern, at=AT)
            assert [one.claim.caller for one in found] == callers
        told = {one.caller: one.components for one in record.handed_in.about(SUBJECT.digest, at=AT)}
    assert told == {"ann": MANY, "bob": MANY, "cleo": 0}
    counts = row_counts(database)
    assert (counts["components"], counts["sbom_components"]) == (600, 2 * MANY)
    assert counts["sbom_contents"] == counts["unsigned_claims"] == 3


def test_many_at_once_neither_wait_in_a_circle_nor_lose_anything(
    database: str, content: FolderStore
) -> None:
    with Record.open(database, content) as record, ThreadPoolExecutor(4) as pool:
        # Each is new in half of what the next one is new in, the other way round every time.
        wanted = [listed(n * 50, 100)[:: 1 if n % 2 else -1] for n in range(16)]
        made = [pool.submit(claim, record, f"caller-{n}", one) for n, one in enumerate(wanted)]
        assert [one.result().components for one in made] == [100] * 16
    counts = row_counts(database)
    assert (counts["components"], counts["sbom_components"]) == (850, 1600)
