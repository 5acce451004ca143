"""Looking for a package over everything recorded, without any of it in memory before.

Each image has its own choice of packages in some version, as thousands of images of one company
have. The rows are put in directly: what is measured is finding them. `python -m benchmarks
searching`
"""

from __future__ import annotations

import gc
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.served import Server, asked, prepared
from benchmarks.table import Row
from benchmarks.timing import Times
from supplychain.gate.packages import PackagePattern
from supplychain.model.digest import Digest
from supplychain.records.record import Record
from tests.kit.scans import AT

IMAGES, COMPONENTS, NAMES, VERSIONS, ROUNDS = 10_000, 300, 3_000, 10, 40
LIMIT_MS = 50
_STORE = f"{IMAGES:,} images of {COMPONENTS} components"
# What is found takes the time: in one image of a hundred, in one of ten.
_QUESTIONS = {
    "a package": ("pkg:pypi/part-2900", ">=1.3, <1.4"),
    "a frequent one": ("pkg:pypi/part-2900", ""),
}
_WHEN = AT.isoformat(timespec="microseconds")


def measure() -> list[Row]:
    """How long an answer takes, by itself and over HTTP."""
    with prepared("SQLite") as place:
        with place.record() as record:
            report = record.content.put(b"what every scan found")
        _fill(place.folder / "record.db", report)
        with place.record() as record:
            gc.collect()
            gc.freeze()  # as in a server: what was imported is not gone through again and again
            rows = [_asked(record, what) for what in _QUESTIONS]
        with place.serving() as server:
            return [*rows, *(_asked_over_http(server, what) for what in _QUESTIONS)]


def _asked(record: Record, what: str) -> Row:
    pattern = PackagePattern.parse(*_QUESTIONS[what])
    found = record.search.component(pattern, at=AT)
    taken = _timed(lambda: record.search.component(pattern, at=AT))
    return _row(f"search {_STORE} for {what}, in {len(found)}", taken)


def _asked_over_http(server: Server, what: str) -> Row:
    """The first page, as whoever asks gets it."""
    purl, versions = _QUESTIONS[what]
    path = f"/v1/search/components?{urlencode({'purl': purl, 'versions': versions})}"
    with closing(server.connect()) as on:
        asked(server, on, "GET", path)
        return _row(
            f"the same over HTTP, for {what}", _timed(lambda: asked(server, on, "GET", path))
        )


def _timed(ask: Callable[[], object]) -> list[float]:
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - start)
    return taken


def _row(name: str, taken: list[float]) -> Row:
    slowest = sorted(taken)[ROUNDS * 95 // 100] * 1000
    return Row(
        name,
        f"{Times(tuple(taken))}",
        f"19 of 20 within {slowest:.0f} ms",
        None,
        f"19 of 20 within {LIMIT_MS} ms",
        slowest <= LIMIT_MS,
    )


def _fill(file: Path, report: Digest) -> None:
    """Every tenth image has a package of some name, and every hundredth in some version."""
    counts = {"IMAGES": IMAGES, "COMPONENTS": COMPONENTS, "NAMES": NAMES, "VERSIONS": VERSIONS}
    script = _ROWS.replace("@STEP", str(NAMES // COMPONENTS)).replace("@WHEN", f"'{_WHEN}'")
    script = script.replace("@REPORT", f"'{report}'")
    for name, count in counts.items():
        script = script.replace(f"@{name}", str(count))
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(f"BEGIN; {script} COMMIT; ANALYZE;")


_ROWS = """
CREATE TEMP TABLE i AS
WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < @IMAGES)
SELECT v, 'sha256:' || printf('%064x', v) AS digest FROM n;

WITH RECURSIVE n(v) AS (SELECT 0 UNION ALL SELECT v + 1 FROM n WHERE v < @NAMES * @VERSIONS - 1)
INSERT INTO components (id, identity, purl, purl_type, purl_namespace, purl_name, name, version,
                        kind, ecosystem, licences, source_name, source_version)
SELECT v + 1, CAST(v AS BLOB), 'pkg:pypi/part-' || (v / @VERSIONS) || '@1.' || (v % @VERSIONS),
       'pypi', '', 'part-' || (v / @VERSIONS), 'part', '1.' || (v % @VERSIONS), 'library',
       'python-pkg', '[]', '', '' FROM n;

INSERT INTO images (id, project_id, digest, media_type, kind, os, architecture, recorded_at)
SELECT v, 1, digest, '', 'manifest', 'linux', 'amd64', @WHEN FROM i;

INSERT INTO image_names (project_id, name, image_id, recorded_at)
SELECT 1, 'registry.test/bench/' || v, v, @WHEN FROM i;

INSERT INTO inventories (id, image_id, identity, component_count)
SELECT v, v, x'00', @COMPONENTS FROM i;

INSERT INTO assessments (id, image_id, identity, negligible, low, medium, high, critical, unknown)
SELECT v, v, x'00', 0, 0, 0, 0, 0, 0 FROM i;

WITH RECURSIVE p(v) AS (SELECT 0 UNION ALL SELECT v + 1 FROM p WHERE v < @COMPONENTS - 1)
INSERT INTO inventoried_components (inventory_id, position, component_id, path, key)
SELECT i.v, p.v, (p.v * @STEP + (i.v + p.v) % @STEP) * @VERSIONS + i.v / @STEP % @VERSIONS + 1,
       '', '' FROM i, p;

INSERT INTO evidence (id, project_id, image_id, kind, digest, media_type, subject_name,
                      producer_name, producer_version, produced_at, verified_by, recorded_at)
SELECT v, 1, v, 'scan', @REPORT, '', 'n', 'trivy', '1', @WHEN, 'first-hand', @WHEN FROM i;

INSERT INTO scans (evidence_id, database_digest, database_updated_at, operating_system,
                   inventory_id, assessment_id)
SELECT v, digest, @WHEN, '', v, v FROM i;
"""
