"""What people see of the record, and how they name an image in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from supplychain.errors import ConflictError, NotFoundError
from supplychain.model.artifact import OCI_INDEX, OCI_MANIFEST
from supplychain.model.decision import Verdict
from supplychain.model.digest import Digest
from supplychain.model.finding import Severity
from supplychain.model.subject import Subject
from supplychain.records.ledger import DecisionRecord
from supplychain.records.record import Record
from tests.kit.runs import ARM, index_run, make_decision, manifest_run, scan_record
from tests.kit.scans import AT, PLATFORM, SUBJECT, make_finding

HOUR = timedelta(hours=1)


def test_an_image_is_listed_with_its_latest_scan_and_decisions(record: Record) -> None:
    old = (make_finding(), make_finding(vulnerability_id="CVE-1", severity=Severity.LOW))
    record.save_run(manifest_run(scan=scan_record(findings=old)), at=AT)
    new = (
        make_finding(severity=Severity.UNKNOWN),
        make_finding(vulnerability_id="CVE-1", severity=Severity.CRITICAL),
        make_finding(vulnerability_id="CVE-2", severity=Severity.CRITICAL),
    )
    scan = scan_record(findings=new, report=b"new", produced_at=AT + HOUR)
    record.save_run(manifest_run(replace(SUBJECT, name="mirror.test/web"), scan=scan), at=AT + HOUR)
    for hour, (environment, verdict) in enumerate(
        [("prod", Verdict.ALLOW), ("prod", Verdict.DENY), ("test", Verdict.ALLOW)]
    ):
        decision = make_decision(
            environment=environment, verdict=verdict, decided_at=AT + hour * HOUR
        )
        record.ledger.append(DecisionRecord(b"%d" % hour, decision))

    [image] = record.images.list(at=AT + 9 * HOUR)

    assert (image.digest, image.media_type) == (SUBJECT.digest, OCI_MANIFEST)
    assert image.names == ("mirror.test/web", SUBJECT.name)
    assert image.recorded_at == AT
    [platform] = image.platforms
    assert (platform.digest, platform.platform) == (SUBJECT.digest, PLATFORM)
    assert platform.scanned_at == AT + HOUR
    assert platform.findings == (
        (Severity.UNKNOWN, 1),
        (Severity.CRITICAL, 2),
        (Severity.HIGH, 0),
        (Severity.MEDIUM, 0),
        (Severity.LOW, 0),
        (Severity.NEGLIGIBLE, 0),
    )
    assert [(d.environment, d.verdict) for d in image.decisions] == [
        ("prod", Verdict.DENY),
        ("test", Verdict.ALLOW),
    ]


def test_an_index_is_listed_once_with_its_platforms(record: Record) -> None:
    run = index_run()
    run = replace(run, platforms=(run.platforms[0], replace(run.platforms[1], scan=None)))
    record.save_run(run, at=AT)

    [image] = record.images.list(at=AT)
    assert (image.digest, image.media_type) == (run.subject.digest, OCI_INDEX)
    assert [p.platform for p in image.platforms] == [PLATFORM, ARM]
    assert [p.scanned_at for p in image.platforms] == [AT, None]
    assert image.platforms[1].findings == ()
    assert image == record.images.show(run.subject.digest, at=AT)
    child = record.images.show(run.platforms[1].subject.digest, at=AT)
    assert [p.digest for p in child.platforms] == [child.digest]


def test_the_newest_images_are_listed_first(record: Record) -> None:
    digests = [Digest.of(b"%d" % n) for n in range(4)]
    for n, digest in enumerate(digests):
        record.save_run(manifest_run(Subject("registry.test/a", digest)), at=AT + n * HOUR)

    def listed(**how: Any) -> list[Digest]:
        return [image.digest for image in record.images.list(at=AT + 9 * HOUR, **how)]

    assert listed() == digests[::-1]
    assert listed(limit=2) == digests[:1:-1]
    assert listed(after=digests[2]) == digests[1::-1]
    with pytest.raises(NotFoundError, match="is not on record"):
        listed(after=Digest.of(b"none"))


def test_an_empty_record_lists_nothing(record: Record) -> None:
    assert record.images.list(at=AT) == ()
    with pytest.raises(NotFoundError, match="nothing is recorded about"):
        record.images.show(SUBJECT.digest, at=AT)


def test_an_image_is_found_by_everything_people_type(record: Record) -> None:
    record.save_run(manifest_run(tag="1.0"), at=AT)
    digest = SUBJECT.digest

    for text in (
        str(digest),
        digest.hex,
        digest.short,
        f"sha256:{digest.hex[:6]}",
        SUBJECT.name,
        f"{SUBJECT.name}:1.0",
        f"{SUBJECT.name}@{digest}",
    ):
        assert record.images.find(text) == digest, text


def test_a_registry_with_a_port_is_no_tag(record: Record) -> None:
    subject = replace(SUBJECT, name="localhost:5000/web")
    record.save_run(manifest_run(subject, tag="1"), at=AT)

    assert record.images.find("localhost:5000/web") == SUBJECT.digest
    assert record.images.find("localhost:5000/web:1") == SUBJECT.digest


def test_a_name_with_several_digests_asks_for_more(record: Record) -> None:
    for n in range(7):
        subject = replace(SUBJECT, digest=Digest.of(b"%d" % n))
        record.save_run(manifest_run(subject, tag="1.0"), at=AT + n * HOUR)

    with pytest.raises(ConflictError, match="means more than one recorded image") as caught:
        record.images.find(SUBJECT.name)
    assert Digest.of(b"6").short in (caught.value.because or "")
    assert (caught.value.because or "").endswith("…")
    assert record.images.find(f"{SUBJECT.name}:1.0") == Digest.of(b"6")


def test_a_prefix_that_fits_two_asks_for_more(record: Record) -> None:
    for last in "01":
        subject = replace(SUBJECT, digest=Digest("sha256", "abcdef" + 57 * "0" + last))
        record.save_run(manifest_run(subject), at=AT)

    with pytest.raises(ConflictError):
        record.images.find("abcdef")
    assert record.images.find("abcdef" + 57 * "0" + "1").hex.endswith("1")


@pytest.mark.parametrize(
    "text", ["unknown", "registry.test/shop/web:2.0", "abc", "0123456789", "web@sha256:00", "", "%"]
)
def test_what_nothing_recorded_fits_is_not_found(record: Record, text: str) -> None:
    record.save_run(manifest_run(tag="1.0"), at=AT)

    with pytest.raises(NotFoundError, match="no recorded image is called") as caught:
        record.images.find(text)
    assert caught.value.hint
    assert record.images.last_resolution(SUBJECT.name, "2.0") is None
