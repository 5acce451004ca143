"""Is it known what the image is made of?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from supplychain.gate.authorities import Authorities
from supplychain.gate.case import Case, Judgement
from supplychain.gate.evidence import run, usable_sbom
from supplychain.gate.vouching import Said, vouch
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.dossier import Need, PlatformDossier
from supplychain.model.evidence import CYCLONEDX_PREDICATE, EvidenceKind, Sbom


@dataclass(frozen=True, slots=True)
class SbomPresent(Authorities):
    """Every platform has an SBOM; where somebody is named, one that they attested.

    An attestation counts where it signs the very bytes of the recorded SBOM, or
    [refers to them](signing.md#large-sboms) by their digest.
    """

    name: ClassVar[str] = "sbom"
    examples: ClassVar[tuple[str, ...]] = ("sbom: {}", "sbom: {keys: [release.pub]}")
    needs: ClassVar[frozenset[Need]] = frozenset()
    waivable: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse authorities of which it is not plain how they go together.

        Raises:
            PolicyError: As `Authorities.require_one_way`. To name nobody is fine.
        """
        self.require_one_way()

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        violations: list[Violation] = []
        evidence: list[EvidenceReference] = []
        summaries = []
        for platform in case.platforms:
            sbom = usable_sbom(platform, case)
            if isinstance(sbom, Violation):
                violations.append(sbom)
                continue
            evidence.append(case.cite(sbom.evidence))
            plural = "" if sbom.component_count == 1 else "s"
            summaries.append(
                f"{sbom.component_count} component{plural}, CycloneDX {sbom.spec_version}"
            )
            if self.anybody:
                found = self._attested(sbom, platform, case)
                violations += _violations(found, sbom, platform, case)
                evidence += [case.cite_attestation(one.attestation) for one in found.vouched]
        attested = ", attested" if self.anybody and not violations else ""
        summary = "; ".join(dict.fromkeys(summaries)) or "no SBOM"
        return Judgement(summary + attested, tuple(violations), tuple(evidence))

    def _attested(self, sbom: Sbom, platform: PlatformDossier, case: Case) -> Said:
        about_it = [
            a
            for a in platform.attestations
            if a.predicate_type == CYCLONEDX_PREDICATE
            and a.subject.digest == platform.subject.digest
            and a.predicate_digest == sbom.evidence.digest
        ]
        return vouch(self, about_it, case)


def _violations(found: Said, sbom: Sbom, platform: PlatformDossier, case: Case) -> list[Violation]:
    return [
        Violation(
            message=refusal.message("the SBOM is not attested", "the SBOM's attestation"),
            remedy=refusal.remedy("attest it", run(case)),
            awaits=EvidenceKind.ATTESTATION if not refusal.passed else None,
            platform=case.named(platform),
            evidence=case.cite(sbom.evidence),
        )
        for refusal in found.refusals
    ]
