"""VEX: what somebody claims about a vulnerability in a product. Claims of fact, never waivers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.evidence import VerifiedAttestation


class VexStatus(StrEnum):
    """What is claimed (OpenVEX 0.2.0, "Status Labels"; CSAF and CycloneDX have the same four)."""

    NOT_AFFECTED = "not_affected"
    AFFECTED = "affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"

    @property
    def clears(self) -> bool:
        """Whether it says that nothing is to be done."""
        return self in {VexStatus.NOT_AFFECTED, VexStatus.FIXED}


class VexFormat(StrEnum):
    """The forms that documents have."""

    OPENVEX = "openvex"
    CYCLONEDX = "cyclonedx"
    CSAF = "csaf"


@dataclass(frozen=True, slots=True, order=True)
class VexProduct:
    """One product that a claim is about; whatever it is known by has to fit.

    Attributes:
        purls: Its package URLs in canonical form, sorted.
        digests: SHA-256 or stronger of what it is, sorted.
        names: What else it is called: CPEs, URIs, names; nothing that the gate compares.
        packages: The parts of it that the claim is about, sorted: purls in canonical form, and
            what else they are called. Empty where the claim is about the product as a whole.
    """

    purls: tuple[str, ...] = ()
    digests: tuple[Digest, ...] = ()
    names: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    def __str__(self) -> str:
        """For people: what it is called first, and the first of its parts."""
        called = next(iter((*self.purls, *map(str, self.digests), *self.names)), "nothing")
        return f"{self.packages[0]} in {called}" if self.packages else called


@dataclass(frozen=True, slots=True)
class VexClaim:
    """One claim of a document.

    Attributes:
        position: Its place in the document, counted from 1.
        vulnerability: The vulnerability's ID and its aliases; the first is what it is called.
        products: What it is about; never empty.
        status: What is claimed.
        justification: Why it is not affected, by the field's own word; "" where none is given.
        detail: What else it says, for people: impact or action.
        issued_at: When the claim was made, by the document (aware, UTC).
    """

    position: int
    vulnerability: tuple[str, ...]
    products: tuple[VexProduct, ...]
    status: VexStatus
    justification: str
    detail: str
    issued_at: datetime

    @property
    def keys(self) -> frozenset[str]:
        """What the vulnerability is called, as names are compared: in any case."""
        return frozenset(vulnerability_key(name) for name in self.vulnerability)


def vulnerability_key(name: str) -> str:
    """A vulnerability's ID as IDs are compared."""
    return name.strip().upper()


@dataclass(frozen=True, slots=True)
class VexDocument:
    """What a document says, whoever wrote it.

    Attributes:
        digest: Digest of its exact bytes.
        format: What form it has.
        identifier: What it calls itself; "" for nothing.
        author: Whom it names as its author; nothing but a claim.
        issued_at: When it was issued, by itself (aware, UTC).
        claims: What it claims, in its order.
    """

    digest: Digest
    format: VexFormat
    identifier: str
    author: str
    issued_at: datetime
    claims: tuple[VexClaim, ...]


@dataclass(frozen=True, slots=True)
class VexAcceptance:
    """Somebody's word that a claim may count.

    Attributes:
        accepted_by: Whose.
        accepted_at: Since when (aware, UTC).
    """

    accepted_by: str
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class VexStatement:
    """A claim of a document that somebody signed.

    Attributes:
        document: Digest of the document.
        author: Whom the document names as its author; nothing but a claim of the document.
        claim: What is claimed.
        attestations: Who signed the document, each on its own; never empty. What is attached to
            an image is about that image alone, and names it; what was signed as a file names the
            document itself.
        acceptances: Who accepted this very claim after a review.
    """

    document: Digest
    author: str
    claim: VexClaim
    attestations: tuple[VerifiedAttestation, ...]
    acceptances: tuple[VexAcceptance, ...] = ()

    @property
    def name(self) -> str:
        """As people name it: `sha256:…#3`."""
        return f"{self.document}#{self.claim.position}"

    def about(self, images: frozenset[Digest]) -> Iterator[VerifiedAttestation]:
        """The signatures by which it is about one of these images, or about any."""
        for attestation in self.attestations:
            if attestation.subject.digest == self.document or attestation.subject.digest in images:
                yield attestation
