"""Is it known what the image is made of, and well enough?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import ClassVar

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.gate.authorities import Authorities
from supplychain.gate.case import Case, Judgement
from supplychain.gate.evidence import run, usable_sbom
from supplychain.gate.inventory import SYSTEM, Patterns, named, usable_components
from supplychain.gate.options import COUNT, ListOf, Word, choice, option
from supplychain.gate.packages import PACKAGE_PATTERN, Match, PackagePattern
from supplychain.gate.rules.packages import denials
from supplychain.gate.vouching import Said, vouch
from supplychain.model.component import Component
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.dossier import Need, PlatformDossier
from supplychain.model.evidence import CYCLONEDX_PREDICATE, Sbom

_ELEMENTS = {
    "supplier": "Supplier Name",
    "name": "Component Name",
    "version": "Version of the Component",
    "identifier": "Other Unique Identifiers",
    "dependencies": "Dependency Relationship",
    "author": "Author of SBOM Data",
    "timestamp": "Timestamp",
}


def _percent(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:4]) <= 100:
        raise InputError(f"{text[:40]!r} is not a percentage", hint="a whole number from 1 to 100")
    return int(text)


PERCENT = Word("a percentage", _percent, {"type": "integer", "minimum": 1, "maximum": 100}, int)
ELEMENTS = ListOf(choice("a minimum element", _ELEMENTS))
SPEC_VERSIONS = ListOf(choice("a version of CycloneDX", {"1.6": "1.6", "1.7": "1.7"}))
PATTERNS = ListOf(PACKAGE_PATTERN)


@dataclass(frozen=True, slots=True)
class SbomPresent(Authorities):
    """Every platform has an SBOM, and a good one; where somebody is named, one that they attested.

    An attestation counts where it signs the very bytes of the recorded SBOM, or
    [refers to them](signing.md#large-sboms) by their digest.

    `quality` is the mean of the shares that have each of NTIA's seven minimum elements, as
    `supplychain export sbom` and [the SBOM](sbom.md) tell it; `elements` names those that nothing
    may lack: `supplier`, `name`, `version`, `identifier` and `dependencies` of every component,
    `author` and `timestamp` of the document. An SBOM that nobody measured has none of them.

    `allowed` and `denied` name packages as the rule [packages](#packages) does: with `allowed`,
    every package in the image has to be one of those. The components are those of the scan that
    the SBOM was made from, so that the record alone can tell: for `verify --policy`, which has no
    scan, none of them is known.
    """

    name: ClassVar[str] = "sbom"
    examples: ClassVar[tuple[str, ...]] = (
        "sbom: {}",
        "sbom: {keys: [release.pub]}",
        "sbom: {quality: 80, elements: [version, identifier], components: 1}",
        """
        # Built from nothing but a distribution and one organisation's own packages:
        sbom: {allowed: [pkg:deb/debian/*, pkg:npm/@acme/*], spec_versions: ["1.6", "1.7"]}
        """,
    )
    waivable: ClassVar[bool] = True

    quality: int | None = field(
        default=None, metadata=option(PERCENT, "how good it has to be at least, in percent")
    )
    elements: tuple[str, ...] = field(
        default=(), metadata=option(ELEMENTS, "minimum elements that nothing in it may lack")
    )
    spec_versions: tuple[str, ...] = field(
        default=(), metadata=option(SPEC_VERSIONS, "which CycloneDX it may be; default: any")
    )
    components: int | None = field(
        default=None, metadata=option(COUNT, "how many components it has at least")
    )
    allowed: tuple[PackagePattern, ...] = field(
        default=(), metadata=option(PATTERNS, "packages of which each has to be one; default: any")
    )
    denied: tuple[PackagePattern, ...] = field(
        default=(), metadata=option(PATTERNS, "packages of which none may be there")
    )

    def __post_init__(self) -> None:
        """Refuse authorities of which it is not plain how they go together.

        Raises:
            PolicyError: As `Authorities.require_one_way`. To name nobody is fine.
        """
        self.require_one_way()

    @property
    def needs(self) -> frozenset[Need]:
        """See `Rule.needs`: the components only where it is about single ones."""
        return frozenset({Need.COMPONENTS} if self.allowed or self.denied else ())

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
            summaries.append(self._summary(sbom))
            if self.anybody:
                found = self._attested(sbom, platform, case)
                violations += _violations(found, sbom, platform, case)
                evidence += [case.cite_attestation(one.attestation) for one in found.vouched]
            for lacking, remedy in self._lacks(sbom):
                cited = case.cite(sbom.evidence)
                where = case.named(platform)
                violations.append(
                    Violation(lacking, remedy or run(case), platform=where, evidence=cited)
                )
            if self.allowed or self.denied:
                violations += self._packages(platform, evidence, case)
        attested = ", attested" if self.anybody and not violations else ""
        summary = "; ".join(dict.fromkeys(summaries)) or "no SBOM"
        return Judgement(summary + attested, tuple(violations), tuple(evidence))

    def _summary(self, sbom: Sbom) -> str:
        plural = "" if sbom.component_count == 1 else "s"
        said = f"{sbom.component_count} component{plural}, CycloneDX {sbom.spec_version}"
        return f"{said}, quality {sbom.quality} %" if self.quality and sbom.elements else said

    def _lacks(self, sbom: Sbom) -> Iterator[tuple[str, str]]:
        """What the SBOM should be and is not, and what to do where that is not another run."""
        if self.spec_versions and sbom.spec_version not in self.spec_versions:
            wanted = " or ".join(self.spec_versions)
            yield f"the SBOM is CycloneDX {sbom.spec_version}, not {wanted}", ""
        if self.components is not None and sbom.component_count < self.components:
            yield (
                f"the SBOM has {sbom.component_count} components, at least {self.components} due",
                "",
            )
        if (self.quality or self.elements) and not sbom.elements:
            yield "nobody measured how good the SBOM is", ""
            return
        whole = {element.name for element in sbom.elements if element.whole}
        better = (
            "have the packages, or the run that makes the SBOM, say what it lacks: docs/sbom.md"
        )
        if self.quality is not None and sbom.quality < self.quality:
            lacking = ", ".join(e.name for e in sbom.elements if not e.whole)
            yield (
                f"the SBOM's quality is {sbom.quality} %, limit {self.quality} %: {lacking}",
                better,
            )
        for name in self.elements:
            if name not in whole:
                yield f"the SBOM is not complete: {_counted(name, sbom)}", better

    def _packages(
        self, platform: PlatformDossier, evidence: list[EvidenceReference], case: Case
    ) -> list[Violation]:
        found = usable_components(platform, case)
        if isinstance(found, Violation):
            return [found]
        components, cited = found
        evidence.append(cited)
        denied = denials(self.denied, components, platform, cited, case)
        return denied + [
            Violation(
                message=f"{named(component)} is none of the packages that are allowed",
                remedy=f"remove {component.name}, or allow it",
                platform=case.named(platform),
                evidence=cited,
                purl=component.purl or component.name,
            )
            for component in self._strangers(components)
        ]

    def _strangers(self, components: Sequence[Component]) -> Iterator[Component]:
        """What is none of the packages that are allowed, where only some are."""
        found = Patterns(self.allowed).among(components)
        allowed = {component.key for component, _, match in found if match is Match.INSIDE}
        for component in components if self.allowed else ():
            if component.key not in allowed and component.kind != SYSTEM:
                yield component

    def _attested(self, sbom: Sbom, platform: PlatformDossier, case: Case) -> Said:
        about_it = [
            a
            for a in platform.attestations
            if a.predicate_type == CYCLONEDX_PREDICATE
            and a.subject.digest == platform.subject.digest
            and a.predicate_digest == sbom.evidence.digest
        ]
        return vouch(self, about_it, case)


def _counted(name: str, sbom: Sbom) -> str:
    for element in sbom.elements:
        if element.name == name and element.total:
            what = "components lack" if element.total > 1 else "lacks"
            return f"{element.missing} of {element.total} {what} {name}"
    return f"nothing has {name}"


def _violations(found: Said, sbom: Sbom, platform: PlatformDossier, case: Case) -> list[Violation]:
    return [
        Violation(
            message=refusal.message("the SBOM is not attested", "the SBOM's attestation"),
            remedy=refusal.remedy("attest it", run(case)),
            platform=case.named(platform),
            evidence=case.cite(sbom.evidence),
        )
        for refusal in found.refusals
    ]
