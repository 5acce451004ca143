"""What is on record about an image, document by document, as commands ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from supplychain.bootstrap.over_record import OverRecord

if TYPE_CHECKING:
    from supplychain.gate.policy import Policy
    from supplychain.model.digest import Digest
    from supplychain.records.evidence import EvidenceDocument
    from supplychain.records.handed_in import UnsignedClaim


class Evidence(OverRecord):
    """Evidence in the record on this machine."""

    def list(self, image: str, *, at: datetime) -> Sequence[tuple[EvidenceDocument, int | None]]:
        """Every document about an image, the newest first, each with its size.

        Args:
            image: As somebody typed it.
            at: Now (aware, UTC).

        Returns:
            The documents; None in place of a size where the bytes are missing.
        """
        documents = self._opened().documents
        found = documents.about(self._recorded(image), at=at)
        return [(one, documents.size(one)) for one in found]

    def download(self, image: str, document: str, *, at: datetime) -> bytes:
        """A document about an image, byte for byte.

        Args:
            image: As somebody typed it.
            document: Its digest, or the beginning of that.
            at: Now (aware, UTC).
        """
        from supplychain.records.evidence import meant

        documents, digest = self._opened().documents, self._recorded(image)
        wanted = meant(documents.about(digest, at=at), document)
        return documents.get(digest, wanted, at=at)

    def claims(
        self, image: str, environment: str | None, *, at: datetime
    ) -> Sequence[tuple[UnsignedClaim, str | None]]:
        """What callers claim of an image without a signature, the newest first.

        Args:
            image: As somebody typed it.
            environment: Whose policy says which of it counts; None for none.
            at: Now (aware, UTC).

        Returns:
            Each claim with why it does not count, as `judged` has it.
        """
        from supplychain.bootstrap.trust import policy_of

        policy = policy_of(self._settings, environment, None) if environment else None
        found = self._opened().handed_in.about(self._recorded(image), at=at)
        return judged(found, policy, environment)

    def _recorded(self, image: str) -> Digest:
        from supplychain.bootstrap.targets import recorded

        return recorded(self._settings, self._opened(), image)


def judged(
    claims: Sequence[UnsignedClaim], policy: Policy | None, environment: str | None
) -> Sequence[tuple[UnsignedClaim, str | None]]:
    """Claims, each with why it does not count in an environment, as the gate has it.

    Args:
        claims: All of an image, the newest first.
        policy: The policy of the environment; None where it has none.
        environment: Its name; None where none is asked about.

    Returns:
        Each claim with the reason; "" where it counts, None where no environment is asked about.
    """
    later = set()
    found: list[tuple[UnsignedClaim, str | None]] = []
    for one in claims:
        place = one.subject, one.caller, one.kind
        because = None if environment is None else _refused(one, policy, environment)
        if not because and because is not None and place in later:
            because = f"{one.caller} handed in a later one"
        # What cannot be read takes no other's place.
        if not one.unread:
            later.add(place)
        found.append((one, because))
    return found


def _refused(claim: UnsignedClaim, policy: Policy | None, environment: str) -> str:
    if claim.unread:
        return claim.unread
    if policy is None:
        return f"{environment} has no policy"
    if any(term.accepts(claim.caller, claim.kind) for term in policy.claims):
        return ""
    return f"the policy of {environment} takes no {claim.kind} of {claim.caller}"
