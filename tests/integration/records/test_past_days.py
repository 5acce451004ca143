"""What the gate says of a past day: as it said then, to the byte, in either kind of database."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from supplychain.gate.essence import essence_of
from supplychain.model.history import Event, Report
from supplychain.model.waiver import WaiverScope, WaiverStep
from supplychain.pipeline.judge import _entry, consider
from supplychain.records.folder import FolderStore
from supplychain.records.record import Record
from tests.kit.policies import load
from tests.kit.runs import attestation_record, manifest_run, sbom_record, scan_record
from tests.kit.scans import AT, SUBJECT, make_finding
from tests.kit.vex import CVE
from tests.kit.waivers import APPROVER, REQUESTER, make_terms

DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
POLICY = load(
    """schemaVersion: 1
environment: prod
rules:
  - sbom: {}
  - freshness: {scan: 5d}
  - vulnerabilities: {severity: medium}
  - approval: {by: [alice]}
waivers: {approvers: [bob], max: {critical: 14d, high: 30d, other: 30d}}
"""
)
Step = Callable[[Record, datetime], object]


def _scanned(record: Record, at: datetime, *found: str) -> None:
    findings = [make_finding(vulnerability_id=name) for name in found]
    scan = scan_record(findings=findings, report=f"at {at}".encode(), produced_at=at)
    sbom = sbom_record(document=f"of {at}".encode(), produced_at=at)
    record.save_run(manifest_run(scan=scan, sbom=sbom), at=at)


def _said(event: Event, at: datetime, actor: str = "alice") -> Report:
    return Report(event, SUBJECT, "prod", at, actor)


def _waived(record: Record, at: datetime) -> None:
    scope = WaiverScope(vulnerability=CVE)
    record.waivers.request(make_terms(scope, expires=at + 3 * DAY), actor=REQUESTER, at=at)


def _answered(record: Record, at: datetime, step: WaiverStep) -> None:
    record.waivers.answer(1, step, actor=APPROVER, at=at)


STEPS: tuple[Step, ...] = (
    lambda record, at: record.save_run(manifest_run(attestations=(attestation_record(),)), at=at),
    _scanned,
    lambda record, at: record.history.approve(_said(Event.GIVEN, at), at=at),
    lambda record, at: _scanned(record, at, CVE),
    _waived,
    lambda record, at: _answered(record, at, WaiverStep.APPROVED),
    lambda record, at: record.history.deployed(_said(Event.STARTED, at), at=at),
    lambda record, at: _scanned(record, at, CVE, "CVE-2030-0001"),
    lambda record, at: record.history.approve(_said(Event.WITHDRAWN, at), at=at),
    lambda record, at: record.history.ended(_said(Event.ENDED, at), at=at),
)


def told(record: Record, at: datetime) -> tuple[bytes, bytes | None]:
    """A decision that nobody records, and all that it was made from, as documents."""
    decision, dossier = consider(record, SUBJECT, POLICY, environment="prod", at=at)
    entry = _entry(decision, dossier, POLICY, SUBJECT, essence_of(decision))
    return entry.document, entry.inputs


def _verdict(documents: tuple[bytes, bytes | None]) -> str:
    return str(json.loads(documents[0])["verdict"])


def lived(record: Record) -> dict[datetime, tuple[bytes, bytes | None]]:
    """Take all steps, a day between them; what was said at, just before and just after each."""
    found = {}
    for day, step in enumerate(STEPS):
        at = AT + day * DAY
        found[at - INSTANT] = told(record, at - INSTANT)
        step(record, at)
        found[at], found[at + DAY / 2] = told(record, at), told(record, at + DAY / 2)
    return found


def test_it_is_the_same_afterwards_and_in_either_kind_of_database(
    sqlite_template: Path, postgresql_database: str, tmp_path: Path
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "record.db")
    said = []
    here = f"sqlite:///{tmp_path / 'record.db'}"
    for name, url in (("here", here), ("there", postgresql_database)):
        with Record.open(url, FolderStore(tmp_path / name)) as record:
            then = lived(record)
            assert {at: told(record, at) for at in then} == then
            said.append(then)
    assert said[0] == said[1]
    allowed = [day for day in range(len(STEPS)) if _verdict(said[0][AT + day * DAY]) == "allow"]
    # Approved; waived; and at the very last moment of the waiver.
    assert allowed == [2, 5, 6]
    assert _verdict(said[0][AT + 7 * DAY - INSTANT]) == "allow"
