"""Where a statement has to be made: about the digest asked about, or each of its platforms."""

from __future__ import annotations

from collections.abc import Callable

from supplychain.gate.case import Case
from supplychain.gate.vouching import Said
from supplychain.model.digest import Digest
from supplychain.model.evidence import VerifiedAttestation
from supplychain.model.subject import Platform

Attestations = tuple[VerifiedAttestation, ...]


def whole_or_each(
    case: Case, said: Callable[[Attestations, Digest], Said]
) -> list[tuple[Platform | None, Said]]:
    """What was said of the digest asked about, or of each platform: the later where both do.

    Args:
        case: The case.
        said: What is said in some attestations about exactly this digest.

    Returns:
        What was said, and about which platform; None for the whole.
    """
    whole: list[tuple[Platform | None, Said]] = [
        (None, said(case.attestations, case.subject.digest))
    ]
    each = [(case.named(p), said(p.attestations, p.subject.digest)) for p in case.platforms]
    good = [found for found in (whole, each) if not any(one.refusals for _, one in found)]
    if good:
        return max(good, key=lambda found: min(one.since for _, one in found))
    return each if any(one.vouched for _, one in each) else whole
