"""Is it known what the image is made of?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from supplychain.gate.case import Case, Judgement
from supplychain.gate.evidence import latest_by, passed_over, run, signers, usable_sbom
from supplychain.gate.keys import KEYS, TrustedKey, named
from supplychain.gate.options import option
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.evidence import CYCLONEDX_PREDICATE, PlatformDossier, Sbom


@dataclass(frozen=True, slots=True)
class SbomPresent:
    """Every platform has an SBOM; with `keys`, one that is attested with one of them.

    An attestation counts where it signs the very bytes of the recorded SBOM.
    """

    name: ClassVar[str] = "sbom"
    examples: ClassVar[tuple[str, ...]] = ("sbom: {}", "sbom: {keys: [release.pub]}")

    keys: tuple[TrustedKey, ...] = field(
        default=(), metadata=option(KEYS, "public keys, any one of which has to attest the SBOM")
    )

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
            if self.keys:
                attestation = self._attestation(sbom, platform, case)
                if isinstance(attestation, Violation):
                    violations.append(attestation)
                else:
                    evidence.append(attestation)
        attested = ", attested" if self.keys and not violations else ""
        summary = "; ".join(dict.fromkeys(summaries)) or "no SBOM"
        return Judgement(summary + attested, tuple(violations), tuple(evidence))

    def _attestation(
        self, sbom: Sbom, platform: PlatformDossier, case: Case
    ) -> EvidenceReference | Violation:
        about_it = [
            a
            for a in platform.attestations
            if a.predicate_type == CYCLONEDX_PREDICATE
            and a.subject.digest == platform.subject.digest
            and a.predicate_digest == sbom.evidence.digest
        ]
        found = latest_by(self.keys, about_it, case)
        if found is None:
            passed = passed_over(self.keys, about_it, case)
            return Violation(
                message=f"the SBOM's attestation {passed}"
                if passed
                else f"the SBOM is not attested with {named(self.keys)}",
                remedy=f"attest it with {signers(self.keys, case)}: {run(case)} --key FILE",
                platform=case.named(platform),
                evidence=case.cite(sbom.evidence),
            )
        return case.cite_attestation(found[0])
