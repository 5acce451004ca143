"""Which recorded evidence a rule may rest on; what may not be relied upon is a violation."""

from __future__ import annotations

from collections.abc import Iterable

from supplychain.gate.case import Case, made_at
from supplychain.gate.durations import span
from supplychain.gate.keys import TrustedKey, named
from supplychain.model.decision import Violation
from supplychain.model.evidence import (
    Evidence,
    EvidenceKind,
    PlatformDossier,
    Sbom,
    Scan,
    VerifiedAttestation,
)

_NAMES = {EvidenceKind.SCAN: "scan", EvidenceKind.SBOM: "SBOM"}


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


def latest_by(
    keys: Iterable[TrustedKey], attestations: Iterable[VerifiedAttestation], case: Case
) -> tuple[VerifiedAttestation, TrustedKey] | None:
    """The latest of the attestations that one of the keys made, and which; None where none did.

    One signed or verified in the future counts for nothing, nor does one from outside its key's
    window or by a key that is revoked. Without a trusted timestamp it is the instant at which we
    first verified it that has to lie in the window: a key alone does not tell when it signed.
    """
    trusted = {key.fingerprint: key for key in keys}
    made = [
        a
        for a in attestations
        if a.key_fingerprint in trusted
        and not _to_come(a, case)
        and trusted[a.key_fingerprint].covers(made_at(a))
    ]
    if not made:
        return None
    latest = max(made, key=lambda a: (made_at(a), str(a.envelope)))
    return latest, trusted[latest.key_fingerprint]


def passed_over(
    keys: Iterable[TrustedKey], attestations: Iterable[VerifiedAttestation], case: Case
) -> str | None:
    """Why the attestations that the keys made do not count; None where they made none."""
    trusted = {key.fingerprint: key for key in keys}
    made = [a for a in attestations if a.key_fingerprint in trusted]
    if not made:
        return None
    past = [a for a in made if not _to_come(a, case)]
    if not past:
        return f"with {named(_of(trusted, made))} is from the future"
    latest = max(past, key=lambda a: (made_at(a), str(a.envelope)))
    key = trusted[latest.key_fingerprint]
    if key.revoked:
        return f"with {key} does not count: the key is revoked"
    how = "signed" if latest.signed_at else "first verified"
    when = made_at(latest).isoformat().replace("+00:00", "Z")
    return f"with {key} was {how} at {when}, and the key counts {key.window}"


def _of(
    trusted: dict[str, TrustedKey], made: Iterable[VerifiedAttestation]
) -> tuple[TrustedKey, ...]:
    """The keys that made them, in the rule's order."""
    used = {a.key_fingerprint for a in made}
    return tuple(key for fingerprint, key in trusted.items() if fingerprint in used)


def signers(keys: Iterable[TrustedKey], case: Case) -> str:
    """The keys with which something may be signed now, for a remedy."""
    usable = [key for key in keys if key.covers(case.at)]
    return named(usable) if usable else "a key that the policy still has to name"


def _to_come(attestation: VerifiedAttestation, case: Case) -> bool:
    return case.to_come(max(attestation.verified_at, made_at(attestation)))


def run(case: Case) -> str:
    """The remedy of having the evidence made anew."""
    return f"supplychain run {case.subject}"


def _missing(kind: EvidenceKind, platform: PlatformDossier, case: Case) -> Violation:
    return Violation(
        message=f"no {_NAMES[kind]} is recorded",
        remedy=run(case),
        platform=case.named(platform),
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
