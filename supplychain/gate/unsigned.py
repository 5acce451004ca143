"""Unsigned documents that a policy names: they fill gaps, and never take the place of a proof.

Where nothing verified of a kind is on record, the newest document of those whose word counts
stands in for it. Where something is, it stays, and what the others found besides is judged too:
the stricter of the two holds. So a claim never softens what verified evidence says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Self

from supplychain.frozen import dataclass
from supplychain.gate.case import Case, Judgement, Rule
from supplychain.gate.durations import span
from supplychain.gate.unsigned_terms import ClaimTerms
from supplychain.model.decision import Violation
from supplychain.model.digest import Digest
from supplychain.model.dossier import PlatformDossier, RecordedFinding
from supplychain.model.evidence import Evidence, EvidenceKind, Scan
from supplychain.model.finding import Finding
from supplychain.model.unsigned import Claimed

Platforms = tuple[PlatformDossier, ...]


@dataclass(frozen=True, slots=True)
class Unsigned:
    """What the claims that count make of the platforms of a case.

    Attributes:
        platforms: The platforms, their gaps filled.
        joined: The same with what claims found besides verified scans; None where that is nothing.
        claims: The claims that count, by the digests of their documents.
        found: Whose claim a finding is from that no verified scan has, by platform and finding.
    """

    platforms: Platforms
    joined: Platforms | None = None
    claims: dict[Digest, Claimed] = field(default_factory=dict)
    found: dict[tuple[Digest, Finding], Claimed] = field(default_factory=dict)

    @classmethod
    def of(cls, platforms: Platforms, terms: Sequence[ClaimTerms]) -> Self:
        """What counts of the claims about platforms.

        Args:
            platforms: The platforms.
            terms: Whose word a policy takes.
        """
        made = cls(platforms)
        if not terms or not any(platform.claims for platform in platforms):
            return made
        filled: list[PlatformDossier] = []
        joined: list[PlatformDossier] = []
        for platform in platforms:
            scans, sboms = _counting(platform, terms)
            made.claims.update({_document(one): one for one in (*scans, *sboms)})
            whole = _with_sbom(platform, sboms)
            if whole.scan is None:
                whole = _with_scan(whole, scans)
            filled.append(whole)
            joined.append(_with_findings(whole, scans, made.found))
        # Of a gap there is nothing verified that the others could disagree with.
        ready = tuple(
            more if own.scan is None else one
            for own, one, more in zip(platforms, filled, joined, strict=True)
        )
        besides = tuple(joined)
        return replace(made, platforms=ready, joined=besides if besides != ready else None)

    def judge(self, rule: Rule, case: Case) -> Judgement:
        """What a rule says about the case; the stricter, where claims and proofs disagree."""
        said = rule.judge(case)
        if self.joined is not None:
            said = _stricter(said, rule.judge(replace(case, platforms=self.joined)))
        return self._told(said, case) if self.claims else said

    def _told(self, said: Judgement, case: Case) -> Judgement:
        """The judgement, with every claim that it rests on named as one."""
        violations = tuple(self._marked(one, case) for one in said.violations)
        cited = {one.digest for one in (*said.evidence, *(v.evidence for v in violations)) if one}
        named = [one for digest, one in self.claims.items() if digest in cited]
        notes = tuple(dict.fromkeys(_note(one, case) for one in sorted(named, key=_note_order)))
        return replace(said, violations=violations, notes=(*said.notes, *notes))

    def _marked(self, violation: Violation, case: Case) -> Violation:
        if violation.finding is None:
            return violation
        for platform in case.platforms:
            claim = self.found.get((platform.subject.digest, violation.finding))
            if claim is not None and violation.platform == case.named(platform):
                scan = _scan(claim)
                note = f"claimed by {claim.caller}, unsigned"
                notes = (*violation.notes, note)
                return replace(violation, evidence=case.cite(scan.evidence), notes=notes)
        return violation


def _counting(
    platform: PlatformDossier, terms: Sequence[ClaimTerms]
) -> tuple[list[Claimed], list[Claimed]]:
    """The scans and the SBOMs of those whose word counts, the newest first."""
    scans, sboms = [], []
    for one in platform.claims:
        told = one.told
        if told.scan is not None and _accepted(one, EvidenceKind.SCAN, terms):
            scans.append(one)
        elif told.sbom is not None and _accepted(one, EvidenceKind.SBOM, terms):
            sboms.append(one)
    return sorted(scans, key=_age, reverse=True), sorted(sboms, key=_age, reverse=True)


def _accepted(one: Claimed, kind: EvidenceKind, terms: Sequence[ClaimTerms]) -> bool:
    return any(term.accepts(one.caller, kind) for term in terms)


def _with_sbom(platform: PlatformDossier, sboms: Sequence[Claimed]) -> PlatformDossier:
    if platform.sbom is not None or not sboms:
        return platform
    return replace(platform, sbom=sboms[0].told.sbom)


def _with_scan(platform: PlatformDossier, scans: Sequence[Claimed]) -> PlatformDossier:
    if not scans:
        return platform
    scan = _scan(scans[0])
    return replace(
        platform,
        scan=replace(scan, components=(), findings=(), secrets=None),
        findings=(),
        components=scan.components,
        component_count=len(scan.components),
        secrets=scan.secrets,
    )


def _with_findings(
    platform: PlatformDossier,
    scans: Sequence[Claimed],
    found: dict[tuple[Digest, Finding], Claimed],
) -> PlatformDossier:
    """The platform with what claims found that is not in its own scan, and whose word that is."""
    if not scans:
        return platform
    known = {one.finding for one in platform.findings}
    more = []
    for claim in scans:
        for finding in _scan(claim).findings:
            if finding not in known:
                known.add(finding)
                found[platform.subject.digest, finding] = claim
                more.append(_recorded(finding, platform, claim))
    return replace(platform, findings=(*platform.findings, *more)) if more else platform


def _recorded(finding: Finding, platform: PlatformDossier, claim: Claimed) -> RecordedFinding:
    """A finding of a claim, known for as long as it may have been: no new claim begins it anew."""
    moments = (finding.published_at, platform.recorded_at, claim.recorded_at)
    since = min(moment for moment in moments if moment is not None)
    return RecordedFinding(finding, since, since if finding.fixable else None)


def _stricter(own: Judgement, joined: Judgement) -> Judgement:
    """Every reason that either has."""
    more = tuple(one for one in joined.violations if one not in own.violations)
    ends = [end for end in (own.holds_until, joined.holds_until) if end is not None]
    relents = [at for at in (own.relents_at, joined.relents_at) if at is not None]
    return replace(
        joined if more else own,
        violations=(*own.violations, *more),
        evidence=tuple(dict.fromkeys((*own.evidence, *joined.evidence))),
        holds_until=min(ends, default=None),
        relents_at=min(relents, default=None),
        applies=own.applies or joined.applies,
        notes=tuple(dict.fromkeys((*own.notes, *joined.notes))),
    )


def _note(claim: Claimed, case: Case) -> str:
    kind = "scan" if claim.told.scan is not None else "SBOM"
    ago = span(case.age(claim.recorded_at))
    return f"the {kind} is claimed by {claim.caller}, unsigned, handed in {ago} ago"


def _note_order(claim: Claimed) -> tuple[str, str]:
    return claim.caller, str(_document(claim))


def _scan(claim: Claimed) -> Scan:
    if claim.told.scan is None:
        raise AssertionError("a claim of another kind")
    return claim.told.scan


def _document(claim: Claimed) -> Digest:
    return _evidence_of(claim).digest


def _age(claim: Claimed) -> tuple[datetime, str]:
    return _evidence_of(claim).produced_at, str(_evidence_of(claim).digest)


def _evidence_of(claim: Claimed) -> Evidence:
    said = claim.told.scan or claim.told.sbom
    if said is None:
        raise AssertionError("a claim of nothing")
    return said.evidence
