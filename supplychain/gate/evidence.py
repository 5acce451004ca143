"""Which recorded evidence a rule may rest on; what may not be relied upon is a violation."""

from __future__ import annotations

from datetime import UTC, datetime

from supplychain.gate.case import Case
from supplychain.gate.durations import span
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.dossier import PlatformDossier
from supplychain.model.evidence import Evidence, EvidenceKind, Sbom, Scan
from supplychain.model.image_config import ImageConfig

_NAMES = {
    EvidenceKind.SCAN: "scan",
    EvidenceKind.SBOM: "SBOM",
    EvidenceKind.CONFIG: "configuration",
}


# The first day of Docker in public. An image that says it is older (the year 1, 1970, 1980) was
# built so that the same sources give the same bytes, and does not say when.
FIRST_IMAGE = datetime(2013, 3, 20, tzinfo=UTC)


def moment_made(said: datetime | None, case: Case) -> datetime | None:
    """When an image was made, by its own word; None where it says nothing that can be so."""
    return None if said is None or said < FIRST_IMAGE or case.to_come(said) else said


def usable_scan(platform: PlatformDossier, case: Case) -> Scan | Violation:
    """The platform's latest scan, or why there is none to rely upon."""
    scan = platform.scan
    if scan is None:
        return _missing(EvidenceKind.SCAN, platform, case)
    wrong = _wrong(scan.evidence, EvidenceKind.SCAN, platform, case)
    if wrong is None and case.to_come(scan.database.updated_at):
        ahead = span(scan.database.updated_at - case.at)
        wrong = f"the scan's vulnerability database is from the future, {ahead} ahead"
    return _refused(wrong, scan.evidence, platform, case) if wrong else scan


def usable_sbom(platform: PlatformDossier, case: Case) -> Sbom | Violation:
    """The platform's latest SBOM, or why there is none to rely upon."""
    sbom = platform.sbom
    if sbom is None:
        return _missing(EvidenceKind.SBOM, platform, case)
    wrong = _wrong(sbom.evidence, EvidenceKind.SBOM, platform, case)
    return _refused(wrong, sbom.evidence, platform, case) if wrong else sbom


def usable_config(
    platform: PlatformDossier, case: Case
) -> tuple[ImageConfig, EvidenceReference] | Violation:
    """The platform's configuration and the evidence of it, or why there is none to rely upon."""
    config, evidence = platform.config, platform.config_evidence
    if config is None or evidence is None:
        return _missing(EvidenceKind.CONFIG, platform, case)
    wrong = _wrong(evidence, EvidenceKind.CONFIG, platform, case)
    if wrong:
        return _refused(wrong, evidence, platform, case)
    return config, case.cite(evidence)


def run(case: Case) -> str:
    """The remedy of having the evidence made anew."""
    return f"supplychain run {case.subject}"


def _missing(kind: EvidenceKind, platform: PlatformDossier, case: Case) -> Violation:
    return Violation(
        message=f"no {_NAMES[kind]} is recorded",
        remedy=run(case),
        platform=case.named(platform),
        awaits=kind,
    )


def _wrong(
    evidence: Evidence, kind: EvidenceKind, platform: PlatformDossier, case: Case
) -> str | None:
    name = _NAMES[kind]
    if evidence.kind is not kind:
        return f"what is recorded as {name} is evidence of another kind, {evidence.kind}"
    if evidence.subject.digest != platform.subject.digest:
        return f"the {name} is about another digest, {evidence.subject.digest}"
    if not evidence.verified_by:
        return f"nobody verified the {name}"
    if case.to_come(evidence.produced_at):
        return f"the {name} is from the future, {span(evidence.produced_at - case.at)} ahead"
    return None


def _refused(wrong: str, evidence: Evidence, platform: PlatformDossier, case: Case) -> Violation:
    return Violation(
        message=wrong,
        remedy=run(case),
        platform=case.named(platform),
        evidence=case.cite(evidence),
    )
