"""SLSA provenance of our own steps: what looked at an image, by what means, and what came of it.

It tells how the evidence about an image was made, never how the image was: its build type is one
of our own, by which it can be told apart (docs/adr/0009). docs/attestations.md says what the parts
of such a statement mean.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from supplychain.frozen import dataclass
from supplychain.images.resolve import PlatformImage
from supplychain.model.digest import Digest
from supplychain.model.evidence import (
    PIPELINE_BUILD_TYPE,
    Evidence,
    Producer,
    VulnerabilityDatabase,
)
from supplychain.model.subject import Subject
from supplychain.records.run import SbomRecord
from supplychain.sbom.purls import image_purl
from supplychain.scan.scanner import ScanResult

TRIVY = "pkg:github/aquasecurity/trivy"
TRIVY_DB = "pkg:github/aquasecurity/trivy-db"
_Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a run was made for.

    Attributes:
        environment: Where the image wants to run; "" where nobody said.
        policy: Digest of the policy that it is to be judged by; None where there is none.
    """

    environment: str = ""
    policy: Digest | None = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run, as the provenance of each of its platforms tells of it.

    Attributes:
        builder: Who runs the pipeline: a URI.
        product: This program.
        image: What was asked for, resolved: an index or a manifest.
        tag: The tag that led to it; None where the digest was given.
        purpose: What for.
        begun_at: Since when (aware, UTC).
    """

    builder: str
    product: Producer
    image: Subject
    tag: str | None
    purpose: Purpose
    begun_at: datetime

    @property
    def source(self) -> str:
        """What was asked for: by its name alone, for folders are nobody's business."""
        return f"{self.image.name}:{self.tag}" if self.tag else str(self.image)

    @property
    def identity(self) -> str:
        """What names this run; the same facts give the same name, and the same bytes."""
        return f"{self.image.digest.short}-{self.begun_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}"


def provenance(
    invocation: Invocation,
    image: PlatformImage,
    result: ScanResult,
    sbom: SbomRecord,
    *,
    finished_at: datetime,
) -> bytes:
    """The predicate about one platform's image (SLSA, "Build: Provenance", v1).

    Args:
        invocation: The run.
        image: The platform's image.
        result: What the scan found.
        sbom: What was described.
        finished_at: When that had been done (aware, UTC).
    """
    scan = result.scan
    predicate = {
        "buildDefinition": {
            "buildType": PIPELINE_BUILD_TYPE,
            "externalParameters": _parameters(invocation),
            "internalParameters": {"platform": str(image.platform)},
            "resolvedDependencies": _dependencies(
                invocation, image, scan.evidence.producer, scan.database
            ),
        },
        "runDetails": {
            "builder": {
                "id": invocation.builder,
                "version": {invocation.product.name: invocation.product.version},
            },
            "metadata": {
                "invocationId": invocation.identity,
                "startedOn": _instant(invocation.begun_at),
                "finishedOn": _instant(finished_at),
            },
            "byproducts": [_byproduct(scan.evidence), _byproduct(sbom.sbom.evidence)],
        },
    }
    return json.dumps(predicate, separators=(",", ":"), ensure_ascii=False).encode()


def _parameters(invocation: Invocation) -> _Json:
    """Nothing stands for what nobody said: readers compare these, and null is something else."""
    purpose = invocation.purpose
    parameters: _Json = {"source": invocation.source}
    if purpose.environment:
        parameters["environment"] = purpose.environment
    if purpose.policy is not None:
        parameters["policy"] = str(purpose.policy)
    return parameters


def _dependencies(
    invocation: Invocation,
    image: PlatformImage,
    scanner: Producer,
    database: VulnerabilityDatabase,
) -> list[_Json]:
    found = [_resource("image", image.subject.digest, image_purl(image.subject, image.platform))]
    if image.subject.digest != invocation.image.digest:
        found.insert(0, _resource("index", invocation.image.digest, image_purl(invocation.image)))
    found.append(_resource("scanner", scanner.digest, f"{TRIVY}@{scanner.version}"))
    updated = {"updatedAt": _instant(database.updated_at)}
    found.append(
        _resource("vulnerability database", database.digest, TRIVY_DB) | {"annotations": updated}
    )
    if invocation.purpose.policy is not None:
        found.append(_resource("policy", invocation.purpose.policy))
    return found


def _byproduct(evidence: Evidence) -> _Json:
    return _resource(str(evidence.kind), evidence.digest) | {"mediaType": evidence.media_type}


def _resource(name: str, digest: Digest | None, uri: str = "") -> _Json:
    """A resource descriptor (in-toto attestation framework)."""
    described: _Json = {"name": name}
    if uri:
        described["uri"] = uri
    if digest is not None:
        described["digest"] = {digest.algorithm: digest.hex}
    return described


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
