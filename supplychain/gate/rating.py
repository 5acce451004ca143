"""How bad a finding is, by the word of those whom a policy listens to.

An order of sources cannot hold that what is known less is never judged milder: whatever the first
may have said, nothing of it is milder only where its silence counts as the worst, and then nobody
would ever ask the second. So the order means what it says, and what holds is less: only the source
that decides is heard, and without it the rest is asked as if it were not named.
"""

from __future__ import annotations

from collections.abc import Sequence

from supplychain.model.finding import CvssScore, Finding, Severity

CVSS_VERSIONS = (4, 3, 2)


def severity_of(finding: Finding, sources: Sequence[str]) -> tuple[Severity, str]:
    """The severity of a finding and whose word that is.

    Args:
        finding: The finding.
        sources: Whom to ask, the first that rates it decides; empty for the scanner's own choice.

    Returns:
        UNKNOWN and "" where none of them rates it.
    """
    if not sources:
        return finding.severity, finding.severity_source
    said = {rating.source: rating.severity for rating in finding.ratings}
    for source in sources:
        severity = said.get(source, Severity.UNKNOWN)
        if severity is not Severity.UNKNOWN:
            return severity, source
    return Severity.UNKNOWN, ""


def score_of(finding: Finding, sources: Sequence[str], versions: Sequence[int]) -> CvssScore | None:
    """The CVSS score of a finding; None where nobody who is asked has scored it.

    Args:
        finding: The finding.
        sources: Whom to ask, the first that scores it decides; empty for everybody, and then the
            highest score counts.
        versions: Which versions of CVSS to look for, the first one found decides.
    """
    asked = [s for s in finding.scores if s.score is not None and s.version in versions]
    for source in sources:
        own = [s for s in asked if s.source == source]
        if own:
            return min(own, key=lambda s: versions.index(s.version))
    if sources:
        return None
    return min(
        asked, key=lambda s: (versions.index(s.version), -(s.score or 0), s.source), default=None
    )
