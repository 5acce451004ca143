"""What is done to a record, its policies and its database so that nothing is allowed any more."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind, VulnerabilityDatabase
from supplychain.model.finding import Severity
from supplychain.pipeline.claiming import read_claim
from supplychain.records.handed_in import UnsignedClaim
from supplychain.records.run import ScanRecord
from tests.kit.failing_tools import DAY, policy_of
from tests.kit.reports import document
from tests.kit.runs import index_run, manifest_run, platform_record, sbom_record, scan_record
from tests.kit.scans import SUBJECT, make_finding
from tests.kit.typist import HOUR, Typist

INDEX = index_run("registry.test/shop/multi")
KEY = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEuoaI2k75FbGb8WOJZHKmvCREGjEN
pJ9OnOPnSWR4sEFYzyfpByYG9eS1mCvfyqxiT7vqRtKstXcwIZ5s14eC4g==
-----END PUBLIC KEY-----
"""


def together(*steps: Callable[[Typist], object]) -> Callable[[Typist], object]:
    """One after the other."""

    def take(typist: Typist) -> None:
        for step in steps:
            step(typist)

    return take


def anew(fill: Callable[[Typist], object]) -> Callable[[Typist], object]:
    """With a record that holds nothing else."""

    def renew(typist: Typist) -> None:
        typist.forget()
        fill(typist)

    return renew


def save(scan: ScanRecord | None, *, sbom: bool = True) -> Callable[[Typist], object]:
    def save(typist: Typist) -> None:
        made = sbom_record(produced_at=typist.now - HOUR) if sbom else None
        with typist.record() as record:
            record.save_run(manifest_run(scan=scan, sbom=made), at=typist.now - HOUR)

    return save


def claimed(typist: Typist) -> None:
    """Hand in a report without a signature, as a server does it."""
    save(None)(typist)
    at = typist.now - HOUR
    data = json.dumps({**document(), "CreatedAt": at.isoformat()}).encode()
    asked = SUBJECT.digest, EvidenceKind.SCAN
    with typist.record() as record:
        told, unread = read_claim(record, *asked, data, caller="machine:shop-ci", at=at)
        assert told is not None
        claim = UnsignedClaim(*asked, "machine:shop-ci", Digest.of(data), len(data), at, unread)
        record.handed_in.add(claim, lambda: iter([data]), told)


def old_database(typist: Typist) -> None:
    made = scan_record(components=(), findings=(), produced_at=typist.now - HOUR)
    old = VulnerabilityDatabase(Digest.of(b"old"), typist.now - 9 * DAY)
    save(ScanRecord(replace(made.scan, database=old), made.report))(typist)


def unrated(typist: Typist) -> None:
    finding = make_finding(severity=Severity.UNKNOWN)
    save(scan_record(components=(), findings=(finding,), produced_at=typist.now - HOUR))(typist)
    policy_of("vulnerabilities: {severity: critical}")(typist)


def of_index(typist: Typist) -> None:
    """An index with a platform that nobody could fetch: it is known, and nothing about it."""
    first, second = INDEX.platforms
    at = typist.now - HOUR
    scanned = scan_record(
        subject=first.subject, components=(), findings=(), report=b"first", produced_at=at
    )
    platforms = (
        platform_record(first.subject, first.platform, scan=scanned),
        platform_record(second.subject, second.platform),
    )
    with typist.record() as record:
        record.save_run(replace(INDEX, platforms=platforms), at=at)


def damage_decision(typist: Typist) -> None:
    """The recorded allow is no longer what it was."""
    path = _document(typist)
    path.chmod(0o644)
    path.write_bytes(b'{"verdict":"allow"}')


def lose_decision(typist: Typist) -> None:
    """The recorded allow is on record, and its document is not there."""
    _document(typist).unlink()


def unmount(typist: Typist) -> None:
    """As after a restart in which a disk was not mounted: where its documents were is nothing."""
    content = typist.data / "content"
    content.rename(content.with_name("elsewhere"))


def _document(typist: Typist) -> Path:
    with typist.record() as record:
        (allowed,) = record.ledger.list()
    hexadecimal = allowed.digest.hex
    path = typist.data / "content" / "sha256" / hexadecimal[:2] / hexadecimal
    assert path.exists()
    return path


def folder_as_policy(typist: Typist) -> None:
    """Where the policy was, there is a folder."""
    path = typist.folder / "policies" / "prod.yaml"
    path.unlink()
    path.mkdir()


def break_database(typist: Typist) -> None:
    for path in typist.data.glob("supplychain.db*"):
        path.unlink()
    (typist.data / "supplychain.db").write_bytes(b"no database at all " * 1000)


def key(typist: Typist) -> None:
    (typist.folder / "release.pub").write_text(KEY)
