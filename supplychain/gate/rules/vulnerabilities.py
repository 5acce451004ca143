"""Is anything known to be wrong that the environment does not bear?"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import field
from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.case import Case, Judgement
from supplychain.gate.claims import Claims
from supplychain.gate.conditions import Conditions, Weighed
from supplychain.gate.durations import span
from supplychain.gate.evidence import usable_scan
from supplychain.gate.feeds import Exploits, cite, edition_of, refused
from supplychain.gate.grace import Since
from supplychain.gate.options import DURATION, choice, option
from supplychain.gate.shortened import shortened
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.dossier import Need, PlatformDossier, RecordedFinding
from supplychain.model.evidence import Scan
from supplychain.model.exploitation import FeedKind
from supplychain.model.finding import Finding, Severity

_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Vulnerabilities(Conditions):
    """No platform has a finding that meets every condition named here.

    Several of these rules go together: nothing critical at all, nothing high that could have been
    repaired for a week, nothing that is known to be exploited. At least one of `severity`, `cvss`,
    `epss`, `epss_percentile` and `kev` is needed.

    What is not known counts as the worst. Severities are `negligible`, `low`, `medium`, `high` and
    `critical`; a finding that nobody has rated, or none of the `sources`, is worse than critical.
    So is one without a CVSS score, and one that EPSS does not know or has no young edition about.
    Without a young edition of KEV, `kev` denies. [Feeds](feeds.md) says how they are imported.

    Of several `sources` the first that rates a finding decides, for better or worse: what it does
    not rate is judged by the next, who may think less of it. So an order of sources trusts each of
    them to keep silent. No rating can be taken out of what is on record: evidence is the scanner's
    report as a whole, and another report has another digest. Who wants silence to count as the
    worst names one source alone.

    What no scanner could examine (a system past its end of life, one without advisories, a kind of
    package that nobody publishes advisories for) is unknown and not clean: it meets all conditions,
    and no package or path leaves it out. `unexamined` gives it a rule of its own.

    The grace begins with the first scan in the project that found this vulnerability in this
    package, in whatever image: building the image again does not begin it anew. No database tells
    when a fix was published, so `since: fix` begins with the first scan in the project that knew
    one. Findings in grace are counted in the rule's line, and the decision says when the first of
    them ends; so are those that a package or a path leaves out, by their names.

    In paths, `*` stands for anything but a slash, `**` for anything. Packages of the operating
    system have no path.
    """

    name: ClassVar[str] = "vulnerabilities"
    examples: ClassVar[tuple[str, ...]] = (
        "vulnerabilities: {severity: critical}",
        """
        # Nothing high that could have been repaired for a week:
        vulnerabilities: {severity: high, fixable: true, grace: 7d}
        """,
        """
        # The distribution's rating before the NVD's, and a week from when a fix was known:
        vulnerabilities:
          severity: high
          sources: [debian, ghsa, nvd]
          fixable: true
          grace: 7d
          since: fix
        """,
        """
        # A month to replace what nobody repairs:
        vulnerabilities: {severity: critical, fixable: false, grace: 30d}
        """,
        """
        # Nothing that is exploited, and nothing severe that is likely to be:
        vulnerabilities: {kev: true, feed_age: 14d}
        """,
        "vulnerabilities: {cvss: 7.0, epss: 0.1, feed_age: 3d}",
        """
        # What the team builds itself, and not what it only carries along:
        vulnerabilities:
          severity: medium
          paths: [app/**]
          except_packages: ["pkg:npm/@acme/legacy-*"]
        """,
        """
        # Three months to leave a system behind that is past its end of life:
        vulnerabilities: {unexamined: true, grace: 90d}
        """,
    )
    waivable: ClassVar[bool] = True

    grace: timedelta | None = field(
        default=None, metadata=option(DURATION, "how long a finding is borne")
    )
    since: Since = field(
        default=Since.FIRST_SEEN,
        metadata=option(
            choice("where grace begins", {str(s): s for s in Since}),
            "where grace begins: `first_seen` in the project (default), with the first `fix` that "
            "the project knew (only with `fixable: true`), or when it was `published`",
        ),
    )

    def __post_init__(self) -> None:
        """Refuse a rule that demands nothing, or whose grace cannot be told.

        Raises:
            PolicyError: It does.
        """
        Conditions.__post_init__(self)
        if self.since is not Since.FIRST_SEEN and self.grace is None:
            raise PolicyError("since says where grace begins, and there is none", hint="grace: 7d")
        if self.since is Since.FIX and not self.fixable:
            raise PolicyError(
                "grace that begins with a fix would never begin without one",
                hint="add fixable: true, and another rule for what nobody repairs",
            )

    @property
    def needs(self) -> frozenset[Need]:
        """See `Rule.needs`."""
        return frozenset({Need.EXPLOITATION}) if self.needs_feeds else frozenset()

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        found = _Found(Claims(case))
        exploits = Exploits.of(case, self.feed_age)
        self._ask_feeds(exploits, case, found)
        for platform in case.platforms:
            scan = usable_scan(platform, case)
            if isinstance(scan, Violation):
                found.violations.append(scan)
                continue
            found.evidence.append(cited := case.cite(scan.evidence))
            found.total += len(platform.findings)
            place = _Place(case, platform, scan, cited)
            for recorded in platform.findings:
                weighed = self.weigh(recorded.finding, exploits)
                if weighed is None:
                    found.unexamined += recorded.finding.is_blind_spot
                elif self.leaves_out(recorded.finding):
                    found.left_out.add(recorded.finding.path or recorded.finding.package)
                else:
                    self._count(weighed, recorded, place, found)
        return Judgement(
            self._summary(found, exploits, case),
            tuple(sorted(found.violations, key=_order)),
            tuple(found.evidence),
            min(found.ends, default=None),
            notes=tuple(sorted(found.cleared)),
        )

    def _ask_feeds(self, exploits: Exploits, case: Case, found: _Found) -> None:
        for kind, asked in ((FeedKind.EPSS, self.needs_epss), (FeedKind.KEV, self.kev)):
            edition = edition_of(kind, case)
            if asked and edition is not None:
                found.evidence.append(cite(edition, case))
        if self.kev and exploits.no_kev:
            found.violations.append(refused(FeedKind.KEV, exploits.no_kev, case))
        elif self.kev and exploits.kev_until is not None:
            found.ends.append(exploits.kev_until)

    def _count(
        self, weighed: Weighed, recorded: RecordedFinding, place: _Place, found: _Found
    ) -> None:
        """Enter a finding that is too much: as cleared, borne for some time, or a violation."""
        word = found.claims.about(recorded.finding, place.platform)
        found.evidence += word.evidence
        if word.clears:
            found.cleared.update(word.notes)
            return
        end, spared_until = self._grace_end(recorded, place.scan), weighed.spared_until
        if spared_until is not None:
            end = spared_until if end is None else max(end, spared_until)
        if end is None or place.case.at > end:
            found.violations.append(self._violation(weighed, recorded, place, word.notes))
            return
        found.ends.append(end)
        if spared_until is None:
            found.graces.append(end)

    def _grace_end(self, recorded: RecordedFinding, scan: Scan) -> datetime | None:
        """The last instant of grace, which begins with the scan that has it at the latest."""
        if self.grace is None:
            return None
        begin = self.since.begin(recorded)
        return None if begin is None else min(begin, scan.evidence.produced_at) + self.grace

    def _violation(
        self, weighed: Weighed, recorded: RecordedFinding, place: _Place, notes: tuple[str, ...]
    ) -> Violation:
        finding, case = weighed.finding, place.case
        fix = f"fixed in {finding.fixed_version}" if finding.fixable else "no fix known"
        path = f", {finding.path}" if finding.path else ""
        what = ", ".join((f"{finding.severity}{self._source(finding)}", *weighed.words))
        grace = tuple(self._grace_words(recorded, case))
        return Violation(
            message=f"{finding.vulnerability_id} {what} in {finding.package} "
            f"{finding.installed_version}, {fix}{path}, "
            + ", ".join((f"known {span(case.age(recorded.first_seen_at))}", *grace)),
            remedy="",
            finding=finding,
            first_seen_at=recorded.first_seen_at,
            platform=case.named(place.platform),
            evidence=place.cited,
            notes=(*weighed.notes, *notes),
            beside=(*weighed.words, *grace),
        )

    def _source(self, finding: Finding) -> str:
        if finding.severity_source:
            return f" ({finding.severity_source})"
        asked = self.sources and not finding.is_blind_spot
        return f" (not rated by {', '.join(self.sources)})" if asked else ""

    def _grace_words(self, recorded: RecordedFinding, case: Case) -> Iterator[str]:
        if self.grace is None:
            return
        begin = self.since.begin(recorded)
        age = "" if begin is None else span(case.age(begin))
        if self.since is Since.FIX:
            yield f"a fix known {age}"
        if self.since is Since.PUBLISHED:
            yield f"published {age} ago" if age else "published at an unknown time"
        yield f"grace {span(self.grace)}"

    def _summary(self, found: _Found, exploits: Exploits, case: Case) -> str:
        count = sum(v.finding is not None for v in found.violations)
        said = f"{count} of {found.total} findings {self}"
        return "; ".join([said, *self._beside(found, exploits, case)])

    def _beside(self, found: _Found, exploits: Exploits, case: Case) -> Iterator[str]:
        if found.graces:
            left = span(min(found.graces) - case.at)
            yield f"{len(found.graces)} in grace, which ends for the first in {left}"
        if self.needs_epss and exploits.no_epss:
            yield f"all count as likely to be exploited: {exploits.no_epss}"
        if found.left_out:
            yield f"left out: {shortened(sorted(found.left_out), _MOST_NAMED)}"
        if found.unexamined:
            yield f"{found.unexamined} that nobody could examine left to other rules"


class _Place(NamedTuple):
    """Where a finding is: in which platform, by which scan."""

    case: Case
    platform: PlatformDossier
    scan: Scan
    cited: EvidenceReference


@dataclasses.dataclass(slots=True)
class _Found:
    """What was found so far."""

    claims: Claims
    violations: list[Violation] = field(default_factory=list)
    evidence: list[EvidenceReference] = field(default_factory=list)
    graces: list[datetime] = field(default_factory=list)
    ends: list[datetime] = field(default_factory=list)
    cleared: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)
    total: int = 0
    unexamined: int = 0


def _order(violation: Violation) -> tuple[int, tuple[str, ...]]:
    """Missing evidence first, then the worst."""
    platform, finding = str(violation.platform or ""), violation.finding
    if finding is None:
        return -len(Severity), (platform, violation.message)
    versions = finding.installed_version, finding.fixed_version
    place = finding.vulnerability_id, finding.purl, finding.path, platform, finding.package
    seen_at = str(violation.first_seen_at)
    return -finding.severity, (*place, *versions, finding.component, violation.message, seen_at)
