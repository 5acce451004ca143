"""The SBOM stage: from what a scan found to a valid document about the very same digest."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from supplychain.images.fetch import VerifiedLayer
from supplychain.images.resolve import PlatformImage
from supplychain.model.digest import Digest
from supplychain.model.evidence import Evidence, EvidenceKind, Producer, Sbom, Scan
from supplychain.records.run import SbomRecord
from supplychain.sbom.cyclonedx import (
    MEDIA_TYPE,
    ImageDescription,
    SpecVersion,
    content_digest,
    make,
)
from supplychain.sbom.document import read


def describe(
    scan: Scan,
    image: PlatformImage,
    layers: tuple[VerifiedLayer, ...],
    *,
    spec_version: SpecVersion,
    product: Producer,
    author: str | None,
    at: datetime,
    recorded: bytes | None,
) -> SbomRecord:
    """The SBOM of a scanned image, validated against the official schema.

    Args:
        scan: What was found.
        image: The image.
        layers: Its layers.
        spec_version: Which CycloneDX to write.
        product: This program.
        author: The organisation that publishes the SBOM; None leaves it out.
        at: When it is made (aware, UTC).
        recorded: The document on record for this image; it is kept where it says the same, so
            that looking again adds nothing.

    Raises:
        VerificationError: The document breaks its schema or is about another image.
    """
    description = ImageDescription(
        image.subject,
        image.platform,
        image.manifest.config.digest,
        tuple((layer.digest, layer.diff_id) for layer in layers),
    )
    document = make(
        scan,
        description,
        spec_version=spec_version,
        serial=uuid4(),
        made_at=at,
        tool=product,
        author=author,
    )
    if recorded is not None and content_digest(recorded) == content_digest(document):
        document = recorded
    facts = read(document, subject=image.subject.digest)
    evidence = Evidence(
        subject=image.subject,
        kind=EvidenceKind.SBOM,
        digest=Digest.of(document),
        media_type=MEDIA_TYPE,
        producer=product,
        produced_at=at,
        verified_by="first-hand",
    )
    sbom = Sbom(evidence, facts.spec_version, facts.component_count, facts.elements)
    return SbomRecord(sbom, document)
