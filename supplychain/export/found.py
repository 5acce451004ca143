"""What searches find as data: the same for `--output json` and for who asks over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.export.data import rfc3339

if TYPE_CHECKING:
    from supplychain.records.claim_search import FoundClaim
    from supplychain.records.found_images import FoundImage
    from supplychain.records.held import Held


def found_data(image: FoundImage) -> dict[str, object]:
    """An image in which something was found."""
    return {
        "digest": str(image.digest),
        "names": list(image.names),
        "platforms": [
            {
                "digest": str(platform.digest),
                "platform": str(platform.platform),
                "found": [_held(held) for held in platform.held],
            }
            for platform in image.platforms
        ],
        "decisions": [
            {
                "digest": str(decision.digest),
                "subject_digest": str(decision.subject.digest),
                "environment": decision.environment,
                "verdict": decision.verdict.value,
                "decided_at": rfc3339(decision.decided_at),
            }
            for decision in image.decisions
        ],
        "running_in": list(image.running_in),
    }


def found_claim_data(found: FoundClaim) -> dict[str, object]:
    """A claim that an image has what was looked for."""
    return {
        "subject": str(found.subject),
        "names": list(found.names),
        "claimed_by": found.caller,
        "document": str(found.document),
        "recorded_at": rfc3339(found.recorded_at),
        "found": [_held(held) for held in found.held],
    }


def _held(held: Held) -> dict[str, object]:
    return {
        "package": held.package,
        "version": held.version,
        "purl": held.purl,
        "detail": held.detail,
        "certain": held.certain,
    }
