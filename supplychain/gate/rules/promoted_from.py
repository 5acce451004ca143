"""Has it proved itself somewhere else?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from datetime import datetime, timedelta
from typing import ClassVar

from supplychain.frozen import dataclass
from supplychain.gate.case import Case, Judgement
from supplychain.gate.durations import span
from supplychain.gate.options import DURATION, ENVIRONMENT, option
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.dossier import Need
from supplychain.model.evidence import EvidenceKind
from supplychain.model.history import Allowance, Deployment


@dataclass(frozen=True, slots=True)
class _Stay:
    """A stretch of time over which the image both ran and was allowed."""

    since: datetime
    until: datetime
    lasts: bool
    evidence: tuple[EvidenceReference, ...]

    @property
    def length(self) -> timedelta:
        return self.until - self.since

    def order(self) -> tuple[object, ...]:
        return (self.length, self.until, *(e.digest for e in self.evidence))


@dataclass(frozen=True, slots=True)
class PromotedFrom:
    """The image ran in another environment long enough, and was allowed there all that time.

    That it ran is what deployments say (`supplychain deployments report`); that it was allowed,
    what the record's own decisions say. Both have to hold over one stretch of time: hours in which
    it ran although it was denied do not count, nor do hours in which it was allowed and did not
    run. Of an index that runs on one platform alone, that platform's manifest may have run instead.
    """

    name: ClassVar[str] = "promoted-from"
    examples: ClassVar[tuple[str, ...]] = (
        "promoted-from: {environment: staging, ran: 24h}",
        """
        # Tried for an hour, within the last week:
        promoted-from: {environment: canary, ran: 1h, within: 7d}
        """,
    )
    needs: ClassVar[frozenset[Need]] = frozenset()
    waivable: ClassVar[bool] = True

    environment: str = field(metadata=option(ENVIRONMENT, "where it has to have run"))
    ran: timedelta = field(metadata=option(DURATION, "for how long"))
    within: timedelta | None = field(
        default=None,
        metadata=option(DURATION, "how long ago that may have ended; default: any time"),
    )

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        stays = sorted(self._stays(case), key=_Stay.order, reverse=True)
        good = [stay for stay in stays if stay.length >= self.ran and self._recent(stay, case)]
        if good:
            best = max(good, key=lambda stay: (stay.lasts, stay.until, stay.order()))
            end = None if best.lasts or self.within is None else best.until + self.within
            said = f"ran in {self.environment} for {span(best.length)}"
            return Judgement(said, (), best.evidence, end)
        lasting = [stay for stay in stays if stay.lasts]
        violation = Violation(
            message=self._lack(stays, case),
            remedy=f"let it run in {self.environment} for {span(self.ran)}: supplychain "
            f"deployments report {case.subject} --environment {self.environment}",
            awaits=EvidenceKind.DEPLOYMENT,
        )
        evidence = stays[0].evidence if stays else ()
        relents = min((stay.since + self.ran for stay in lasting), default=None)
        return Judgement(
            f"not long enough in {self.environment}", (violation,), evidence, relents_at=relents
        )

    def _stays(self, case: Case) -> Iterator[_Stay]:
        """Where deployments and allowances overlap; what is from the future does not count."""
        deployments = [d for d in case.dossier.deployments if self._is_here(d, case)]
        allowances = [a for a in case.dossier.allowances if self._is_here(a, case)]
        # A platform of an index says nothing of the others.
        digests = {case.subject.digest}
        digests |= {p.subject.digest for p in case.platforms if len(case.platforms) == 1}
        for deployment in deployments:
            for allowance in allowances:
                if not digests >= {deployment.subject.digest, allowance.subject}:
                    continue
                ends = [e for e in (deployment.until_at, allowance.until_at) if e is not None]
                since = max(deployment.since_at, allowance.since_at)
                until = min([case.at, *ends])
                if since <= until:
                    yield _Stay(
                        since,
                        until,
                        all(end > case.at for end in ends),
                        (
                            case.cite_document(
                                EvidenceKind.DEPLOYMENT, deployment.document, deployment.since_at
                            ),
                            case.cite_document(
                                EvidenceKind.DECISION, allowance.decision, allowance.since_at
                            ),
                        ),
                    )

    def _is_here(self, happened: Deployment | Allowance, case: Case) -> bool:
        return happened.environment == self.environment and happened.since_at <= case.at

    def _recent(self, stay: _Stay, case: Case) -> bool:
        return self.within is None or case.age(stay.until) <= self.within

    def _lack(self, stays: list[_Stay], case: Case) -> str:
        if stays:
            ran = f"ran in {self.environment}, allowed, for {span(stays[0].length)}"
            limit = f", {span(self.ran)} needed"
            if self.within is not None and stays[0].length >= self.ran:
                limit = f", but {span(case.age(stays[0].until))} ago, limit {span(self.within)}"
            return ran + limit
        if any(d.environment == self.environment for d in case.dossier.deployments):
            return f"ran in {self.environment}, but no decision allowed it there meanwhile"
        return f"never ran in {self.environment}"
