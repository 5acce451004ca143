"""Recording 2,000 components and 300 findings: the record beside plain row-wise inserts.

Both sides fill the same tables of the same database in turn, each time with an image and with
components that nobody has seen: the slowest case. The plain side files components, findings and
their links and nothing else; ours also files the evidence and the first sightings, and keeps the
report. `python -m benchmarks record`
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Engine, Table, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from benchmarks.table import Row
from benchmarks.timing import Times
from supplychain.model.artifact import OCI_MANIFEST
from supplychain.model.digest import Digest
from supplychain.model.evidence import Scan
from supplychain.model.subject import Subject
from supplychain.records.database import open_engine, writing
from supplychain.records.folder import FolderStore
from supplychain.records.migrating import upgrade
from supplychain.records.projection import project_components, project_findings, severity_counts
from supplychain.records.record import Record
from supplychain.records.run import PlatformRecord, RunRecord, ScanRecord
from supplychain.records.schema import (
    assessed_findings,
    assessments,
    components,
    findings,
    images,
    inventoried_components,
    inventories,
    layers,
    vulnerabilities,
)
from supplychain.records.staging import staged_components, staged_findings
from tests.kit.databases import running_postgresql
from tests.kit.scans import AT, PLATFORM, make_scan, realistic_components, realistic_findings

COMPONENTS, FINDINGS, ROUNDS = 2_000, 300, 9
# Where the row-wise way took 30 ms on SQLite and 106 ms on PostgreSQL, the best known took 16 and
# 55: within 1.5 of that is four fifths of the row-wise time.
LIMIT = 0.8
# What the best known took on the machine where both were measured first; 1.5 of it is allowed.
REFERENCE_MS = {"SQLite": 16, "PostgreSQL": 55}
_SHAPE = realistic_components(COMPONENTS)
_Values = dict[str, Any]


def measure() -> list[Row]:
    """Both sides on both engines."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        rows = _compare("SQLite", f"sqlite:///{folder / 'record.db'}", folder)
        with running_postgresql() as url:
            return rows + _compare("PostgreSQL", url, folder)
    finally:
        shutil.rmtree(folder)


def _compare(name: str, url: str, folder: Path) -> list[Row]:
    upgrade(url)
    engine = open_engine(url)
    taken: dict[str, list[float]] = {"ours": [], "again": [], "read": [], "plain": []}
    with Record.open(url, FolderStore(folder / name)) as record:
        for number in range(ROUNDS):
            scan = _scan(f"{name} {number}")
            with _timed(taken["ours"]):
                record.save_run(_run(scan, b"{}"), at=AT)
            with _timed(taken["again"]):
                record.save_run(_run(scan, b"{ }"), at=AT)
            with _timed(taken["read"]):
                record.dossier(scan.evidence.subject.digest, at=AT)
            foreign = _scan(f"{name} {number}, plainly")
            with _timed(taken["plain"]):
                _file_plainly(engine, foreign)
    engine.dispose()
    return _rows_of(name, {what: Times(tuple(times)) for what, times in taken.items()})


def _rows_of(name: str, taken: dict[str, Times]) -> list[Row]:
    ratio = taken["ours"].ratio(taken["plain"])
    about = f"record {COMPONENTS:,} components, {FINDINGS} findings, {name}"
    reference = f"elsewhere {REFERENCE_MS[name]} ms"
    return [
        Row(
            about,
            f"{taken['ours']}",
            f"row-wise {taken['plain']}, {reference}",
            ratio,
            f"at most {LIMIT} of row-wise",
            ratio <= LIMIT,
        ),
        Row(f"the same again, {name}", f"{taken['again']}"),
        Row(f"read for the gate, {name}", f"{taken['read']}"),
    ]


@contextmanager
def _timed(times: list[float]) -> Iterator[None]:
    start = time.perf_counter()
    yield
    times.append(time.perf_counter() - start)


def _scan(seed: str) -> Scan:
    """A scan in which nothing but the shape is like any other's."""
    mark = Digest.of(seed.encode()).short
    made = tuple(
        replace(c, name=f"{c.name}-{mark}", purl=c.purl.replace("part", f"part-{mark}-"))
        for c in _SHAPE
    )
    return make_scan(
        components=made,
        findings=realistic_findings(made, FINDINGS),
        subject=Subject("registry.test/bench", Digest.of(seed.encode())),
    )


def _run(scan: Scan, report: bytes) -> RunRecord:
    evidence = replace(scan.evidence, digest=Digest.of(report))
    scanned = ScanRecord(replace(scan, evidence=evidence), report)
    subject = evidence.subject
    return RunRecord(
        subject, OCI_MANIFEST, (PlatformRecord(subject, PLATFORM, OCI_MANIFEST, scanned),)
    )


def _file_plainly(engine: Engine, scan: Scan) -> None:
    """What one writes first: rows as dictionaries, one statement for each table."""
    with writing(engine) as connection:
        image = _new(
            connection,
            images,
            project_id=1,
            digest=scan.evidence.subject.digest,
            media_type=OCI_MANIFEST,
            kind="manifest",
            os="linux",
            architecture="amd64",
            recorded_at=AT,
        )
        found = project_components(scan.components)
        inventory = _new(
            connection,
            inventories,
            image_id=image,
            identity=found.identity,
            component_count=len(found),
        )
        rows = _rows(staged_components, found.owned_by(inventory))
        _fill(connection, rows, components, inventoried_components)
        wrong = project_findings(scan.findings)
        assessment = _new(
            connection,
            assessments,
            image_id=image,
            identity=wrong.identity,
            **severity_counts(scan.findings),
        )
        rows = _rows(staged_findings, wrong.owned_by(assessment))
        _add(connection, vulnerabilities, [{"name": row["vulnerability"]} for row in rows])
        known = _numbers(connection, vulnerabilities.c.name, [row["vulnerability"] for row in rows])
        for row in rows:
            row["vulnerability_id"] = known[row["vulnerability"]]
            row["published_at"] = scan.findings[0].published_at
        _fill(connection, rows, findings, assessed_findings)


def _fill(connection: Connection, rows: list[_Values], facts: Table, links: Table) -> None:
    owner, _, fact = (column.name for column in list(links.c)[:3])
    _add(connection, layers, rows)
    _add(connection, facts, rows)
    known = _numbers(connection, facts.c.identity, [row["identity"] for row in rows])
    placed = _numbers(connection, layers.c.diff_id, list({row["diff_id"] for row in rows}))
    for row in rows:
        row[owner] = row["owner_id"]
        row[fact] = known[row["identity"]]
        row["layer_id"] = placed[row["diff_id"]]
    _add(connection, links, rows)


def _rows(table: Table, rows: Sequence[tuple[object, ...]]) -> list[_Values]:
    return [dict(zip(table.c.keys(), row, strict=True)) for row in rows]


def _new(connection: Connection, table: Table, **values: object) -> int:
    number: int = connection.execute(insert(table).returning(table.c.id), values).scalar_one()
    return number


def _add(connection: Connection, table: Table, rows: list[_Values]) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    names = [column.name for column in table.c if column.name in rows[0]]
    statement = dialect.insert(table).on_conflict_do_nothing().inline()
    connection.execute(statement, [{name: row[name] for name in names} for row in rows])


def _numbers(connection: Connection, column: Column[Any], values: list[Any]) -> dict[Any, int]:
    table = column.table
    found = connection.execute(select(column, table.c.id).where(column.in_(values)))
    return {row[0]: row[1] for row in found}
