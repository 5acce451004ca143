"""Is anything known to be wrong that the environment does not bear?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar

from supplychain.gate.case import Case, Judgement
from supplychain.gate.claims import Claims
from supplychain.gate.durations import span
from supplychain.gate.evidence import usable_scan
from supplychain.gate.options import BOOLEAN, DURATION, SEVERITY, option
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.dossier import Need, PlatformDossier, RecordedFinding
from supplychain.model.evidence import Scan
from supplychain.model.finding import Finding, Severity


@dataclass(frozen=True, slots=True)
class Vulnerabilities:
    """No platform has a finding at or above a severity.

    Severities are `negligible`, `low`, `medium`, `high` and `critical`. A finding that nobody has
    rated counts as worse than critical. Several of these rules go together: nothing critical at
    all, nothing high that could have been repaired for a week.

    The grace begins with the first scan in the project that found this vulnerability in this
    package, in whatever image: building the image again does not begin it anew. Findings in grace
    are counted in the rule's line, and the decision says when the first of them ends.
    """

    name: ClassVar[str] = "vulnerabilities"
    examples: ClassVar[tuple[str, ...]] = (
        "vulnerabilities: {severity: critical}",
        """
        # Nothing high that could have been repaired for a week:
        vulnerabilities: {severity: high, fixable: true, grace: 7d}
        """,
        """
        # A month to replace what nobody repairs:
        vulnerabilities: {severity: critical, fixable: false, grace: 30d}
        """,
    )
    needs: ClassVar[frozenset[Need]] = frozenset()
    waivable: ClassVar[bool] = True

    severity: Severity = field(metadata=option(SEVERITY, "the least severity that is too much"))
    fixable: bool | None = field(
        default=None,
        metadata=option(
            BOOLEAN, "true: only findings that some version repairs; false: only the others"
        ),
    )
    grace: timedelta | None = field(
        default=None,
        metadata=option(DURATION, "how long a finding is borne after the project first saw it"),
    )

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        violations: list[Violation] = []
        evidence: list[EvidenceReference] = []
        graces: list[datetime] = []
        cleared: set[str] = set()
        claims, total = Claims(case), 0
        for platform in case.platforms:
            scan = usable_scan(platform, case)
            if isinstance(scan, Violation):
                violations.append(scan)
                continue
            evidence.append(cited := case.cite(scan.evidence))
            total += len(platform.findings)
            for recorded in platform.findings:
                if not self._concerns(recorded.finding):
                    continue
                word = claims.about(recorded.finding, platform)
                evidence += word.evidence
                end = self._grace_end(recorded, scan)
                if word.clears:
                    cleared.update(word.notes)
                elif end is not None and case.at <= end:
                    graces.append(end)
                else:
                    violation = self._violation(recorded, platform, cited, case)
                    violations.append(replace(violation, notes=word.notes))
        return Judgement(
            self._summary(total, sum(v.finding is not None for v in violations), graces, case),
            tuple(sorted(violations, key=_order)),
            tuple(evidence),
            min(graces, default=None),
            notes=tuple(sorted(cleared)),
        )

    def _concerns(self, finding: Finding) -> bool:
        return finding.severity >= self.severity and self.fixable in {None, finding.fixable}

    def _grace_end(self, recorded: RecordedFinding, scan: Scan) -> datetime | None:
        """The last instant of grace, which begins with the scan that has it at the latest."""
        if self.grace is None:
            return None
        return min(recorded.first_seen_at, scan.evidence.produced_at) + self.grace

    def _violation(
        self,
        recorded: RecordedFinding,
        platform: PlatformDossier,
        cited: EvidenceReference,
        case: Case,
    ) -> Violation:
        finding = recorded.finding
        source = f" ({finding.severity_source})" if finding.severity_source else ""
        fix = f"fixed in {finding.fixed_version}" if finding.fixable else "no fix known"
        path = f", {finding.path}" if finding.path else ""
        grace = f", grace {span(self.grace)}" if self.grace else ""
        return Violation(
            message=f"{finding.vulnerability_id} {finding.severity}{source} in {finding.package} "
            f"{finding.installed_version}, {fix}{path}, "
            f"known {span(case.age(recorded.first_seen_at))}{grace}",
            remedy="",
            finding=finding,
            first_seen_at=recorded.first_seen_at,
            platform=case.named(platform),
            evidence=cited,
        )

    def _summary(self, total: int, violations: int, graces: list[datetime], case: Case) -> str:
        which = {None: "", True: " with a fix", False: " without a fix"}[self.fixable]
        said = f"{violations} of {total} findings {self.severity} or worse{which}"
        if not graces:
            return said
        left = span(min(graces) - case.at)
        return f"{said}; {len(graces)} in grace, which ends for the first in {left}"


def _order(violation: Violation) -> tuple[int, tuple[str, ...]]:
    """Missing evidence first, then the worst."""
    platform, finding = str(violation.platform or ""), violation.finding
    if finding is None:
        return -len(Severity), (platform,)
    return -finding.severity, (
        finding.vulnerability_id,
        finding.purl,
        finding.path,
        platform,
        finding.package,
        finding.installed_version,
        finding.fixed_version,
        finding.component,
        violation.message,
        str(violation.first_seen_at),
    )
