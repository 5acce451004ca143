"""VEX: what somebody claims about a vulnerability in a product. Claims of fact, never waivers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from supplychain.model.evidence import VerifiedAttestation


class VexStatus(StrEnum):
    """What is claimed (OpenVEX 0.2.0, "Status Labels"; CSAF and CycloneDX have the same four)."""

    NOT_AFFECTED = "not_affected"
    AFFECTED = "affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"


@dataclass(frozen=True, slots=True)
class VexStatement:
    """One statement of a VEX document whose signature was verified.

    Attributes:
        attestation: The signed document, and whose word it is.
        vulnerability: The vulnerability's ID and its aliases, sorted; never empty.
        products: What it is about: purls or digests, as the document writes them.
        packages: The purls inside of a product that it is about; empty for the product itself.
        status: What is claimed.
        justification: Why it is not affected, by the field's own word; "" where none is given.
        detail: What else it says, for people: impact or action.
        author: Whom the document names as its author; nothing but a claim of the document.
        issued_at: When the statement was made, by the document (aware, UTC).
        position: Its place in the document.
    """

    attestation: VerifiedAttestation
    vulnerability: tuple[str, ...]
    products: tuple[str, ...]
    packages: tuple[str, ...]
    status: VexStatus
    justification: str
    detail: str
    author: str
    issued_at: datetime
    position: int
