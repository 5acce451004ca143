"""What others attached to an image, and to each of its platforms: found, verified, kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from supplychain.errors import VerificationError
from supplychain.model.artifact import Manifest
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.pipeline.claims import with_claims
from supplychain.pipeline.listing import with_list
from supplychain.pipeline.seal import recorded
from supplychain.pipeline.target import Target
from supplychain.records.run import AttestationRecord
from supplychain.signing import buildkit, inventory
from supplychain.signing.found import Stored
from supplychain.signing.inventory import Attached, State
from supplychain.signing.trust.trust import Trust
from supplychain.signing.verification import verify


def subjects_of(target: Target) -> tuple[Subject, ...]:
    """What can be stated something about: an index and the platforms asked for, or a manifest."""
    image = target.image
    found = (image.subject, *(platform.subject for platform in image.images))
    return tuple(dict.fromkeys(found))


def take_stock(
    target: Target, trust: Trust, documents: Sequence[Stored] = (), *, at: datetime
) -> tuple[Attached, ...]:
    """Everything there is about an image: beside it, inside its index, and in files.

    Args:
        target: The image.
        trust: Whose word counts; where that is nobody's, nothing is verified.
        documents: What came in files.
        at: Now (aware, UTC).

    Raises:
        SupplyChainError: As `supplychain.signing.inventory.take_stock`.
    """
    store, subjects = target.source, subjects_of(target)
    found = [one for s in subjects for one in inventory.take_stock(store, s, trust, at=at)]
    if target.image.is_index:
        image, by_digest = target.image, {subject.digest: subject for subject in subjects}
        index = Manifest(image.media_type, image.subject.digest, image.raw)
        for about, one in buildkit.read(store, index):
            if about in by_digest:
                found.append(inventory.of_buildkit(by_digest[about], one))
    return (*found, *inventory.of_file(documents, subjects, trust, at=at))


def verified(
    target: Target, trust: Trust, documents: Sequence[Stored] = (), *, at: datetime
) -> tuple[Mapping[Digest, tuple[AttestationRecord, ...]], tuple[str, ...]]:
    """What can be recorded about an image, by digest; and why the rest cannot.

    Args:
        target: The image.
        trust: Whose word counts.
        documents: What came in files.
        at: Now (aware, UTC).

    Raises:
        VerificationError: Nothing verifies.
        SupplyChainError: As `supplychain.signing.verification.verify`.
    """
    subjects = subjects_of(target)
    records: dict[Digest, list[AttestationRecord]] = {s.digest: [] for s in subjects}
    refused: list[str] = []
    for subject in subjects:
        report = verify(target.source, subject, trust, at=at)
        refused += [f"{one.manifest.short}: {one.reason}" for one in report.rejected]
        records[subject.digest] += [recorded(target.source, one) for one in report.documents]
    for one in inventory.of_file(documents, subjects, trust, at=at):
        if one.attestation is None:
            refused.append(f"{one.digest.short}: {one.reason}")
        else:
            record = AttestationRecord(one.attestation, one.data, one.media_type)
            records[one.subject.digest].append(with_list(with_claims(record)))
    if not any(records.values()):
        raise VerificationError(
            f"nothing that is stated about {target.image.subject} verifies",
            because="; ".join(refused[:3]) or "there is nothing",
            hint="see what there is with: supplychain attestations list",
        )
    refused += [
        f"{record.attestation.envelope.short}: recorded, and claims nothing: {record.unread}"
        for held in records.values()
        for record in held
        if record.unread
    ]
    return {digest: _each_once(held) for digest, held in records.items()}, tuple(refused)


def _each_once(records: Sequence[AttestationRecord]) -> tuple[AttestationRecord, ...]:
    return tuple({one.attestation.envelope: one for one in records}.values())


def chosen(
    found: Sequence[Attached], *, predicate_type: str | None, digest: str | None, verified: bool
) -> tuple[Attached, ...]:
    """Those of which the bytes are there, of one type, or named by the beginning of a digest.

    Args:
        found: Everything there is.
        predicate_type: Only those that say they are of this type.
        digest: Only those whose bytes, or what holds them, are named so.
        verified: Only those that hold; else all that are not refused.
    """
    wanted = digest.removeprefix("sha256:") if digest else ""
    return tuple(
        one
        for one in found
        if one.data
        and one.state is not State.REJECTED
        and (one.state is State.VERIFIED or not verified)
        and predicate_type in {None, one.predicate_type}
        and any(name.hex.startswith(wanted) for name in (one.digest, one.manifest))
    )
