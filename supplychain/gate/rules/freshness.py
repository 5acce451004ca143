"""Is what we know recent enough to rely upon?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from datetime import datetime, timedelta
from typing import ClassVar

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.case import Case, Judgement
from supplychain.gate.durations import span
from supplychain.gate.evidence import run, usable_scan
from supplychain.gate.feeds import cite, edition_of, refused, wrong_with
from supplychain.gate.options import DURATION, option
from supplychain.model.decision import Violation
from supplychain.model.dossier import Need, PlatformDossier
from supplychain.model.evidence import Scan
from supplychain.model.exploitation import FeedEdition, FeedKind
from supplychain.model.unsigned import UNKNOWN_DATABASE


@dataclass(frozen=True, slots=True)
class Freshness:
    """Every platform was scanned lately, with a vulnerability database built lately.

    All ages are counted at the decision: an image scanned yesterday with a database that was a
    day old then has a database of two days now. At least one option is needed.

    [Feeds](feeds.md) are as old as they say themselves: EPSS is made every day, KEV when something
    is added to it, which may take two weeks.
    """

    name: ClassVar[str] = "freshness"
    examples: ClassVar[tuple[str, ...]] = (
        "freshness: {scan: 24h, database: 48h}",
        "freshness: {scan: 7d}",
        "freshness: {epss: 3d, kev: 14d}",
    )
    waivable: ClassVar[bool] = True

    scan: timedelta | None = field(
        default=None, metadata=option(DURATION, "how old the latest scan may be")
    )
    database: timedelta | None = field(
        default=None, metadata=option(DURATION, "how old that scan's vulnerability database may be")
    )
    epss: timedelta | None = field(
        default=None, metadata=option(DURATION, "how old the EPSS scores on record may be")
    )
    kev: timedelta | None = field(
        default=None, metadata=option(DURATION, "how old CISA's catalogue on record may be")
    )

    def __post_init__(self) -> None:
        """Refuse a rule that demands nothing.

        Raises:
            PolicyError: No option is given.
        """
        if not self._asks_scans and not self._feeds:
            raise PolicyError(
                "freshness demands nothing",
                hint="give it scan, database, epss, kev or several: {scan: 24h}",
            )

    @property
    def _asks_scans(self) -> bool:
        return self.scan is not None or self.database is not None

    @property
    def _feeds(self) -> dict[FeedKind, timedelta]:
        asked = {FeedKind.EPSS: self.epss, FeedKind.KEV: self.kev}
        return {kind: limit for kind, limit in asked.items() if limit is not None}

    @property
    def needs(self) -> frozenset[Need]:
        """See `Rule.needs`."""
        return frozenset({Need.EXPLOITATION}) if self._feeds else frozenset()

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        violations: list[Violation] = []
        scans = []
        for platform in case.platforms if self._asks_scans else ():
            scan = usable_scan(platform, case)
            if isinstance(scan, Violation):
                violations.append(scan)
            else:
                scans.append(scan)
                violations += self._stale(scan, platform, case)
        editions = []
        for kind, limit in self._feeds.items():
            if wrong := wrong_with(kind, case, limit):
                violations.append(refused(kind, wrong, case))
            if edition := edition_of(kind, case):
                editions.append(edition)
        ends = [end for s in scans for end in self._ends(s)]
        return Judgement(
            "; ".join(self._summary(scans, editions, case)),
            tuple(violations),
            (*(case.cite(s.evidence) for s in scans), *(cite(e, case) for e in editions)),
            min([*ends, *(e.published_at + self._feeds[e.kind] for e in editions)], default=None),
        )

    def _stale(self, scan: Scan, platform: PlatformDossier, case: Case) -> Iterator[Violation]:
        cited, shown = case.cite(scan.evidence), case.named(platform)
        age = case.age(scan.evidence.produced_at)
        if self.scan is not None and age > self.scan:
            said = f"scanned {span(age)} ago, limit {span(self.scan)}"
            yield Violation(said, run(case), platform=shown, evidence=cited)
        if self.database is not None and scan.database == UNKNOWN_DATABASE:
            said = "nobody says with which vulnerability database it was scanned"
            yield Violation(said, run(case), platform=shown, evidence=cited)
            return
        age = case.age(scan.database.updated_at)
        if self.database is not None and age > self.database:
            said = f"vulnerability database {span(age)} old, limit {span(self.database)}"
            remedy = f"supplychain vulndb pull, then {run(case)}"
            yield Violation(said, remedy, platform=shown, evidence=cited)

    def _ends(self, scan: Scan) -> Iterator[datetime]:
        if self.scan is not None:
            yield scan.evidence.produced_at + self.scan
        if self.database is not None:
            yield scan.database.updated_at + self.database

    def _summary(self, scans: list[Scan], editions: list[FeedEdition], case: Case) -> Iterator[str]:
        """The ages of the oldest, of what the rule limits."""
        if self._asks_scans and not scans:
            yield "no scan"
        elif self._asks_scans:
            yield ", ".join(self._ages(scans, case))
        for kind in self._feeds:
            found = [e for e in editions if e.kind is kind]
            said = f"{span(case.age(found[0].published_at))} old" if found else "not recorded"
            yield f"{kind.upper()} {said}"

    def _ages(self, scans: list[Scan], case: Case) -> Iterator[str]:
        if self.scan is not None:
            yield f"scanned {span(case.age(min(s.evidence.produced_at for s in scans)))} ago"
        known = [s for s in scans if s.database != UNKNOWN_DATABASE]
        if self.database is not None and known:
            built = min(s.database.updated_at for s in known)
            yield f"vulnerability database {span(case.age(built))} old"
