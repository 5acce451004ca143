"""Evidence on record as data: each document, and what callers claim without a signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.export.data import rfc3339

if TYPE_CHECKING:
    from supplychain.records.evidence import EvidenceDocument
    from supplychain.records.handed_in import UnsignedClaim


def document_data(one: EvidenceDocument, size: int | None) -> dict[str, object]:
    """A document on record; without a size, it is missing."""
    return {
        "subject": str(one.subject),
        "kind": one.kind.value,
        "digest": str(one.digest),
        "media_type": one.media_type,
        "size": size,
        "predicate_type": one.predicate_type or None,
        "verified_by": None if one.claimed_by else one.verified_by,
        "claimed_by": one.claimed_by or None,
        "handed_in_by": one.claimed_by or one.handed_in_by or None,
        "recorded_at": rfc3339(one.recorded_at),
    }


def unsigned_data(claim: UnsignedClaim) -> dict[str, object]:
    """What a caller claims."""
    return {
        "subject": str(claim.subject),
        "kind": claim.kind.value,
        "claimed_by": claim.caller,
        "digest": str(claim.digest),
        "size": claim.size,
        "recorded_at": rfc3339(claim.recorded_at),
        "unread": claim.unread,
        "components": claim.components,
    }


def judged_data(claim: UnsignedClaim, because: str | None) -> dict[str, object]:
    """What a caller claims, and whether it counts.

    Args:
        claim: The claim.
        because: Why it does not count in the environment that was asked about; "" where it does;
            None where none was asked about.
    """
    counts = None if because is None else not because
    return {**unsigned_data(claim), "counts": counts, "because": because or None}
