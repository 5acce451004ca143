"""What retention removes, and above all what it never does."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.event import listen

from supplychain.errors import NotFoundError, SupplyChainError
from supplychain.gate.decision_document import to_document
from supplychain.model.access import Acting
from supplychain.model.decision import EvidenceReference
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.history import Event, Report
from supplychain.model.subject import Subject
from supplychain.model.waiver import WaiverScope, WaiverStep
from supplychain.records.audit import AuditAsked, Notes
from supplychain.records.content import ContentStore, key_of
from supplychain.records.folder import FolderStore
from supplychain.records.ledger import DecisionRecord
from supplychain.records.record import Record
from supplychain.records.retention import Removal, Rules, _old, _remove, apply, plan
from supplychain.records.run import RunRecord, ScanRecord
from supplychain.records.spared import spared_by
from supplychain.records.store_check import check_store
from tests.kit.records import row_counts
from tests.kit.runs import (
    attestation_record,
    index_run,
    make_decision,
    manifest_run,
    sbom_record,
    scan_record,
)
from tests.kit.scans import AT, SUBJECT, make_component
from tests.kit.waivers import APPROVER, REQUESTER, make_terms

DAY = timedelta(days=1)
RULES = Rules(superseded=30 * DAY)
NOW = AT + 100 * DAY


def _scan(at: datetime, subject: Subject = SUBJECT) -> ScanRecord:
    report = f"report about {subject} of {at}".encode()
    parts = (make_component(version=f"{at:%j}"),)
    return scan_record(subject=subject, report=report, components=parts, produced_at=at)


def scanned(record: Record, *days: int, subject: Subject = SUBJECT) -> list[Digest]:
    """Scan and describe an image so many days after `AT`; the scans."""
    found = []
    for day in days:
        at = AT + day * DAY
        scan = _scan(at, subject)
        sbom = sbom_record(subject=subject, document=b"sbom %d" % day, produced_at=at)
        record.save_run(manifest_run(subject, scan=scan, sbom=sbom), at=at)
        found.append(scan.scan.evidence.digest)
    return found


def decided(record: Record, *evidence: Digest, day: int = 1, environment: str = "prod") -> Digest:
    at = AT + day * DAY
    said = make_decision(decided_at=at, environment=environment)
    named = tuple(EvidenceReference(EvidenceKind.SCAN, digest, at, 0) for digest in evidence)
    said = replace(said, evidence=named)
    return record.ledger.append(DecisionRecord(to_document(said), said))


def reported(record: Record, event: Event, subject: Subject = SUBJECT, day: int = 1) -> None:
    report = Report(event, subject, "prod", AT + day * DAY, "cd")
    if event is Event.ENDED:
        record.history.ended(report, at=report.at)
    else:
        record.history.deployed(report, at=report.at)


def applied(record: Record, content: ContentStore, rules: Rules = RULES) -> Removal:
    """Apply the rules, as one who comes long after the documents were written."""
    for digest in content.digests():
        path = content._root / key_of(digest)  # type: ignore[attr-defined]
        os.utime(path, (AT.timestamp(), AT.timestamp()))
    found = apply(record._engine, content, rules, at=NOW)
    assert check_store(record._engine, content).whole
    assert record.ledger.verify().breaks == ()
    return found


def test_what_later_ones_replaced_goes_and_the_latest_stays(
    record: Record, database: str, content: ContentStore
) -> None:
    first, second, third = scanned(record, 0, 10, 20)
    record.save_run(manifest_run(attestations=(attestation_record(),)), at=AT)
    before, counts = record.dossier(SUBJECT.digest, at=NOW), row_counts(database)
    planned = plan(record._engine, content, RULES, at=NOW)
    assert row_counts(database) == counts

    found = applied(record, content)

    assert found == planned == Removal(2, 2, 0, 0, 4)
    noted = record.audit.list(AuditAsked(what="evidence.removed"))
    assert [event.after for event in noted] == [{"sbom": 2, "scan": 2}]
    assert (content.has(first), content.has(second), content.has(third)) == (False, False, True)
    assert record.dossier(SUBJECT.digest, at=NOW) == before
    after = row_counts(database)
    assert (after["scans"], after["sboms"], after["inventories"]) == (1, 1, 1)
    assert (after["assessments"], after["attestations"]) == (1, 1)
    assert after["inventoried_components"] == 1
    assert applied(record, content) == Removal(0, 0, 0, 0, 0)


def test_what_is_young_stays(record: Record, content: ContentStore) -> None:
    scanned(record, 75, 80, 90)
    assert applied(record, content) == Removal(0, 0, 0, 0, 0)


def test_evidence_of_what_runs_stays_until_it_ends(record: Record, content: ContentStore) -> None:
    scanned(record, 0, 10)
    reported(record, Event.STARTED)
    assert applied(record, content) == Removal(0, 0, 2, 0, 0)

    reported(record, Event.ENDED, day=20)
    assert applied(record, content) == Removal(1, 1, 0, 0, 2)


def test_an_index_that_runs_keeps_the_evidence_of_its_platforms(
    record: Record, content: ContentStore
) -> None:
    run = index_run()
    record.save_run(run, at=AT)
    for child in run.platforms:
        later = _scan(AT + 10 * DAY, child.subject)
        parts = tuple(
            replace(one, scan=later if one.subject == child.subject else None)
            for one in run.platforms
        )
        whole = RunRecord(run.subject, run.media_type, parts)
        record.save_run(whole, at=AT + 10 * DAY)
    reported(record, Event.STARTED, run.subject)
    assert applied(record, content) == Removal(0, 0, 2, 0, 0)

    reported(record, Event.ENDED, run.subject, day=20)
    assert applied(record, content).scans == 2


def test_what_a_standing_decision_names_stays(record: Record, content: ContentStore) -> None:
    first, second = scanned(record, 0, 10)
    decided(record, first)
    assert applied(record, content) == Removal(0, 1, 1, 0, 1)

    # In another environment, nothing changes that the first one stands.
    decided(record, second, day=11, environment="staging")
    assert applied(record, content) == Removal(0, 0, 1, 0, 0)
    decided(record, second, day=12)
    assert applied(record, content) == Removal(1, 0, 0, 0, 1)


@pytest.mark.parametrize("approved", [False, True])
def test_an_image_that_a_live_waiver_names_keeps_its_evidence(
    record: Record, content: ContentStore, approved: bool
) -> None:
    scanned(record, 0, 10)
    scope = WaiverScope(vulnerability="CVE-2024-0727", image=SUBJECT.digest)
    terms = make_terms(scope, expires=200 * DAY)
    asked = record.waivers.request(terms, actor=REQUESTER, at=AT)
    if approved:
        record.waivers.answer(asked.number, WaiverStep.APPROVED, actor=APPROVER, at=AT)
    assert applied(record, content) == Removal(0, 0, 2, 0, 0)

    record.waivers.revoke(asked.number, actor=APPROVER, at=AT + 20 * DAY)
    assert applied(record, content) == Removal(1, 1, 0, 0, 2)


def test_images_that_nobody_uses_lose_all_where_a_rule_says_so(
    record: Record, content: ContentStore
) -> None:
    scanned(record, 0, 10)
    other = Subject("registry.test/other", Digest.of(b"other"))
    scanned(record, 95, subject=other)
    unused = Rules(superseded=30 * DAY, unused=60 * DAY)

    assert applied(record, content, unused) == Removal(2, 2, 0, 0, 4)

    dossier = record.dossier(SUBJECT.digest, at=NOW)
    assert dossier is not None
    assert [platform.scan for platform in dossier.platforms] == [None]
    left = record.dossier(other.digest, at=NOW)
    assert left is not None
    assert left.platforms[0].scan is not None


def test_a_decision_or_a_deployment_is_use(record: Record, content: ContentStore) -> None:
    scanned(record, 0)
    decided(record, day=80)
    unused = Rules(superseded=30 * DAY, unused=60 * DAY)
    assert applied(record, content, unused) == Removal(0, 0, 0, 0, 0)


def test_a_document_that_another_row_names_stays(record: Record, content: ContentStore) -> None:
    other = Subject("registry.test/other", Digest.of(b"other"))
    same = b"the same SBOM"
    for subject in (SUBJECT, other):
        sbom = sbom_record(subject=subject, document=same)
        record.save_run(manifest_run(subject, sbom=sbom), at=AT)
    later = sbom_record(document=b"later", produced_at=AT + DAY)
    record.save_run(manifest_run(sbom=later), at=AT + DAY)

    assert applied(record, content) == Removal(0, 1, 0, 0, 0)
    assert content.has(Digest.of(same))


def test_a_decision_that_cannot_be_read_lets_nothing_go(
    record: Record, content: ContentStore, tmp_path: Path, database: str
) -> None:
    first, _ = scanned(record, 0, 10)
    digest = decided(record, first)
    path = tmp_path / "content" / key_of(digest)
    path.unlink()
    before = row_counts(database)

    with pytest.raises(NotFoundError):
        apply(record._engine, content, RULES, at=NOW)
    path.write_bytes(b"{}")
    with pytest.raises(SupplyChainError):
        apply(record._engine, content, RULES, at=NOW)
    assert row_counts(database) == before


@pytest.mark.parametrize(
    ("happens", "gone"),
    [
        (lambda record: None, 1),
        (lambda record: reported(record, Event.STARTED, day=50), 0),
        (lambda record: decided(record, day=50), 0),
        (
            lambda record: record.waivers.request(
                make_terms(expires=300 * DAY), actor=REQUESTER, at=NOW
            ),
            0,
        ),
    ],
)
def test_what_is_said_between_choosing_and_removing_is_heard(
    record: Record, content: ContentStore, happens: Callable[[Record], object], gone: int
) -> None:
    record.save_run(manifest_run(scan=_scan(AT)), at=AT)
    record.save_run(manifest_run(scan=_scan(AT + DAY)), at=AT + DAY)
    with record._engine.connect() as connection:
        spared = spared_by(connection, content, 1, NOW)
        chosen = _old(connection, 1, RULES, NOW)
    assert len(chosen) == 1
    happens(record)

    notes = Notes(1, "default", "default", Acting("operator"))
    assert len(_remove(record._engine, 1, spared, chosen, notes=notes, at=NOW)) == gone


def test_what_was_reported_or_waived_by_a_clock_that_is_ahead_is_heard(
    record: Record, content: ContentStore
) -> None:
    other, third = (Subject(f"registry.test/{n}", Digest.of(n.encode())) for n in "ab")
    for subject in (SUBJECT, other, third):
        scanned(record, 0, 10, subject=subject)
    reported(record, Event.STARTED, day=101)
    late = Report(Event.STARTED, other, "prod", AT + DAY, "cd")
    record.history.deployed(late, at=NOW + DAY)
    scope = WaiverScope(vulnerability="CVE-2024-0727", image=third.digest)
    terms = make_terms(scope, expires=200 * DAY)
    record.waivers.request(terms, actor=REQUESTER, at=NOW + DAY)

    assert applied(record, content) == Removal(0, 0, 6, 0, 0)


def test_what_two_remove_at_once_is_noted_by_one_of_them(
    record: Record, content: ContentStore
) -> None:
    scanned(record, *range(12))
    with record._engine.connect() as connection:
        spared = spared_by(connection, content, 1, NOW)
        chosen = _old(connection, 1, RULES, NOW)
    notes = Notes(1, "default", "default", Acting("operator"))

    def remove(_: int) -> int:
        return len(_remove(record._engine, 1, spared, chosen, notes=notes, at=NOW))

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(remove, range(4))) == [0, 0, 0, len(chosen)]
    noted = record.audit.list(AuditAsked(what="evidence.removed"))
    assert [event.after for event in noted] == [{"sbom": 11, "scan": 11}]


@pytest.mark.parametrize(("late", "scans"), [(timedelta(0), 0), (timedelta(microseconds=1), 1)])
def test_at_the_very_instant_that_a_rule_names_nothing_goes_yet(
    record: Record, content: ContentStore, late: timedelta, scans: int
) -> None:
    scanned(record, 0, 10)
    at = AT + RULES.superseded + late
    assert apply(record._engine, content, RULES, at=at).scans == scans


def test_notes_of_work_that_ended_go(record: Record, content: ContentStore) -> None:
    with record.history.working(SUBJECT.digest, [EvidenceKind.SCAN], "scan", lambda: AT):
        pass
    assert plan(record._engine, content, RULES, at=NOW).work == 1
    assert applied(record, content).work == 1
    assert applied(record, content).work == 0


def test_a_document_that_was_put_again_is_not_discarded(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    digest = store.put(b"data")
    path = tmp_path / key_of(digest)
    os.utime(path, (0, 0))
    store.put(b"data")

    assert not store.discard(digest, unused_since=AT)
    assert store.get(digest) == b"data"
    os.utime(path, (0, 0))
    assert store.discard(digest, unused_since=AT)
    assert not store.has(digest)
    assert not store.discard(digest, unused_since=AT)
    assert list((tmp_path / "unfinished").iterdir()) == []


@pytest.mark.parametrize("table", ["inventories", "assessments", "evidence"])
def test_who_records_again_what_goes_at_that_moment_has_it_recorded(
    postgresql_database: str, content: ContentStore, table: str
) -> None:
    """Between seeing that a row is there and naming it; SQLite has one writer at a time."""
    at = AT + 99 * DAY
    scan = replace(_scan(AT), report=b"a later report")
    evidence = replace(scan.scan.evidence, digest=Digest.of(scan.report), produced_at=at)
    scan = replace(scan, scan=replace(scan.scan, evidence=evidence))
    sbom = sbom_record(document=b"sbom 0", produced_at=AT)
    with (
        Record.open(postgresql_database, content) as record,
        Record.open(postgresql_database, content) as other,
    ):
        scanned(record, 0)
        removed: list[Removal] = []

        def remove(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if statement.startswith(f"INSERT INTO {table} ") and not removed:
                removed.append(Removal(0, 0, 0, 0, 0))
                rules = Rules(30 * DAY, unused=30 * DAY)
                removed[0] = apply(other._engine, content, rules, at=NOW)

        listen(record._engine, "after_cursor_execute", remove)
        record.save_run(manifest_run(scan=scan, sbom=sbom), at=at)
        assert removed[0].scans == 1
        assert check_store(record._engine, content).whole
        found = record.dossier(SUBJECT.digest, at=NOW)
        assert found
        [platform] = found.platforms
        assert platform.scan
        assert platform.scan.evidence == evidence
        assert platform.component_count == 1
        assert platform.sbom == sbom.sbom
