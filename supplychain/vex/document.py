"""From the bytes of a VEX document, of whichever form, to what it claims."""

from __future__ import annotations

from supplychain.errors import InputError, LimitError
from supplychain.model.digest import Digest
from supplychain.model.vex import VexDocument
from supplychain.vex import csaf, cyclonedx, openvex
from supplychain.vex.nodes import read

CLAIM_LIMIT = 20_000
PRODUCT_LIMIT = 50_000


def read_vex(data: bytes, *, attached_to: Digest | None = None) -> VexDocument:
    """Read an OpenVEX, CycloneDX or CSAF document.

    Args:
        data: The document.
        attached_to: The image that it is attached to, which is meant where it names no product;
            None where it stands alone.

    Raises:
        LimitError: It is larger than any needs to be.
        InputError: It is none of them, or something is wrong with it; the message says where.
    """
    root, digest = read(data), Digest.of(data)
    found = root.members()
    if "@context" in found:
        document = openvex.parse(root, digest, attached_to)
    elif "bomFormat" in found and found["bomFormat"].value == "CycloneDX":
        document = cyclonedx.parse(root, digest, attached_to)
    elif "document" in found:
        document = csaf.parse(root, digest)
    else:
        raise InputError(
            "this is no VEX document",
            because="it has neither the @context of OpenVEX, nor the bomFormat of CycloneDX, "
            "nor a document of CSAF",
            hint="docs/vex.md says what is read",
        )
    _require_bounded(document)
    return document


def _require_bounded(document: VexDocument) -> None:
    if len(document.claims) > CLAIM_LIMIT:
        raise LimitError(f"the document makes {len(document.claims)} claims, at most {CLAIM_LIMIT}")
    named = sum(max(len(p.packages), 1) for c in document.claims for p in c.products)
    if named > PRODUCT_LIMIT:
        raise LimitError(f"the document names {named} products, at most {PRODUCT_LIMIT}")
