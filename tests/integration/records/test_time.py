"""The record as of an instant: what was known then, and nothing later."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from supplychain.model.digest import Digest
from supplychain.model.dossier import PlatformDossier
from supplychain.model.finding import Finding
from supplychain.model.subject import Subject
from supplychain.records.record import Record
from supplychain.records.run import ScanRecord
from tests.kit.runs import attestation_record, manifest_run, sbom_record, scan_record
from tests.kit.scans import AT, SUBJECT, make_component, make_finding

DAY = timedelta(days=1)


def _seen(record: Record, at: datetime, subject: Subject = SUBJECT) -> PlatformDossier:
    dossier = record.dossier(subject.digest, at=at)
    assert dossier is not None
    return dossier.platforms[0]


def _first_seen(record: Record, at: datetime, subject: Subject = SUBJECT) -> list[datetime]:
    return [finding.first_seen_at for finding in _seen(record, at, subject).findings]


def test_the_latest_scan_and_sbom_count_and_later_ones_do_not(record: Record) -> None:
    for day in (0, 2, 1):
        at = AT + day * DAY
        run = manifest_run(
            scan=scan_record(report=b"report %d" % day, produced_at=at),
            sbom=sbom_record(document=b"sbom %d" % day, produced_at=at),
        )
        record.save_run(run, at=AT + day * DAY)

    for day in (0, 1, 2):
        platform = _seen(record, AT + day * DAY + timedelta(hours=1))
        assert platform.scan
        assert platform.sbom
        assert platform.scan.evidence.digest == Digest.of(b"report %d" % day)
        assert platform.sbom.evidence.digest == Digest.of(b"sbom %d" % day)


def test_an_sbom_that_is_measured_later_was_not_measured_before(record: Record) -> None:
    """As one that was recorded by a program that did not measure yet."""
    record.save_run(manifest_run(sbom=sbom_record(elements=())), at=AT)
    record.save_run(manifest_run(sbom=sbom_record()), at=AT + DAY)

    before, after = (_seen(record, AT + hours).sbom for hours in (timedelta(hours=1), 2 * DAY))
    assert before == sbom_record(elements=()).sbom
    assert after == sbom_record().sbom


def test_a_later_scan_with_an_older_database_hides_nothing(record: Record) -> None:
    record.save_run(manifest_run(), at=AT)
    lagging = scan_record(report=b"lagging", findings=(), produced_at=AT + DAY)
    database = replace(lagging.scan.database, updated_at=AT - 90 * DAY)
    lagging = replace(lagging, scan=replace(lagging.scan, database=database))
    record.save_run(manifest_run(scan=lagging), at=AT + DAY)

    platform = _seen(record, AT + 2 * DAY)
    assert platform.scan
    assert platform.scan.evidence.digest == scan_record().scan.evidence.digest
    assert len(platform.findings) == 1


def test_what_was_recorded_later_was_not_known(record: Record) -> None:
    record.save_run(manifest_run(attestations=(attestation_record(),)), at=AT)
    late = manifest_run(
        scan=scan_record(produced_at=AT - DAY),
        sbom=sbom_record(produced_at=AT - DAY),
        attestations=(attestation_record(predicate_type="https://slsa.dev/provenance/v1"),),
    )
    record.save_run(late, at=AT + DAY)

    before = _seen(record, AT + DAY / 2)
    assert before.scan is None
    assert before.sbom is None
    assert before.findings == ()
    assert len(before.attestations) == 1
    assert len(_seen(record, AT + DAY).attestations) == 2


def test_what_claims_to_come_from_the_future_is_not_there_yet(record: Record) -> None:
    run = manifest_run(
        scan=scan_record(produced_at=AT + DAY),
        attestations=(attestation_record(verified_at=AT + DAY),),
    )
    record.save_run(run, at=AT)

    assert _seen(record, AT).scan is None
    assert _seen(record, AT).attestations == ()
    assert _seen(record, AT + DAY).scan is not None


def test_a_signature_that_is_verified_again_keeps_its_first_instant(record: Record) -> None:
    # A policy compares it with the window of the key.
    for day in (0, 5):
        verified = attestation_record(verified_at=AT + day * DAY)
        record.save_run(manifest_run(attestations=(verified,)), at=AT + day * DAY)

    (attestation,) = _seen(record, AT + 6 * DAY).attestations
    assert attestation.verified_at == AT


def test_an_image_recorded_later_was_not_there(record: Record) -> None:
    record.save_run(manifest_run(), at=AT)

    assert record.dossier(SUBJECT.digest, at=AT - DAY) is None


def test_a_finding_is_known_since_its_first_scan(record: Record) -> None:
    for day in (0, 5):
        scan = scan_record(report=b"%d" % day, produced_at=AT + day * DAY)
        record.save_run(manifest_run(scan=scan), at=AT + day * DAY)

    assert _first_seen(record, AT + 6 * DAY) == [AT]


def test_a_rebuild_with_another_version_does_not_reset_what_is_known(record: Record) -> None:
    record.save_run(manifest_run(), at=AT)
    rebuilt = Subject("registry.test/shop/api", Digest.of(b"rebuilt"))
    newer = make_component(version="3.0.12-1", path="moved")
    scan = scan_record(
        subject=rebuilt,
        components=(newer,),
        findings=(make_finding(newer),),
        produced_at=AT + 9 * DAY,
    )
    record.save_run(manifest_run(rebuilt, scan=scan), at=AT + 9 * DAY)

    assert _first_seen(record, AT + 10 * DAY, rebuilt) == [AT]


def test_another_package_or_vulnerability_is_known_since_its_own_scan(record: Record) -> None:
    record.save_run(manifest_run(), at=AT)
    curl = make_component("curl", "8")
    later = AT + DAY
    findings = (make_finding(curl), make_finding(vulnerability_id="CVE-2030-1"))
    scan = scan_record(report=b"2", components=(curl,), findings=findings, produced_at=later)
    record.save_run(manifest_run(scan=scan), at=later)

    assert _first_seen(record, later) == [later, later]


def test_an_earlier_scan_that_is_recorded_later_counts_from_then_on(record: Record) -> None:
    record.save_run(manifest_run(), at=AT)
    other = replace(SUBJECT, digest=Digest.of(b"older image"))
    older = scan_record(subject=other, produced_at=AT - 30 * DAY)
    record.save_run(manifest_run(other, scan=older), at=AT + DAY)

    assert _first_seen(record, AT + DAY / 2) == [AT]
    assert _first_seen(record, AT + DAY) == [AT - 30 * DAY]


def test_a_fix_is_known_since_the_first_scan_that_knew_one(record: Record) -> None:
    """No database tells when a fix was published."""
    for day, fix in ((0, ""), (3, "9"), (5, "9, 10"), (7, "")):
        at = AT + day * DAY
        scan = scan_record(
            report=b"%d" % day, findings=(make_finding(fixed_version=fix),), produced_at=at
        )
        record.save_run(manifest_run(scan=scan), at=at)

    def known(day: int) -> list[datetime | None]:
        return [f.fixable_at for f in _seen(record, AT + day * DAY).findings]

    assert known(1) == [None]
    assert known(3) == known(6) == known(8) == [AT + 3 * DAY]
    assert _first_seen(record, AT + 8 * DAY) == [AT]


def test_writers_whose_clocks_disagree_still_show_every_finding(record: Record) -> None:
    ahead = AT + timedelta(seconds=5)
    other = replace(SUBJECT, digest=Digest.of(b"other image"))
    record.save_run(
        manifest_run(other, scan=scan_record(subject=other, produced_at=AT - DAY)), at=ahead
    )
    record.save_run(manifest_run(), at=AT)

    assert _first_seen(record, AT) == [AT]
    assert _first_seen(record, ahead) == [AT - DAY]


def test_a_scan_with_an_older_database_hides_nothing_that_a_newer_one_found(
    record: Record,
) -> None:
    def scanned(after: timedelta, database_age: timedelta, *findings: Finding) -> ScanRecord:
        made = scan_record(report=str(after).encode(), findings=findings, produced_at=AT + after)
        database = replace(made.scan.database, updated_at=AT - database_age)
        return replace(made, scan=replace(made.scan, database=database))

    newest = scanned(timedelta(), timedelta(hours=1), make_finding())
    record.save_run(manifest_run(scan=newest), at=AT)
    lagging = scanned(timedelta(hours=1), timedelta(hours=30))
    record.save_run(manifest_run(scan=lagging), at=AT + timedelta(hours=1))

    dossier = record.dossier(SUBJECT.digest, at=AT + timedelta(hours=2))
    assert dossier is not None
    assert dossier.platforms[0].scan is not None
    assert dossier.platforms[0].scan.evidence.digest == newest.scan.evidence.digest
    assert [f.finding for f in dossier.platforms[0].findings] == [make_finding()]
