"""What others know of an image, handed in by whoever has it: verified, then kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from supplychain.errors import VerificationError
from supplychain.images.configuration import read_configuration
from supplychain.images.resolve import ResolvedImage
from supplychain.model.digest import Digest
from supplychain.model.evidence import Producer
from supplychain.model.subject import Subject
from supplychain.pipeline.claims import with_claims
from supplychain.pipeline.learnt import Learnt, run_record
from supplychain.pipeline.listing import with_list
from supplychain.records.listing import ImageSummary
from supplychain.records.record import Record
from supplychain.records.run import AttestationRecord, ConfigRecord, PlatformRecord, RunRecord
from supplychain.signing import inventory
from supplychain.signing.found import Stored
from supplychain.signing.trust.trust import Trust


def hand_in(
    record: Record,
    image: Digest,
    documents: Sequence[Stored],
    trust: Trust,
    *,
    by: str,
    at: datetime,
) -> tuple[AttestationRecord, ...]:
    """Verify documents about an image, and record them all.

    Args:
        record: The record; it has to know the image already.
        image: The image: an index, or a platform manifest.
        documents: Bundles or envelopes.
        trust: Whose word counts.
        by: Who hands them in.
        at: Now (aware, UTC).

    Raises:
        ForbiddenError: They act under another name than their own.
        NotFoundError: Nothing is recorded about the image.
        VerificationError: One of them does not verify; then none is recorded.
        InputError: Nobody's word counts.
    """
    trust.require_anybody()
    known = record.images.show(image, at=at)
    subjects = _subjects(known)
    held = [_verified(one) for one in inventory.of_file(documents, subjects, trust, at=at)]
    run = _run(record, known, held, at)
    record.save_run(replace(run, handed_in_by=by), at=at)
    return tuple(held)


def put_on_record(record: Record, image: ResolvedImage, product: Producer, *, at: datetime) -> None:
    """Record what an image is: its platforms, and what their configurations say.

    Its name is what the caller calls it: no registry was seen to have it under that, so that
    nothing is allowed by it.

    Args:
        record: The record.
        image: The image, all of its platforms or one.
        product: This program.
        at: Now (aware, UTC).
    """
    learnt = {
        one.subject.digest: Learnt(None, ConfigRecord(read_configuration(one), product.version, at))
        for one in image.images
    }
    record.save_run(run_record(image, learnt, {}), at=at)


def _subjects(image: ImageSummary) -> tuple[Subject, ...]:
    name = image.names[0]
    digests = (image.digest, *(platform.digest for platform in image.platforms))
    return tuple(Subject(name, digest) for digest in dict.fromkeys(digests))


def _verified(found: inventory.Attached) -> AttestationRecord:
    if found.attestation is None:
        raise VerificationError(
            f"document {found.digest} does not hold",
            because=found.reason,
            hint="nothing of this request was recorded",
        )
    record = AttestationRecord(found.attestation, found.data, found.media_type)
    return with_list(with_claims(record))


def _run(
    record: Record, image: ImageSummary, held: Sequence[AttestationRecord], at: datetime
) -> RunRecord:
    """As a run that looked at nothing but these documents."""
    name = image.names[0]

    def about(digest: Digest) -> tuple[AttestationRecord, ...]:
        mine = [one for one in held if one.attestation.subject.digest == digest]
        return tuple({one.attestation.envelope: one for one in mine}.values())

    platforms = tuple(
        PlatformRecord(
            Subject(name, one.digest),
            one.platform,
            record.images.show(one.digest, at=at).media_type,
            attestations=about(one.digest),
        )
        for one in image.platforms
    )
    run = RunRecord(Subject(name, image.digest), image.media_type, platforms)
    return replace(run, attestations=about(image.digest)) if run.is_index else run
