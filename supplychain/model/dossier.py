"""Dossiers: everything the record holds that bears on one digest, which is what the gate judges."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from enum import StrEnum

from supplychain.frozen import dataclass
from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.evidence import Evidence, Sbom, Scan, VerifiedAttestation
from supplychain.model.exploitation import Exploitation
from supplychain.model.finding import Finding
from supplychain.model.history import Allowance, Approval, Attempt, Deployment, Underway
from supplychain.model.image_config import Ancestor, ImageConfig, Secret
from supplychain.model.subject import Platform, Subject
from supplychain.model.unsigned import Claimed
from supplychain.model.vex import VexStatement
from supplychain.model.waiver import Waiver


class Need(StrEnum):
    """What is left out of a dossier unless some rule needs it, for it is large."""

    ANCESTORS = "ancestors"
    COMPONENTS = "components"
    RUNNING = "running"
    EXPLOITATION = "exploitation"
    CLAIMS = "claims"


@dataclass(frozen=True, slots=True)
class RecordedFinding:
    """A finding and since when the project has known it.

    Attributes:
        finding: The finding.
        first_seen_at: The earliest scan in the project that found this vulnerability in this
            package, whatever its version and whatever the image: a rebuild cannot reset it.
        fixable_at: The earliest scan in the project that knew a version which repairs it; None
            where no scan that is on record so did.
    """

    finding: Finding
    first_seen_at: datetime
    fixable_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlatformDossier:
    """What the record holds about one platform manifest.

    Attributes:
        subject: The platform manifest.
        platform: What it runs on.
        scan: The latest scan, without components and findings; None where there is none.
        findings: The latest scan's findings.
        sbom: The latest SBOM; None where there is none.
        component_count: Components that the latest scan found.
        attestations: Verified statements about this manifest, signatures among them.
        components: The components that the latest scan found, sorted by key; only where `Need`ed.
        secrets: What looks like a secret in the latest scan; None where that was not looked for.
        config: The image's configuration; None where it is not on record.
        config_evidence: How that is known; None where it is not.
        ancestors: The images that it was built upon, the nearest first; only where `Need`ed.
        recorded_at: Since when anything is on record about it; None where nobody says.
        claims: Of everybody who claims something without a signature, the latest of each kind:
            whose word counts is judged, not looked up; only where `Need`ed.
    """

    subject: Subject
    platform: Platform
    scan: Scan | None
    findings: tuple[RecordedFinding, ...]
    sbom: Sbom | None
    component_count: int
    attestations: tuple[VerifiedAttestation, ...]
    components: tuple[Component, ...] = ()
    secrets: tuple[Secret, ...] | None = None
    config: ImageConfig | None = None
    config_evidence: Evidence | None = None
    ancestors: tuple[Ancestor, ...] = ()
    recorded_at: datetime | None = None
    claims: tuple[Claimed, ...] = ()


@dataclass(frozen=True, slots=True)
class Running:
    """What runs of a repository in the environment that is asked about.

    Attributes:
        deployment: The latest deployment there that has not ended.
        platforms: What is recorded about it, with components.
    """

    deployment: Deployment
    platforms: tuple[PlatformDossier, ...]


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything the record holds that bears on one digest in one environment.

    Attributes:
        subject: The digest asked about: a platform manifest or an index.
        platforms: One entry for a platform manifest; every runnable child for an index.
        attestations: Verified statements about `subject.digest` itself.
        waivers: Every waiver of the project that could be meant, by number, expired and
            unapproved ones too: whether one counts is judged, not looked up.
        statements: VEX statements that could be meant.
        exploitation: What EPSS and KEV say about its findings.
        deployments: Where this digest runs and ran, the newest first.
        allowances: Where and when decisions allowed this digest, the newest first.
        approvals: Who approved this digest, where, the newest first.
        underway: What is being made of this digest at this moment.
        running: What runs of its repository in the environment asked about; None where nothing
            does or no rule `Need`s it.
        names: Every name under which the digest is on record, whoever chose it.
        repositories: Those of its names under which a registry was seen to have it. What loosens
            goes by these alone, and what tightens by `names`.
        indexes: The recorded indexes that list it.
        attempt: Of a digest of which nothing is recorded, the last run that came to nothing; None
            for none.
        unstarted: Why asking about a digest of which nothing is recorded started no run; "" where
            that was not tried.
    """

    subject: Subject
    platforms: tuple[PlatformDossier, ...]
    attestations: tuple[VerifiedAttestation, ...]
    waivers: tuple[Waiver, ...] = ()
    statements: tuple[VexStatement, ...] = ()
    exploitation: Exploitation = field(default_factory=Exploitation)
    deployments: tuple[Deployment, ...] = ()
    allowances: tuple[Allowance, ...] = ()
    approvals: tuple[Approval, ...] = ()
    underway: tuple[Underway, ...] = ()
    running: Running | None = None
    names: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    indexes: tuple[Digest, ...] = ()
    attempt: Attempt | None = None
    unstarted: str = ""

    @property
    def called(self) -> frozenset[str]:
        """Everything that anybody calls it."""
        return frozenset({self.subject.name, *self.names, *self.repositories} - {""})
