"""What the text of a policy mentions of the evidence, and whether that can be relied upon."""

from __future__ import annotations

import re
from collections.abc import Iterator

from supplychain.gate.case import Case
from supplychain.gate.evidence import usable_config, usable_sbom, usable_scan
from supplychain.gate.evidence_document import KEYS, attestations_of
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.dossier import Need, PlatformDossier
from supplychain.model.evidence import EvidenceKind

# What changes by time alone, and keys that are made up while it is judged, which may be those.
_TIMELY = re.compile(r"\b(at|age)\b|[\w)\]]\s*\[\s*(?![\s'\"0-9])|\[[^\]]*\+")


def mentioned(text: str) -> frozenset[str]:
    """The keys of the document that a policy's text may read; too many rather than too few."""
    return frozenset(key for key in KEYS if re.search(rf"\b{key}\b", text))


def needs(text: str) -> frozenset[Need]:
    """What has to be in a dossier beside, for a policy's text to be judged."""
    large = {"components": Need.COMPONENTS, "ancestors": Need.ANCESTORS}
    wanted = {large[name] for name in mentioned(text) & large.keys()}
    if re.search(r"\b(epss|exploited)\b", text):
        wanted.add(Need.EXPLOITATION)
    return frozenset(wanted)


def is_timely(text: str) -> bool:
    """Whether what a policy's text says may change by time alone."""
    return _TIMELY.search(text) is not None


def missing(wanted: frozenset[str], platform: PlatformDossier, case: Case) -> list[Violation]:
    """A violation for each piece of evidence that is wanted and cannot be relied upon."""
    found = []
    if wanted & {"scan", "findings", "components", "secrets"}:
        scan = usable_scan(platform, case)
        found += [scan] if isinstance(scan, Violation) else []
        if "secrets" in wanted and not found and platform.secrets is None:
            found.append(_unread("nobody looked for secrets", EvidenceKind.SCAN, platform, case))
    if "sbom" in wanted:
        sbom = usable_sbom(platform, case)
        found += [sbom] if isinstance(sbom, Violation) else []
    if "config" in wanted:
        config = usable_config(platform, case)
        found += [config] if isinstance(config, Violation) else []
    return found


def _unread(message: str, kind: EvidenceKind, platform: PlatformDossier, case: Case) -> Violation:
    remedy = f"supplychain run {case.subject}"
    return Violation(message, remedy, platform=case.named(platform), awaits=kind)


def cited(
    wanted: frozenset[str], platform: PlatformDossier, case: Case
) -> Iterator[EvidenceReference]:
    """The evidence that is wanted, where it can be relied upon."""
    if wanted & {"scan", "findings", "components", "secrets"} and platform.scan is not None:
        yield case.cite(platform.scan.evidence)
    if "sbom" in wanted and platform.sbom is not None:
        yield case.cite(platform.sbom.evidence)
    config = usable_config(platform, case)
    if "config" in wanted and not isinstance(config, Violation):
        yield config[1]
    if "attestations" in wanted:
        yield from map(case.cite_attestation, attestations_of(platform, case))
