"""What feeds say of a finding, as far as they may be relied upon."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from supplychain.frozen import dataclass
from supplychain.gate.case import Case
from supplychain.gate.durations import span
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.evidence import EvidenceKind
from supplychain.model.exploitation import ExploitChance, FeedEdition, FeedKind, KnownExploit
from supplychain.model.finding import Finding


def edition_of(kind: FeedKind, case: Case) -> FeedEdition | None:
    """The edition of a feed that is on record."""
    said = case.dossier.exploitation
    return said.epss if kind is FeedKind.EPSS else said.kev


def cite(edition: FeedEdition, case: Case) -> EvidenceReference:
    """A reference to an edition, with its age."""
    return case.cite_document(EvidenceKind.FEED, edition.digest, edition.published_at)


def wrong_with(kind: FeedKind, case: Case, limit: timedelta) -> str:
    """Why a feed may not be relied upon; "" where it may."""
    name, edition = kind.upper(), edition_of(kind, case)
    if edition is None:
        return f"no {name} feed is recorded"
    if case.to_come(edition.published_at):
        ahead = span(edition.published_at - case.at)
        return f"the {name} feed is from the future, {ahead} ahead"
    age = case.age(edition.published_at)
    return f"the {name} feed is {span(age)} old, limit {span(limit)}" if age > limit else ""


def refused(kind: FeedKind, wrong: str, case: Case) -> Violation:
    """The violation that a feed is, which may not be relied upon."""
    edition = edition_of(kind, case)
    return Violation(
        message=wrong,
        remedy=f"supplychain feeds import {kind} FILE",
        evidence=cite(edition, case) if edition else None,
        awaits=None if edition else EvidenceKind.FEED,
    )


@dataclass(frozen=True, slots=True)
class Exploits:
    """What is known about the exploitation of an image's vulnerabilities.

    Attributes:
        chances: What EPSS says, by vulnerability; empty where it may not be relied upon.
        known: What KEV lists, by vulnerability.
        no_epss: Why EPSS may not be relied upon; "" where it may.
        no_kev: Why KEV may not be relied upon; "" where it may.
        epss_until: The last instant at which EPSS is young enough; None where it is not.
        kev_until: The same of KEV.
    """

    chances: dict[str, ExploitChance]
    known: dict[str, KnownExploit]
    no_epss: str
    no_kev: str
    epss_until: datetime | None
    kev_until: datetime | None

    @classmethod
    def of(cls, case: Case, limit: timedelta) -> Exploits:
        """What the feeds on record say, none of them older than a limit."""
        said = case.dossier.exploitation
        no_epss = wrong_with(FeedKind.EPSS, case, limit)
        no_kev = wrong_with(FeedKind.KEV, case, limit)
        if not no_kev and said.known is None:
            no_kev = "nobody looked into the KEV feed"
        return cls(
            chances={} if no_epss else {c.vulnerability_id: c for c in said.chances},
            known={} if no_kev else {k.vulnerability_id: k for k in said.known or ()},
            no_epss=no_epss,
            no_kev=no_kev,
            epss_until=None if no_epss or not said.epss else said.epss.published_at + limit,
            kev_until=None if no_kev or not said.kev else said.kev.published_at + limit,
        )

    def chance(self, finding: Finding) -> ExploitChance | None:
        """What EPSS says, the worst of all its names; None where it does not know it."""
        found = [self.chances[name] for name in _names(finding) if name in self.chances]
        return max(found, key=lambda c: (c.score, c.percentile, c.vulnerability_id), default=None)

    def exploit(self, finding: Finding) -> KnownExploit | None:
        """What KEV lists of it; None where it lists nothing."""
        return next((self.known[name] for name in _names(finding) if name in self.known), None)


def _names(finding: Finding) -> Iterator[str]:
    yield finding.vulnerability_id
    yield from finding.aliases
