"""Tools that fail and waivers that end, really brought about at a `Typist`'s."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from supplychain.model.artifact import OCI_MANIFEST
from supplychain.model.finding import Severity
from supplychain.model.waiver import WaiverScope, WaiverStep
from supplychain.records.run import RunRecord
from tests.kit.keys import signer
from tests.kit.runs import platform_record, scan_record
from tests.kit.scanlayout import debian, write_image
from tests.kit.scans import SUBJECT, make_finding
from tests.kit.scene import Scene
from tests.kit.typist import HOUR, Typist
from tests.kit.vulndb import write_empty
from tests.kit.waivers import APPROVER, REQUESTER, make_terms

DAY = timedelta(days=1)


def policy_of(*rules: str, more: str = "", version: str = "1") -> Callable[[Typist], object]:
    """Writes the policy of `prod` with these rules."""

    def write(typist: Typist) -> None:
        lines = [f"schemaVersion: {version}", "environment: prod", "rules:"]
        text = "\n".join([*lines, *(f"  - {rule}" for rule in rules), more]) + "\n"
        (typist.folder / "policies" / "prod.yaml").write_text(text)

    return write


def _run_fails(typist: Typist, reason: str) -> None:
    """A run of an image in a folder, which ends without a verdict and records nothing."""
    typist.forget()
    write_image(typist.folder / "layout", debian())
    done = typist.type("run", "oci:layout", "-e", "prod", "--no-sign").ended(1)
    assert done.stdout == ""
    assert reason in done.stderr
    with typist.record() as record:
        assert record.images.list(at=typist.now + HOUR) == ()


def no_scanner(typist: Typist) -> None:
    """A run, where the scanner is not there."""
    typist.patch.setenv("SUPPLYCHAIN_TRIVY", str(typist.folder / "gone"))
    _run_fails(typist, "Trivy cannot be read")


def empty_database(typist: Typist) -> None:
    """A run, where the only vulnerability database is empty."""
    typist.patch.setenv("SUPPLYCHAIN_TRIVY", str(Path(sys.executable).parent / "trivy"))
    empty = write_empty(typist.folder / "empty")
    refused = typist.type("vulndb", "import", empty).ended(1)
    assert "the vulnerability database is empty" in refused.stderr
    _run_fails(typist, "no vulnerability database")


def failing_verifier(typist: Typist) -> None:
    """A genuine signature, and what it is to be verified by is broken."""
    scene = Scene.create(typist.folder / "layout")
    scene.attach(scene.keyed())
    (typist.folder / "release.pub").write_bytes(signer().public_key.pem())
    policy_of("signature: {keys: [../release.pub]}")(typist)
    scan = scan_record(subject=scene.subject, produced_at=typist.now - HOUR)
    platform = platform_record(scene.subject, scan=scan)
    with typist.record() as record:
        record.save_run(RunRecord(scene.subject, OCI_MANIFEST, (platform,)), at=typist.now - HOUR)
    verify = ("attestations", "record", "oci:layout", "--key", "release.pub")
    (typist.folder / "root.json").write_text("{}")
    typist.patch.setenv("SUPPLYCHAIN_TRUSTED_ROOT", "root.json")
    assert "the trusted root has no" in typist.type(*verify).ended(2).stderr


def expired_waiver(typist: Typist) -> None:
    """It was in force when a job looked last night; nobody has looked since."""
    found = make_finding(severity=Severity.HIGH)
    waivers = f"waivers: {{approvers: [{APPROVER}], max: {{other: 30d, high: 30d}}}}"
    policy_of("vulnerabilities: {severity: high}", more=waivers)(typist)
    typist.examined(found, ago=2 * DAY, report=b"with a finding")
    terms = make_terms(WaiverScope(vulnerability=found.vulnerability_id), expires=typist.now - HOUR)
    with typist.record() as record:
        made = record.waivers.request(terms, actor=REQUESTER, at=typist.now - 2 * DAY)
        number, at = made.number, typist.now - DAY
        record.waivers.answer(number, WaiverStep.APPROVED, actor=APPROVER, at=at)
    nightly = (typist.now - 2 * HOUR).isoformat()
    typist.type("gate", str(SUBJECT.digest), "-e", "prod", "--at", nightly).ended(0)
