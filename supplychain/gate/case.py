"""What a rule is given and what it gives back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Protocol, runtime_checkable

from supplychain.frozen import dataclass
from supplychain.gate.vex_terms import VexTerms
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, Need, PlatformDossier
from supplychain.model.evidence import Evidence, EvidenceKind, VerifiedAttestation
from supplychain.model.subject import Platform, Subject

# How far clocks that made evidence may run ahead of the one judged by. Anything later was made
# after the instant judged for, or the clock was moved back, and proves nothing.
CLOCK_TOLERANCE = timedelta(minutes=1)
# The least difference between two instants: what ends at one still holds so long before it.
MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Case:
    """What the rules judge: the recorded evidence about one digest, at one instant.

    Attributes:
        dossier: Everything that the record holds about the digest asked about.
        environment: Where it wants to run.
        platforms: What the environment would run of it; never empty.
        at: The instant judged for (aware, UTC); there is no other clock.
        vex: On what terms the policy believes claims; None where it believes nobody's.
    """

    dossier: Dossier
    environment: str
    platforms: tuple[PlatformDossier, ...]
    at: datetime
    vex: VexTerms | None = None

    @property
    def subject(self) -> Subject:
        """The digest asked about: a platform manifest or an index."""
        return self.dossier.subject

    @property
    def attestations(self) -> tuple[VerifiedAttestation, ...]:
        """Verified statements about the digest asked about."""
        return self.dossier.attestations

    def age(self, moment: datetime) -> timedelta:
        """How old something of that moment is; never negative."""
        return max(self.at - moment, timedelta())

    def to_come(self, moment: datetime) -> bool:
        """Whether that moment lies in the future, beyond what clocks may differ."""
        return moment > self.at + CLOCK_TOLERANCE

    def named(self, platform: PlatformDossier) -> Platform | None:
        """The platform for a violation; None where there is only one and it goes without saying."""
        return platform.platform if len(self.platforms) > 1 else None

    def cite(self, evidence: Evidence) -> EvidenceReference:
        """A reference to evidence, with its age."""
        return self._reference(evidence.kind, evidence.digest, evidence.produced_at)

    def cite_attestation(self, attestation: VerifiedAttestation) -> EvidenceReference:
        """A reference to a verified attestation or signature, by the digest of its envelope."""
        kind = EvidenceKind.SIGNATURE if attestation.is_signature else EvidenceKind.ATTESTATION
        return self._reference(kind, attestation.envelope, made_at(attestation))

    def cite_document(
        self, kind: EvidenceKind, digest: Digest, produced_at: datetime
    ) -> EvidenceReference:
        """A reference to any other document on record, with its age."""
        return self._reference(kind, digest, produced_at)

    def _reference(
        self, kind: EvidenceKind, digest: Digest, produced_at: datetime
    ) -> EvidenceReference:
        return EvidenceReference(kind, digest, produced_at, (self.at - produced_at).total_seconds())


def made_at(attestation: VerifiedAttestation) -> datetime:
    """When it was signed, or where no trusted clock says so, when we verified it."""
    return attestation.signed_at or attestation.verified_at


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one rule says about a case.

    Attributes:
        summary: One line for people: what was looked at.
        violations: Every reason to deny; none means that the rule is satisfied. A violation about
            a finding leaves its remedy empty: `evaluate` writes one per package, over all rules.
        evidence: What it rests on.
        holds_until: The last instant at which a satisfied rule stays so; None where time alone
            changes nothing.
        relents_at: The first instant at which time alone may satisfy a rule that is violated;
            None where it never does.
        notes: What else there is to tell, one line each: whose claims cleared which finding.
        applies: Whether there was anything to judge; where not, `summary` says why, and there is
            no violation. Evidence that is missing is a violation, never a reason not to apply.
    """

    summary: str
    violations: tuple[Violation, ...] = ()
    evidence: tuple[EvidenceReference, ...] = ()
    holds_until: datetime | None = None
    relents_at: datetime | None = None
    applies: bool = True
    notes: tuple[str, ...] = ()


class Rule(Protocol):
    """One kind of demand that a policy can make; its dataclass fields are its options.

    A rule is a frozen dataclass in a file of its own under `gate/rules`, with one line in the
    registry there. It judges by the case alone and raises nothing: what is missing or cannot be
    relied upon is a violation.
    """

    name: ClassVar[str]
    # One-key mappings as they stand in a policy; a test loads every one.
    examples: ClassVar[tuple[str, ...]]
    # Whether a waiver can bear what it denies.
    waivable: ClassVar[bool]

    @property
    def needs(self) -> frozenset[Need]:
        """What it reads of a dossier that is left out unless asked for."""
        ...

    def judge(self, case: Case) -> Judgement:
        """What this rule says about the case."""
        ...


@runtime_checkable
class Exclusive(Protocol):
    """A rule that may demand what another one of its kind excludes."""

    def contradiction(self, other: Rule) -> str:
        """What no image can satisfy of the two; "" for nothing."""
        ...
