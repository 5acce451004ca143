"""Claims on record: whose word they are, for which images, as of an instant; nothing is changed."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import Table, delete, update

from supplychain.errors import (
    DigestMismatchError,
    InputError,
    NotFoundError,
    StoreError,
    VerificationError,
)
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier
from supplychain.model.evidence import CYCLONEDX_PREDICATE, OPENVEX_PREDICATE
from supplychain.model.subject import Subject
from supplychain.pipeline.claims import with_claims
from supplychain.records.content import ContentStore
from supplychain.records.database import open_engine, writing
from supplychain.records.record import Record
from supplychain.records.run import AttestationRecord
from supplychain.records.vex_tables import (
    vex_claims,
    vex_documents,
    vex_reviews,
    vex_signatures,
    vex_vulnerabilities,
)
from supplychain.signing import blobs, bundle, dsse, statement
from supplychain.signing.blobs import Blob
from supplychain.signing.publication import Claim
from supplychain.signing.signed_files import verify_file
from supplychain.signing.verification import verify_bundle
from supplychain.vex.document import read_vex
from tests.kit.keys import signer
from tests.kit.runs import manifest_run, scan_record
from tests.kit.scans import AT, SUBJECT, make_finding
from tests.kit.scene import by_key
from tests.kit.vex import CVE, csaf, cyclonedx, openvex, openvex_statement

DAY = timedelta(days=1)
OTHER_IMAGE = Subject("registry.test/shop/web", Digest.of(b"another image"))


def signed(data: bytes, key: str = "release") -> bytes:
    return blobs.sign(Blob("v.json", (Digest.of(data),), data), signer(key))


def add(record: Record, data: bytes, *, key: str = "release", days: int = 0) -> Digest:
    made = signed(data, key)
    signature = verify_file("v.json", data, made, by_key(key), at=AT + days * DAY)
    record.vex.add(read_vex(data), data, signature, made, at=AT + days * DAY)
    return Digest.of(data)


def scanned(record: Record, *names: str) -> None:
    findings = [make_finding(vulnerability_id=name) for name in names or (CVE,)]
    record.save_run(manifest_run(scan=scan_record(findings=findings)), at=AT)


def dossier(record: Record, *, days: int = 0) -> Dossier:
    found = record.dossier(SUBJECT.digest, at=AT + days * DAY)
    assert found
    return found


def attached(
    predicate: bytes, predicate_type: str = OPENVEX_PREDICATE, subject: Subject = SUBJECT
) -> AttestationRecord:
    """A document that was attested to an image, verified as `run` does."""
    payload = statement.write(subject, predicate_type, predicate)
    one = signer("release")
    data = bundle.Bundle.by_key(one.public_key.hint, dsse.seal(payload, one)).encode()
    held = verify_bundle(data, subject, by_key(), at=AT)
    return with_claims(AttestationRecord(held, data, bundle.MEDIA_TYPE))


def test_a_signed_document_is_kept_with_whose_word_it_is(
    record: Record, content: ContentStore
) -> None:
    scanned(record, CVE, "CVE-2030-0001")
    data = openvex()
    digest = add(record, data)
    assert content.get(digest) == data
    (found,) = dossier(record).statements
    assert found.document == digest
    assert found.claim == read_vex(data).claims[0]
    (attestation,) = found.attestations
    assert attestation.subject.digest == digest
    assert content.has(attestation.envelope)
    add(record, data, days=1)
    assert dossier(record, days=1).statements[0].claim == found.claim
    (listed,) = record.vex.documents(at=AT)
    assert (listed.digest, listed.about, listed.claims) == (digest, None, 1)


def test_one_document_may_be_signed_by_several(record: Record) -> None:
    scanned(record)
    add(record, openvex())
    add(record, openvex(), key="other")
    (found,) = dossier(record).statements
    assert len({one.verified_by for one in found.attestations}) == 2


def test_only_claims_about_its_findings_come_with_an_image(record: Record) -> None:
    scanned(record)
    add(record, openvex(openvex_statement(vulnerability={"name": "CVE-2030-0001"})))
    assert dossier(record).statements == ()
    add(record, csaf())
    assert len(dossier(record).statements) == 1


def test_the_past_knows_nothing_of_what_came_later(record: Record) -> None:
    scanned(record)
    digest = add(record, openvex(), days=2)
    assert dossier(record, days=1).statements == ()
    record.vex.review(digest, 1, actor="alice", reason="checked", at=AT + 3 * DAY)
    assert dossier(record, days=2).statements[0].acceptances == ()
    (accepted,) = dossier(record, days=3).statements[0].acceptances
    assert (accepted.accepted_by, accepted.accepted_at) == ("alice", AT + 3 * DAY)
    record.vex.review(digest, 1, actor="alice", reason="wrong", at=AT + 4 * DAY, accepted=False)
    assert dossier(record, days=4).statements[0].acceptances == ()
    assert dossier(record, days=3).statements[0].acceptances == (accepted,)


def test_a_review_is_of_a_claim_that_there_is(record: Record) -> None:
    digest = add(record, openvex())
    with pytest.raises(NotFoundError, match="no claim #2"):
        record.vex.review(digest, 2, actor="alice", reason="x", at=AT)
    with pytest.raises(InputError, match="has not accepted"):
        record.vex.review(digest, 1, actor="bob", reason="x", at=AT, accepted=False)
    with pytest.raises(NotFoundError):
        record.vex.review(Digest.of(b"gone"), None, actor="alice", reason="x", at=AT)
    record.vex.review(digest, None, actor="alice", reason="all of it", at=AT)
    assert record.vex.statements(digest, at=AT)[0].acceptances[0].accepted_by == "alice"


def test_what_is_attached_is_about_that_image_alone(record: Record) -> None:
    mine = attached(openvex(openvex_statement(products=None)))
    assert mine.claims is not None
    findings = [make_finding()]
    run = manifest_run(scan=scan_record(findings=findings), attestations=(mine,))
    record.save_run(run, at=AT)
    (found,) = dossier(record).statements
    assert found.claim.products[0].digests == (SUBJECT.digest,)
    assert found.attestations[0].subject.digest == SUBJECT.digest
    (listed,) = record.vex.documents(at=AT)
    assert listed.about == SUBJECT.digest
    record.save_run(run, at=AT + DAY)
    assert dossier(record, days=1).statements == (found,)


def test_an_sbom_that_carries_an_analysis_makes_claims(record: Record) -> None:
    mine = attached(cyclonedx(), CYCLONEDX_PREDICATE)
    run = manifest_run(scan=scan_record(findings=[make_finding()]), attestations=(mine,))
    record.save_run(run, at=AT)
    assert len(dossier(record).statements) == 1
    bare = {k: v for k, v in json.loads(cyclonedx()).items() if k != "vulnerabilities"}
    without = attached(json.dumps(bare).encode(), CYCLONEDX_PREDICATE)
    assert without.claims is None
    assert without.unread == ""


def test_what_is_attached_and_wrong_claims_nothing_and_says_why(record: Record) -> None:
    mine = attached(openvex(openvex_statement(justification=None)))
    assert mine.claims is None
    assert "$.statements[0]: not_affected needs a justification" in mine.unread
    run = manifest_run(scan=scan_record(findings=[make_finding()]), attestations=(mine,))
    record.save_run(run, at=AT)
    assert dossier(record).statements == ()
    assert len(dossier(record).platforms[0].attestations) == 1


def test_a_document_that_nobody_trusted_signed_is_refused() -> None:
    data = openvex()
    with pytest.raises(VerificationError):
        verify_file("v.json", data, signed(data, "other"), by_key(), at=AT)
    with pytest.raises(VerificationError):
        verify_file("v.json", data + b" ", signed(data), by_key(), at=AT)


def test_who_states_something_about_a_document_does_not_stand_behind_it() -> None:
    data = openvex()
    claim = Claim(OPENVEX_PREDICATE, openvex())
    stated = blobs.attest(Blob("v.json", (Digest.of(data),), data), signer(), claim)
    with pytest.raises(VerificationError, match="no signature of the file"):
        verify_file("v.json", data, stated, by_key(), at=AT)


def test_what_does_not_belong_together_is_not_recorded(record: Record) -> None:
    data, other = openvex(), csaf()
    made = signed(data)
    signature = verify_file("v.json", data, made, by_key(), at=AT)
    for document, content in ((data, other), (other, other)):
        with pytest.raises(DigestMismatchError):
            record.vex.add(read_vex(document), content, signature, made, at=AT)
    assert record.vex.documents(at=AT) == ()


def test_documents_are_found_by_the_beginning_of_their_digest(record: Record) -> None:
    digest = add(record, openvex())
    assert record.vex.find(digest.hex[:8], at=AT) == digest
    assert record.vex.find(str(digest), at=AT) == digest
    for text in ("ffffff", "", digest.hex[:3]):
        with pytest.raises(NotFoundError):
            record.vex.find(text, at=AT)


@pytest.mark.parametrize(
    "table",
    [vex_documents, vex_signatures, vex_claims, vex_vulnerabilities, vex_reviews],
    ids=lambda table: table.name,
)
def test_nothing_is_ever_changed(record: Record, database: str, table: Table) -> None:
    record.vex.review(add(record, openvex()), 1, actor="alice", reason="x", at=AT)
    column = next(iter(table.c))
    engine = open_engine(database)
    try:
        for change in (update(table).values({column: column}), delete(table)):
            with pytest.raises(StoreError) as caught, writing(engine) as connection:
                connection.execute(change)
            assert "append-only" in str(caught.value.__cause__)
    finally:
        engine.dispose()
