"""Factories for what the gate judges: dossiers, attestations and policies under a fixed clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Literal

from supplychain.bootstrap.ready_policies import PREFIX, ready_policy
from supplychain.bootstrap.rego import run_rego
from supplychain.gate.document import load_policy
from supplychain.gate.policy import Policy
from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, PlatformDossier, RecordedFinding
from supplychain.model.evidence import (
    CYCLONEDX_PREDICATE,
    SIGNATURE_PREDICATE,
    Build,
    Evidence,
    EvidenceKind,
    Producer,
    Sbom,
    SbomElement,
    Scan,
    VerifiedAttestation,
)
from supplychain.model.exploitation import (
    Exploitation,
    ExploitChance,
    FeedEdition,
    FeedKind,
    KnownExploit,
)
from supplychain.model.finding import Finding
from supplychain.model.identity import Identity, LogEntry, NameKind
from supplychain.model.subject import Platform, Subject
from tests.kit.scans import AT, PLATFORM, SUBJECT, make_component, make_finding, make_scan, signed

INDEX = Subject("registry.test/shop/web", Digest.of(b"the index"))
ARM = Platform("linux", "arm64")
ARM_SUBJECT = Subject("registry.test/shop/web", Digest.of(b"the arm64 manifest"))
# Not keys: the gate compares fingerprints and leaves parsing to whoever hands it the function.
RELEASE_KEY = b"-----BEGIN PUBLIC KEY-----\nrelease\n-----END PUBLIC KEY-----\n"
OTHER_KEY = b"-----BEGIN PUBLIC KEY-----\nother\n-----END PUBLIC KEY-----\n"

GITHUB = "https://token.actions.githubusercontent.com"
WORKFLOW = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main"
# A job of CI, and a person.
CI = Identity(
    WORKFLOW,
    NameKind.URI,
    GITHUB,
    (
        ("source_repository_ref", "refs/heads/main"),
        ("source_repository_uri", "https://github.com/acme/shop"),
    ),
)
PERSON = Identity("release@acme.example", NameKind.EMAIL, "https://accounts.google.com")
TRUST_CI = f"{{identity: {CI.name}, issuer: {CI.issuer}}}"
TRUST_PERSON = f"{{identity: {PERSON.name}, issuer: {PERSON.issuer}}}"
# What the policies of tests include.
SHARED = b"""\
schemaVersion: 1
platforms: [linux/amd64]
rules:
  - id: scanned-today
    freshness: {scan: 24h}
  - id: no-critical
    vulnerabilities: {severity: critical}
"""
ELEMENTS = (
    "Supplier Name",
    "Component Name",
    "Version of the Component",
    "Other Unique Identifiers",
    "Dependency Relationship",
    "Author of SBOM Data",
    "Timestamp",
)
REGO = b"""\
package main

deny contains msg if {
  some f in input.findings
  f.exploited
  msg := f.id
}
"""
LOG_ENTRY = LogEntry("https://log.test", "00ff", 7, "dsse 0.0.1")


def fingerprint(key: bytes) -> str:
    """A stand-in for the fingerprint of a public key: one per key text."""
    return str(Digest.of(key.strip()))


def make_attestation(
    subject: Subject = SUBJECT,
    *,
    key: bytes = RELEASE_KEY,
    predicate_type: str = SIGNATURE_PREDICATE,
    verified_at: datetime = AT,
    signed_at: datetime | None = None,
    predicate_digest: Digest | None = None,
    identity: Identity | None = None,
    logged: bool | None = None,
    build: Build | None = None,
) -> VerifiedAttestation:
    """An image signature by `RELEASE_KEY`, or an identity's that is logged and timestamped."""
    said = f"{subject.digest} {predicate_type} {predicate_digest} {fingerprint(key)}".encode()
    if build is not None:
        said += repr(build).encode()
    if identity is not None:
        said += repr(identity).encode()
        signed_at = signed_at or verified_at
    in_log = logged if logged is not None else identity is not None
    return VerifiedAttestation(
        subject=subject,
        predicate_type=predicate_type,
        payload=Digest.of(said),
        envelope=Digest.of(b"envelope of " + said),
        key_fingerprint=fingerprint(key),
        verified_at=verified_at,
        identity=identity,
        log_entries=(LOG_ENTRY,) if in_log else (),
        times=signed(signed_at),
        predicate_digest=predicate_digest,
        build=build,
    )


def make_sbom(
    subject: Subject = SUBJECT,
    *,
    document: bytes = b"{}",
    produced_at: datetime = AT,
    component_count: int = 1,
    lacking: Mapping[str, int] | None = None,
) -> Sbom:
    """A recorded CycloneDX 1.6 document, which lacks nothing but what is said."""
    total = dict.fromkeys(ELEMENTS, component_count) | {"Author of SBOM Data": 1, "Timestamp": 1}
    return Sbom(
        evidence=Evidence(
            subject=subject,
            kind=EvidenceKind.SBOM,
            digest=Digest.of(document),
            media_type="application/vnd.cyclonedx+json",
            producer=Producer("supplychain", "0.1.0"),
            produced_at=produced_at,
            verified_by="first-hand",
        ),
        spec_version="1.6",
        component_count=component_count,
        elements=tuple(SbomElement(n, total[n], (lacking or {}).get(n, 0)) for n in ELEMENTS),
    )


def attest_sbom(
    sbom: Sbom, *, key: bytes = RELEASE_KEY, identity: Identity | None = None
) -> VerifiedAttestation:
    """The CycloneDX attestation of `sbom`."""
    return make_attestation(
        sbom.evidence.subject,
        key=key,
        identity=identity,
        predicate_type=CYCLONEDX_PREDICATE,
        predicate_digest=sbom.evidence.digest,
    )


def known(finding: Finding | None = None, *, for_: timedelta = timedelta()) -> RecordedFinding:
    """A finding that the project has known for `for_` at `AT`."""
    return RecordedFinding(finding or make_finding(), AT - for_)


def make_platform(
    subject: Subject = SUBJECT,
    *,
    platform: Platform = PLATFORM,
    scan: Scan | Literal["fresh"] | None = "fresh",
    findings: Iterable[RecordedFinding] = (),
    sbom: Sbom | Literal["made"] | None = "made",
    attestations: Sequence[VerifiedAttestation] | None = None,
    components: Sequence[Component] | None = None,
) -> PlatformDossier:
    """A platform with a scan, an SBOM and its attestation; None takes a piece away."""
    found = (make_component(),) if components is None else tuple(components)
    made_scan = make_scan(subject=subject, components=()) if scan == "fresh" else scan
    made_sbom = make_sbom(subject) if sbom == "made" else sbom
    if attestations is None:
        attestations = (attest_sbom(made_sbom),) if made_sbom else ()
    return PlatformDossier(
        subject=subject,
        platform=platform,
        scan=made_scan,
        findings=tuple(findings),
        sbom=made_sbom,
        component_count=len(found),
        attestations=tuple(attestations),
        components=found,
    )


def make_dossier(
    *platforms: PlatformDossier,
    subject: Subject = SUBJECT,
    attestations: Sequence[VerifiedAttestation] | None = None,
) -> Dossier:
    """A dossier in which everything is in order: one platform, signed, scanned, with an SBOM."""
    return Dossier(
        subject=subject,
        platforms=platforms or (make_platform(),),
        attestations=(make_attestation(subject),) if attestations is None else tuple(attestations),
        repositories=(subject.name,),
    )


def make_exploitation(
    *,
    epss: Mapping[str, float] | None = None,
    kev: Sequence[str] | None = None,
    age: timedelta = timedelta(hours=6),
) -> Exploitation:
    """Editions of EPSS and KEV of an age, and what they say; the percentile is the score's root."""

    def edition(kind: FeedKind) -> FeedEdition:
        made = AT - age
        return FeedEdition(kind, Digest.of(f"{kind} {made}".encode()), made, AT, f"{kind}.file")

    chances = {} if epss is None else epss
    return Exploitation(
        edition(FeedKind.EPSS),
        edition(FeedKind.KEV),
        tuple(ExploitChance(name, p, p**0.5) for name, p in sorted(chances.items())),
        tuple(
            KnownExploit(name, date(2021, 12, 10), date(2021, 12, 24), ransomware=False)
            for name in sorted(kev or ())
        ),
    )


def make_index(*, findings: Iterable[RecordedFinding] = ()) -> Dossier:
    """A signed index of linux/amd64 and linux/arm64; the findings are those of arm64."""
    arm = make_platform(ARM_SUBJECT, platform=ARM, findings=findings)
    return make_dossier(make_platform(), arm, subject=INDEX)


def load(document: str, *, source: str = "prod.yaml") -> Policy:
    """A policy from its text; every path of a key gives a key of its own by that name.

    What it includes is a ready policy, or by whatever path, `SHARED`.
    """
    return load_policy(
        document.encode(),
        source=source,
        read_key=read_key,
        fingerprint=fingerprint,
        read_document=read_shared,
        run_rego=run_rego,
    )


def read_shared(path: str) -> bytes:
    """A ready policy, `REGO`, or `SHARED`."""
    if path.endswith(".rego"):
        return REGO
    if path.startswith(PREFIX):
        return ready_policy(path.removeprefix(PREFIX))
    return SHARED


def read_key(path: str) -> bytes:
    """`release.pub` is `RELEASE_KEY`, and every other path another key."""
    word = path.rpartition("/")[2].removesuffix(".pub")
    return f"-----BEGIN PUBLIC KEY-----\n{word}\n-----END PUBLIC KEY-----\n".encode()


def make_policy(*rules: str, environment: str = "prod", platforms: str = "") -> Policy:
    """A policy of these rules, each as one line of YAML without the dash."""
    lines = ["schemaVersion: 1", f"environment: {environment}", "rules:"]
    lines += [f"  - {rule}" for rule in rules]
    if platforms:
        lines.append(f"platforms: [{platforms}]")
    return load("\n".join(lines) + "\n")
