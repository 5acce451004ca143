"""Is what we know recent enough to rely upon?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from supplychain.errors import PolicyError
from supplychain.gate.case import Case, Judgement
from supplychain.gate.durations import span
from supplychain.gate.evidence import run, usable_scan
from supplychain.gate.options import DURATION, option
from supplychain.model.decision import Violation
from supplychain.model.dossier import Need, PlatformDossier
from supplychain.model.evidence import Scan


@dataclass(frozen=True, slots=True)
class Freshness:
    """Every platform was scanned lately, with a vulnerability database built lately.

    Both ages are counted at the decision: an image scanned yesterday with a database that was a
    day old then has a database of two days now. At least one option is needed.
    """

    name: ClassVar[str] = "freshness"
    examples: ClassVar[tuple[str, ...]] = (
        "freshness: {scan: 24h, database: 48h}",
        "freshness: {scan: 7d}",
    )
    needs: ClassVar[frozenset[Need]] = frozenset()
    waivable: ClassVar[bool] = True

    scan: timedelta | None = field(
        default=None, metadata=option(DURATION, "how old the latest scan may be")
    )
    database: timedelta | None = field(
        default=None, metadata=option(DURATION, "how old that scan's vulnerability database may be")
    )

    def __post_init__(self) -> None:
        """Refuse a rule that demands nothing.

        Raises:
            PolicyError: Neither option is given.
        """
        if self.scan is None and self.database is None:
            raise PolicyError(
                "freshness demands nothing", hint="give it scan, database or both: {scan: 24h}"
            )

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        violations: list[Violation] = []
        scans = []
        for platform in case.platforms:
            scan = usable_scan(platform, case)
            if isinstance(scan, Violation):
                violations.append(scan)
            else:
                scans.append(scan)
                violations += self._stale(scan, platform, case)
        return Judgement(
            self._summary(scans, case),
            tuple(violations),
            tuple(case.cite(s.evidence) for s in scans),
            min((end for s in scans for end in self._ends(s)), default=None),
        )

    def _stale(self, scan: Scan, platform: PlatformDossier, case: Case) -> Iterator[Violation]:
        cited, shown = case.cite(scan.evidence), case.named(platform)
        age = case.age(scan.evidence.produced_at)
        if self.scan is not None and age > self.scan:
            said = f"scanned {span(age)} ago, limit {span(self.scan)}"
            yield Violation(said, run(case), platform=shown, evidence=cited)
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

    def _summary(self, scans: list[Scan], case: Case) -> str:
        """The ages of the oldest, of what the rule limits."""
        if not scans:
            return "no scan"
        parts = []
        if self.scan is not None:
            parts.append(
                f"scanned {span(case.age(min(s.evidence.produced_at for s in scans)))} ago"
            )
        if self.database is not None:
            built = min(s.database.updated_at for s in scans)
            parts.append(f"vulnerability database {span(case.age(built))} old")
        return ", ".join(parts)
