"""Evidence: one notion for everything that a decision may rest on."""

from __future__ import annotations

import math
from datetime import datetime
from enum import StrEnum

from supplychain.frozen import dataclass
from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.finding import Finding
from supplychain.model.identity import Identity, LogEntry, TrustedTime
from supplychain.model.image_config import Secret
from supplychain.model.subject import Subject


class EvidenceKind(StrEnum):
    """What a piece of evidence is."""

    SCAN = "scan"
    SBOM = "sbom"
    SIGNATURE = "signature"
    ATTESTATION = "attestation"
    CONFIG = "config"
    WAIVER = "waiver"
    APPROVAL = "approval"
    DEPLOYMENT = "deployment"
    DECISION = "decision"
    FEED = "feed"
    VEX = "vex"


@dataclass(frozen=True, slots=True)
class Producer:
    """The program that made a piece of evidence.

    Attributes:
        name: `trivy`, `supplychain`, `cosign` …
        version: Its version; "" where unknown.
        digest: The digest of the program's file, where it was one that we ran.
    """

    name: str
    version: str
    digest: Digest | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A recorded fact about a subject, kept verbatim by digest.

    Attributes:
        subject: What it is about.
        kind: What it is.
        digest: Digest of the exact bytes in the content store.
        media_type: What those bytes are.
        producer: Made by what.
        produced_at: Made when (aware, UTC).
        verified_by: How we know: `first-hand` for what our own pipeline made from verified bytes,
            `key:<fingerprint>` or `identity:<issuer> <name>` for what a signature verified. Never
            empty: what nobody verified is not evidence. `claim:<caller>` for somebody's word, where
            a policy takes it; that is never recorded as evidence.
    """

    subject: Subject
    kind: EvidenceKind
    digest: Digest
    media_type: str
    producer: Producer
    produced_at: datetime
    verified_by: str

    @property
    def claimed_by(self) -> str:
        """Whose mere word it is; "" for what was verified."""
        return self.verified_by.removeprefix(CLAIM) if self.verified_by.startswith(CLAIM) else ""


# What `verified_by` begins with for what nobody verified.
CLAIM = "claim:"


@dataclass(frozen=True, slots=True)
class VulnerabilityDatabase:
    """The vulnerability database a scan was made with.

    Attributes:
        digest: SHA-256 of the database file.
        updated_at: When its makers built it (aware, UTC).
    """

    digest: Digest
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Scan:
    """What one scan of one platform manifest found.

    Attributes:
        evidence: The report: kind SCAN, digest of the raw bytes.
        database: Which vulnerability database it was made with.
        operating_system: `debian 12.5` …; "" where the image has none.
        components: Everything found, sorted by key.
        findings: Everything wrong, sorted by vulnerability, purl and path.
        secrets: What looks like a secret, sorted by path, line and rule; None where the scan did
            not look for any.
    """

    evidence: Evidence
    database: VulnerabilityDatabase
    operating_system: str
    components: tuple[Component, ...]
    findings: tuple[Finding, ...]
    secrets: tuple[Secret, ...] | None = None


@dataclass(frozen=True, slots=True)
class SbomElement:
    """One minimum element of SBOMs, and how many lack it.

    Attributes:
        name: Its name in NTIA's table of data fields: `Supplier Name` …
        total: What should have it: every component, or the one document.
        missing: How many of them do not.
    """

    name: str
    total: int
    missing: int

    @property
    def whole(self) -> bool:
        """Whether nothing lacks it; not where there is nothing that could have it."""
        return bool(self.total) and not self.missing


@dataclass(frozen=True, slots=True)
class Sbom:
    """A recorded CycloneDX document.

    Attributes:
        evidence: The document: kind SBOM, digest of the stored bytes.
        spec_version: CycloneDX version, "1.6" or "1.7".
        component_count: Components in it, without the image itself.
        elements: The minimum elements, each measured in the document; () where nobody did.
    """

    evidence: Evidence
    spec_version: str
    component_count: int
    elements: tuple[SbomElement, ...] = ()

    @property
    def quality(self) -> int:
        """The mean of the elements' shares in percent, rounded down; 0 where none is known."""
        scale = math.lcm(*(e.total for e in self.elements if e.total))
        there = sum(scale * (e.total - e.missing) // e.total for e in self.elements if e.total)
        return 100 * there // (scale * len(self.elements)) if self.elements else 0


@dataclass(frozen=True, slots=True)
class Build:
    """What provenance says of how something came to be.

    Attributes:
        builder: Who says to have made it: a URI.
        kind: By what kind of build: a URI that says what the rest of the provenance means.
        source: The repository that it was built from, without `git+`, `.git` and ref; "" where the
            provenance does not say, or nobody looked.
        ref: The branch or tag: `refs/heads/main`; "" where it does not say.
        commit: The commit; "" where it does not say.
        images: Images that it names among what went into the build.
    """

    builder: str
    kind: str
    source: str = ""
    ref: str = ""
    commit: str = ""
    images: tuple[Subject, ...] = ()

    @property
    def is_of_image(self) -> bool:
        """Whether it tells of an image that was built, not of our looking at one."""
        return self.kind != PIPELINE_BUILD_TYPE


@dataclass(frozen=True, slots=True)
class VerifiedAttestation:
    """A statement about a digest whose signature was verified.

    Only `verification` and `signed_files` of `supplychain.signing` make one from bytes, and only
    `supplychain.records` gives one back; a test holds that. Everything that relies on a signature
    accepts this type and no other.

    Attributes:
        subject: What was signed, bound by digest.
        predicate_type: in-toto predicate type URI.
        payload: Digest of the signed payload bytes.
        envelope: Digest of the stored bundle bytes that were verified.
        key_fingerprint: `sha256:<hex>` of the verifying key's SubjectPublicKeyInfo (DER): of a
            trusted key, or where there is an identity of its certificate's.
        verified_at: When we verified it (aware, UTC).
        identity: Whom the certificate was issued to; None where a key alone verified it.
        log_entries: What the transparency logs hold of it.
        times: When it existed by trusted clocks, earliest first.
        predicate_digest: SHA-256 of the document that the statement carries byte for byte: the
            predicate itself (an SBOM), or the scanner's report inside a vulnerability predicate.
            None for an image signature.
        build: Of provenance, what it says of the build; None of everything else.
    """

    subject: Subject
    predicate_type: str
    payload: Digest
    envelope: Digest
    key_fingerprint: str
    verified_at: datetime
    identity: Identity | None = None
    log_entries: tuple[LogEntry, ...] = ()
    times: tuple[TrustedTime, ...] = ()
    predicate_digest: Digest | None = None
    build: Build | None = None

    @property
    def signed_at(self) -> datetime | None:
        """When it was signed at the latest, by a trusted clock; None where none says so."""
        return self.times[0].at if self.times else None

    @property
    def verified_by(self) -> str:
        """How we know, as evidence has it."""
        if self.identity is None:
            return f"key:{self.key_fingerprint}"
        return f"identity:{self.identity.issuer} {self.identity.name}"

    @property
    def is_signature(self) -> bool:
        """Whether this is an image signature rather than a statement about the image."""
        return self.predicate_type == SIGNATURE_PREDICATE


# Predicate types, by the URI their specification gives.
SIGNATURE_PREDICATE = "https://sigstore.dev/cosign/sign/v1"
CYCLONEDX_PREDICATE = "https://cyclonedx.org/bom"
SPDX_PREDICATE = "https://spdx.dev/Document"
VULNERABILITY_PREDICATE = "https://cosign.sigstore.dev/attestation/vuln/v1"
PROVENANCE_02_PREDICATE = "https://slsa.dev/provenance/v0.2"
PROVENANCE_PREDICATE = "https://slsa.dev/provenance/v1"
OPENVEX_PREDICATE = "https://openvex.dev/ns"
SUMMARY_PREDICATE = "https://slsa.dev/verification_summary/v1"

# The kind of build that `run` names in the provenance of its own steps (docs/adr/0009).
PIPELINE_BUILD_TYPE = "pkg:generic/supplychain#pipeline/v1"


@dataclass(frozen=True, slots=True)
class RecordedFinding:
    """A finding and since when the project has known it.

    Attributes:
        finding: The finding.
        first_seen_at: The earliest scan in the project that found this vulnerability in this
            package, whatever its version and whatever the image: a rebuild cannot reset it.
    """

    finding: Finding
    first_seen_at: datetime
