"""What a scan could not see, so that unknown never looks clean.

Two answers. Where another database would know more, the scan is refused: fetching one helps. Where
the scanner itself is blind (a system past its end of life, one whose package database is gone, a
kind of package that nobody publishes advisories for), that is told as a finding of unknown
severity, which counts as the worst, and the rest of the scan stands.
"""

from __future__ import annotations

from collections.abc import Iterator

from supplychain.errors import VulnerabilityDatabaseError
from supplychain.model.finding import UNEXAMINED, Finding, Severity
from supplychain.scan.kinds import Kind, ecosystem_kind, system_kind
from supplychain.scan.report import OperatingSystem, Report
from supplychain.scan.scanner import DatabaseGeneration


def blind_spots(report: Report, database: DatabaseGeneration | None) -> tuple[Finding, ...]:
    """A finding for everything in the image that nobody could have found anything wrong with.

    Args:
        report: The report.
        database: What it was made with; None where somebody else made it, and nobody knows.

    Raises:
        VulnerabilityDatabaseError: The database knows nothing of some of what the image is made
            of, and another may.
    """
    spots = [*_system(report, database), *_ecosystems(report, database)]
    return tuple(sorted(spots, key=lambda spot: (spot.vulnerability_id, spot.package)))


def _system(report: Report, database: DatabaseGeneration | None) -> Iterator[Finding]:
    system = report.system
    if system is None:
        return
    name = f"{system.family} {system.release}".strip()
    kind = system_kind(system.family, system.release)
    if system.family == "none":
        yield _spot("UNKNOWN-SYSTEM", system, "there are packages of an unknown operating system")
        return
    if system.end_of_life:
        yield _spot(
            "END-OF-LIFE", system, f"{name} is past its end of life: nobody reports what is wrong"
        )
    if kind is None:
        yield _spot("UNPROVEN-SYSTEM", system, f"nothing proves that advisories for {name} work")
    elif not report.has_system_packages:
        yield _spot(
            "NO-PACKAGE-DATABASE", system, f"this is {name}, but its list of packages is gone"
        )
    else:
        _require(kind, database)


def _ecosystems(report: Report, database: DatabaseGeneration | None) -> Iterator[Finding]:
    for ecosystem in report.ecosystems:
        kind = ecosystem_kind(ecosystem)
        if kind:
            _require(kind, database)
            continue
        count = sum(component.ecosystem == ecosystem for component in report.components)
        yield Finding(
            vulnerability_id="UNPROVEN-ECOSYSTEM",
            purl="",
            package=ecosystem,
            installed_version="",
            fixed_version="",
            severity=Severity.UNKNOWN,
            status=UNEXAMINED,
            title=f"nothing proves that advisories for {ecosystem} packages work ({count} here)",
        )


def _require(kind: Kind, database: DatabaseGeneration | None) -> None:
    if database is not None and kind.name not in database.proven:
        raise VulnerabilityDatabaseError(
            f"the vulnerability database knows nothing of {kind.name}",
            because=f"the image holds {kind.name} packages and the database "
            f"{database.digest.short} is proven only for {', '.join(database.proven) or 'nothing'}"
            "; the scan would look clean and be unknown",
            hint="get one that knows it: supplychain vulndb pull",
        )


def _spot(identifier: str, system: OperatingSystem, title: str) -> Finding:
    return Finding(
        vulnerability_id=identifier,
        purl="",
        package=system.family,
        installed_version=system.release,
        fixed_version="",
        severity=Severity.UNKNOWN,
        status=UNEXAMINED,
        title=title,
        component=system.key,
    )
