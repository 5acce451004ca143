"""SBOMs that are broken down, on both engines, and by several at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from supplychain.gate.packages import PackagePattern
from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.evidence import CYCLONEDX_PREDICATE, EvidenceKind
from supplychain.model.subject import Subject
from supplychain.records.folder import FolderStore
from supplychain.records.found_images import FoundImage
from supplychain.records.handed_in import UnsignedClaim
from supplychain.records.prepared import MOST_PLACES
from supplychain.records.record import Record
from supplychain.records.run import AttestationRecord
from tests.kit.records import row_counts
from tests.kit.runs import attestation_record, index_run, manifest_run, scan_record
from tests.kit.scans import AT, SUBJECT

MANY = 400
HOUR = timedelta(hours=1)


def listed(first: int, count: int = MANY) -> list[Component]:
    return [
        Component(f"pkg:pypi/part-{n}@1.{n}", f"part-{n}", f"1.{n}", "library", "")
        for n in range(first, first + count)
    ]


def claim(
    record: Record,
    name: str,
    components: list[Component],
    document: str = "",
    at: datetime = AT,
) -> UnsignedClaim:
    data = (document or name).encode()
    claimed = UnsignedClaim(SUBJECT.digest, EvidenceKind.SBOM, name, Digest.of(data), len(data), at)

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
        for number, callers in ((0, ["ann"]), (300, ["bob", "ann"]), (599, ["bob"]), (600, [])):
            pattern = PackagePattern.parse(f"pkg:pypi/part-{number}@1.{number}", "")
            found = record.handed_in.having(pattern, at=AT, limit=10)
            assert [one.caller for one in found] == callers
        told = {one.caller: one.components for one in record.handed_in.about(SUBJECT.digest, at=AT)}
    assert told == {"ann": MANY, "bob": MANY, "cleo": 0}
    counts = row_counts(database)
    assert (counts["components"], counts["sbom_components"]) == (600, 2 * MANY)
    assert counts["sbom_contents"] == counts["unsigned_claims"] == 3


def test_claims_come_a_page_at_a_time_the_newest_documents_first(
    database: str, content: FolderStore
) -> None:
    def claimed(name: str, *numbers: int, document: str = "", at: datetime = AT) -> None:
        # More than go into one query, and some documents have several.
        parts = [replace(DJANGO, purl=f"pkg:pypi/django@{n}", version=f"{n}") for n in numbers]
        claim(record, name, parts, document or name, at)

    def pages(size: int, versions: str = ">=0") -> Iterator[str]:
        after = None
        pattern = PackagePattern.parse("pkg:pypi/django", versions)
        while found := record.handed_in.having(pattern, at=AT, limit=size, after=after):
            assert len(found) <= size
            after = found[-1].place
            yield from (f"{one.caller}:{len(one.held)}" for one in found)
            claimed(f"late-{next(late)}", 1, 2, at=AT + HOUR)

    late = count()
    with Record.open(database, content) as record:
        claimed("ann", *range(2 * MOST_PLACES))
        claimed("bob", 1, 2 * MOST_PLACES - 1)
        claimed("cleo", 7)
        claimed("dan", 1, document="bob")  # one document of two callers
        claimed("eve", 1, 2)
        wanted = ["eve:2", "cleo:1", "dan:2", "bob:2", f"ann:{2 * MOST_PLACES}"]
        for size in (1, 2, 3, 10):
            assert list(pages(size)) == wanted
        assert list(pages(1, "<2")) == ["eve:1", "dan:1", "bob:1", "ann:2"]
        assert list(pages(1, "=7")) == ["cleo:1", "ann:1"]


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


DJANGO = Component("pkg:pypi/django@2.2", "django", "2.2", "library", "")


def signed(
    name: str, parts: list[Component], subject: Subject = SUBJECT, at: datetime = AT
) -> AttestationRecord:
    """A verified SBOM that was handed in; each name has other bytes."""
    kind = f"{CYCLONEDX_PREDICATE}/v1.{len(name)}"
    made = attestation_record(
        subject=subject,
        predicate_type=kind,
        predicate_digest=Digest.of(name.encode()),
        verified_at=at,
    )
    return replace(made, listed=tuple(parts))


def search(record: Record, at: datetime = AT) -> list[FoundImage]:
    return list(record.search.component(PackagePattern.parse("pkg:pypi/django", ""), at=at))


def test_of_each_signer_the_newest_sbom_is_searched(database: str, content: FolderStore) -> None:
    with Record.open(database, content) as record:
        for number, parts in enumerate(([DJANGO], listed(0, 2))):
            at = AT + number * HOUR
            one = signed("a" * (number + 1), [*parts], at=at)
            record.save_run(manifest_run(attestations=(one,)), at=at)
        assert search(record, at=AT - HOUR) == search(record, at=AT + HOUR) == []
        [image] = search(record, at=AT)
    [held] = image.platforms[0].held
    assert (held.package, held.certain) == ("django", True)
    assert held.detail.startswith("in an SBOM of key:sha256:")


def test_what_the_scan_found_itself_is_not_told_twice(database: str, content: FolderStore) -> None:
    with Record.open(database, content) as record:
        scan = scan_record(components=[DJANGO])
        run = manifest_run(scan=scan, attestations=(signed("a", [DJANGO, DJANGO]),))
        record.save_run(run, at=AT)
        [image] = search(record)
    assert [(held.package, held.detail) for held in image.platforms[0].held] == [("django", "")]


def test_an_sbom_of_an_index_may_mean_each_of_its_platforms(
    database: str, content: FolderStore
) -> None:
    run = index_run()
    about = signed("a", [DJANGO], subject=run.subject)
    with Record.open(database, content) as record:
        record.save_run(replace(run, attestations=(about,)), at=AT)
        [image] = search(record)
    assert image.digest == run.subject.digest
    assert {one.digest for one in image.platforms} == {p.subject.digest for p in run.platforms}
    assert [held.certain for one in image.platforms for held in one.held] == [False] * len(
        run.platforms
    )


def test_many_signed_ones_at_once_do_not_wait_in_a_circle(
    database: str, content: FolderStore
) -> None:
    def save(number: int) -> None:
        pair = [signed("a" * (2 * number + n), listed((number + n) * 50, 100)) for n in (1, 2)]
        run = manifest_run(attestations=tuple(pair[:: 1 if number % 2 else -1]))
        record.save_run(run, at=AT)

    with Record.open(database, content) as record, ThreadPoolExecutor(4) as pool:
        list(pool.map(save, range(8)))
    counts = row_counts(database)
    assert (counts["sbom_contents"], counts["sbom_components"]) == (16, 1600)
