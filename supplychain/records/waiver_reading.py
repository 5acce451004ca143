"""What is made of the steps of waivers, as of an instant, and what they could be about."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from supplychain.errors import StoreError
from supplychain.frozen import dataclass
from supplychain.model.decision import Decision
from supplychain.model.digest import Digest
from supplychain.model.finding import Severity
from supplychain.model.waiver import Waiver, WaiverEvent, WaiverStep, waivers_of
from supplychain.model.waiver_document import read_terms
from supplychain.records.bulk import Filing
from supplychain.records.links import INVENTORIED, named
from supplychain.records.prepared import Prepared
from supplychain.records.reading import latest_evidence
from supplychain.records.schema import (
    assessed_findings,
    decision_waivers,
    evidence,
    findings,
    images,
    scans,
    vulnerabilities,
    waiver_events,
)


@dataclass(frozen=True, slots=True)
class Affected:
    """A package that images on record have.

    Attributes:
        purl: The package, with its version.
        severity: How bad what it has is at worst; None where no vulnerability was asked about.
    """

    purl: str
    severity: Severity | None = None


def read_waivers(connection: Connection, project: int, at: datetime) -> tuple[Waiver, ...]:
    """Every waiver of a project as of an instant."""
    return waivers_of(map(_event, _EVENTS(connection, project=project, at=at)))


def about(
    waivers: Iterable[Waiver],
    names: Collection[str],
    digests: Collection[Digest],
    environment: str,
) -> tuple[Waiver, ...]:
    """Those that could be meant: of these repositories and digests, in this environment."""
    return tuple(
        waiver
        for waiver in waivers
        if waiver.scope.repository in {"", *names}
        and (waiver.scope.image is None or waiver.scope.image in digests)
        and (not waiver.scope.environments or environment in waiver.scope.environments)
    )


def file_waivers(filing: Filing, digest: Digest, decision: Decision) -> None:
    """File which waivers a decision rests on."""
    named = {v.waiver for r in decision.results for v in r.violations if v.waiver}
    for name in sorted(named):
        filing.insert(decision_waivers, decision=digest, number=int(name.removeprefix("WV-")))


def read_affected(
    connection: Connection, project: int, vulnerability: str, at: datetime
) -> tuple[Affected, ...]:
    """The packages in which the latest scans found a vulnerability, by purl."""
    column = findings.c
    chosen = (
        _scanned(project, at, column.purl, func.max(column.severity).label("severity"))
        .join(assessed_findings, assessed_findings.c.assessment_id == scans.c.assessment_id)
        .join(findings, column.id == assessed_findings.c.finding_id)
        .join(vulnerabilities, vulnerabilities.c.id == column.vulnerability_id)
        .where(vulnerabilities.c.name == vulnerability, column.purl != "")
        .group_by(column.purl)
        .order_by(column.purl)
    )
    rows = connection.execute(chosen)
    return tuple(Affected(row.purl, Severity(row.severity)) for row in rows)


def read_installed(
    connection: Connection, project: int, package: tuple[str, str], at: datetime
) -> tuple[Affected, ...]:
    """The packages of a type and name that the latest scans found, by purl."""
    kind, name = package[0], package[1].lower()
    meant = {
        row.id: row.purl
        for row in named(connection, name)
        if row.purl_type == kind and row.purl_name.lower() == name
    }
    having = [*INVENTORIED.having(connection, project, sorted(meant))]
    current = INVENTORIED.current(connection, sorted({image for image, _, _ in having}), at)
    found = {meant[member] for _, of, member in having if of in current}
    return tuple(map(Affected, sorted(found)))


def _scanned(project: int, at: datetime, *columns: Any) -> Any:
    """What is selected from the latest scan of every image of a project."""
    ranked = latest_evidence(at).subquery()
    return (
        select(*columns)
        .select_from(ranked)
        .join(evidence, evidence.c.id == ranked.c.id)
        .join(images, images.c.id == evidence.c.image_id)
        .join(scans, scans.c.evidence_id == evidence.c.id)
        .where(ranked.c.place == 1, images.c.project_id == project)
    )


def read_events(
    connection: Connection, project: int, at: datetime | None, number: int | None = None
) -> tuple[WaiverEvent, ...]:
    """The steps of all waivers or of one, up to an instant or all, in order."""
    column = waiver_events.c
    chosen = _steps(project)
    if at is not None:
        chosen = chosen.where(column.recorded_at <= at)
    if number is not None:
        chosen = chosen.where(column.number == number)
    return tuple(_event(row) for row in connection.execute(chosen))


def _steps(project: int) -> Select[Any]:
    column = waiver_events.c
    in_order = column.number, column.position
    return select(waiver_events).where(column.project_id == project).order_by(*in_order)


def _steps_until(project: int, at: datetime) -> Select[Any]:
    return _steps(project).where(waiver_events.c.recorded_at <= at)


def _event(row: Row[Any]) -> WaiverEvent:
    try:
        terms = None if row.terms is None else read_terms(row.terms)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"what is recorded of WV-{row.number} cannot be read", because=repr(error)
        ) from error
    return WaiverEvent(
        number=row.number,
        position=row.position,
        step=WaiverStep(row.step),
        actor=row.actor,
        at=row.recorded_at,
        reason=row.reason,
        document=row.digest,
        terms=terms,
        answers=row.answers,
    )


_EVENTS = Prepared(_steps_until)
