"""Every document about an image, on both engines: as of an instant, and of one project alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from supplychain.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from supplychain.model.access import Acting
from supplychain.model.digest import Digest
from supplychain.model.evidence import CYCLONEDX_PREDICATE, EvidenceKind
from supplychain.records.evidence import EvidenceDocument, meant
from supplychain.records.folder import FolderStore
from supplychain.records.handed_in import UnsignedClaim
from supplychain.records.record import Record
from tests.kit.runs import (
    BUNDLE,
    FINGERPRINT,
    attestation_record,
    index_run,
    manifest_run,
    sbom_record,
)
from tests.kit.scans import AT, SUBJECT

HOUR = timedelta(hours=1)
WORD = b'{"bomFormat": "CycloneDX"}'


def claim(record: Record, caller: str) -> UnsignedClaim:
    digest = Digest.of(WORD)
    made = UnsignedClaim(SUBJECT.digest, EvidenceKind.SBOM, caller, digest, len(WORD), AT + HOUR)
    return record.handed_in.add(made, lambda: iter((WORD,)))


def test_it_is_there_as_of_an_instant_the_newest_first(record: Record) -> None:
    signed = attestation_record()
    record.save_run(manifest_run(sbom=sbom_record(), attestations=(signed,)), at=AT)
    claim(record, "ann")
    claim(record, "bob")
    about = record.documents.about

    with pytest.raises(NotFoundError):
        about(SUBJECT.digest, at=AT - HOUR)
    before = about(SUBJECT.digest, at=AT)
    assert {one.kind for one in before} == {EvidenceKind.SBOM, EvidenceKind.ATTESTATION}
    [one] = [one for one in before if one.kind is EvidenceKind.ATTESTATION]
    assert one == EvidenceDocument(
        SUBJECT.digest, EvidenceKind.ATTESTATION, signed.attestation.envelope, BUNDLE,
        f"key:{FINGERPRINT}", AT, CYCLONEDX_PREDICATE,
    )  # fmt: skip
    after = about(SUBJECT.digest, at=AT + HOUR)
    assert [one.claimed_by for one in after] == ["ann", "bob", "", ""]
    assert after[2:] == before
    assert [record.documents.size(one) for one in after[:2]] == [len(WORD)] * 2
    assert record.documents.get(SUBJECT.digest, Digest.of(WORD), at=AT + HOUR) == WORD
    with pytest.raises(NotFoundError, match="no evidence"):
        record.documents.get(SUBJECT.digest, Digest.of(WORD), at=AT)


def test_who_handed_it_in_is_kept_and_nobody_hands_in_under_another_name(record: Record) -> None:
    signed = attestation_record()
    run = replace(manifest_run(attestations=(signed,)), handed_in_by="machine:ci")
    ann = record.acted_on(Acting("ann", is_known=True))
    with pytest.raises(ForbiddenError, match="ann cannot act as machine:ci"):
        ann.save_run(run, at=AT)
    record.save_run(run, at=AT)
    ann.save_run(replace(run, handed_in_by="ann"), at=AT + HOUR)
    [one] = record.documents.about(SUBJECT.digest, at=AT + HOUR)
    assert (one.handed_in_by, one.claimed_by) == ("machine:ci", "")


def test_what_another_project_has_is_not_there(
    record: Record, database: str, content: FolderStore
) -> None:
    run = index_run()
    record.save_run(run, at=AT)
    record.access.projects.create("other", at=AT)
    with Record.open(database, content, project="other") as other:
        with pytest.raises(NotFoundError):
            other.documents.about(run.subject.digest, at=AT)
        other.save_run(manifest_run(run.platforms[0].subject), at=AT)
        [own] = other.documents.about(run.platforms[0].subject.digest, at=AT)
        assert own.subject == run.platforms[0].subject.digest
        # It knows one platform, and nothing of the index that has it elsewhere.
        with pytest.raises(NotFoundError):
            other.documents.about(run.subject.digest, at=AT)
    assert len(record.documents.about(run.subject.digest, at=AT)) == 2


def test_the_beginning_of_a_digest_means_one_document_or_none() -> None:
    one = EvidenceDocument(
        SUBJECT.digest, EvidenceKind.SCAN, Digest("sha256", "a" * 64), "", "first-hand", AT
    )
    other = replace(one, digest=Digest("sha256", "a" * 63 + "b"))
    assert meant([one, one], "aaaaaa") == meant([one], f"sha256:{'a' * 64}") == one.digest
    assert meant([one, other], "a" * 63 + "b") == other.digest
    with pytest.raises(ConflictError):
        meant([one, other], "a" * 63)
    with pytest.raises(NotFoundError):
        meant([one], "b" * 12)
    for text in ("aaaaa", "sha512:aaaaaa", "latest", "a" * 65, ""):
        with pytest.raises(InputError):
            meant([one], text)
