from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from supplychain.errors import DigestMismatchError, InputError
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind, VerifiedAttestation
from supplychain.model.subject import Subject
from supplychain.records.run import AttestationRecord, LargeDocument, RunRecord
from tests.kit.runs import (
    attestation_record,
    index_run,
    manifest_run,
    sbom_record,
    scan_record,
)

OTHER = Subject("registry.test/other", Digest.of(b"another manifest"))


def test_whole_runs_pass() -> None:
    manifest_run(
        scan=scan_record(), sbom=sbom_record(), attestations=(attestation_record(),)
    ).check()
    index_run(attestations=True).check()


def test_documents_that_are_not_those_named_are_refused() -> None:
    scan, sbom, statement = scan_record(), sbom_record(), attestation_record()
    changed = [
        manifest_run(scan=replace(scan, report=b"other bytes")),
        manifest_run(sbom=replace(sbom, document=b"other bytes")),
        manifest_run(attestations=(replace(statement, envelope=b"other bytes"),)),
    ]
    for run in changed:
        with pytest.raises(DigestMismatchError, match="other bytes than those named"):
            run.check()


def test_evidence_about_another_digest_is_refused() -> None:
    foreign = [
        manifest_run(scan=scan_record(subject=OTHER)),
        manifest_run(sbom=sbom_record(subject=OTHER)),
        manifest_run(attestations=(attestation_record(subject=OTHER),)),
        replace(index_run(), attestations=(attestation_record(subject=OTHER),)),
    ]
    for run in foreign:
        with pytest.raises(InputError, match="about"):
            run.check()


def test_evidence_that_nobody_verified_is_refused() -> None:
    record = scan_record()
    unverified = replace(record.scan.evidence, verified_by="")
    scan = replace(record, scan=replace(record.scan, evidence=unverified))
    with pytest.raises(InputError, match="nobody verified the scan"):
        manifest_run(scan=scan).check()

    statement = attestation_record()
    keyless = replace(statement.attestation, key_fingerprint="")
    with pytest.raises(InputError, match="nobody verified the attestation"):
        manifest_run(attestations=(replace(statement, attestation=keyless),)).check()


def test_what_only_looks_like_a_verified_attestation_is_refused() -> None:
    class Lookalike:
        subject = attestation_record().attestation.subject
        envelope = attestation_record().attestation.envelope
        key_fingerprint = attestation_record().attestation.key_fingerprint

    record = AttestationRecord(
        cast("VerifiedAttestation", Lookalike()), attestation_record().envelope, "x"
    )
    with pytest.raises(InputError, match="Lookalike is no verified attestation"):
        manifest_run(attestations=(record,)).check()


def test_evidence_of_another_kind_is_refused() -> None:
    record = sbom_record()
    evidence = replace(record.sbom.evidence, kind=EvidenceKind.SIGNATURE)
    mislabelled = replace(record, sbom=replace(record.sbom, evidence=evidence))
    with pytest.raises(InputError, match="of the kind signature is recorded as sbom"):
        manifest_run(sbom=mislabelled).check()


def test_platforms_that_are_not_the_subjects_are_refused() -> None:
    run = manifest_run()
    wrong = [
        replace(run, platforms=()),
        replace(run, subject=OTHER),
        replace(run, platforms=run.platforms + index_run().platforms),
        replace(index_run(), platforms=()),
    ]
    for refused in wrong:
        with pytest.raises(InputError, match="platforms that are not its own"):
            refused.check()


def test_every_document_is_named_once() -> None:
    run: RunRecord = manifest_run(
        scan=scan_record(), sbom=sbom_record(), attestations=(attestation_record(),)
    )
    assert list(run.blobs()) == [
        scan_record().report,
        sbom_record().document,
        attestation_record().envelope,
    ]
    assert len(list(index_run(attestations=True).blobs())) == 3


def test_a_document_that_a_statement_does_not_refer_to_is_refused() -> None:
    data = sbom_record().document
    kept = LargeDocument(Digest.of(data), len(data), lambda: iter((data,)))
    statement = attestation_record()
    said = replace(statement.attestation, predicate_digest=Digest.of(data))
    run = manifest_run(attestations=(replace(statement, attestation=said, document=kept),))
    run.check()
    assert list(run.documents()) == [kept]
    other = replace(said, predicate_digest=Digest.of(b"other"))
    wrong = manifest_run(attestations=(replace(statement, attestation=other, document=kept),))
    with pytest.raises(DigestMismatchError, match="another document"):
        wrong.check()
