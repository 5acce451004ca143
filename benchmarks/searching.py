"""Looking for a package over everything recorded, without any of it in memory before.

Each image has its own choice of packages in some version, as thousands of images of one company
have. The rows are put in directly: what is measured is finding them. `python -m benchmarks
searching`
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from benchmarks.table import Row
from benchmarks.timing import Times
from supplychain.gate.packages import PackagePattern
from supplychain.records.folder import FolderStore
from supplychain.records.record import Record
from supplychain.records.version import upgrade
from tests.kit.scans import AT

IMAGES, COMPONENTS, NAMES, VERSIONS, ROUNDS = 10_000, 300, 3_000, 10, 40
LIMIT_MS = 50
# What is found takes the time: in one image of a hundred, in one of ten.
_QUESTIONS = {
    "a package": ("pkg:pypi/part-2900", ">=1.3, <1.4"),
    "a frequent one": ("pkg:pypi/part-2900", ""),
}
_WHEN = AT.isoformat(timespec="microseconds")


def measure() -> list[Row]:
    """How long an answer takes."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        file = folder / "record.db"
        upgrade(f"sqlite:///{file}")
        _fill(file)
        with Record.open(f"sqlite:///{file}", FolderStore(folder / "content")) as record:
            return _asked(record)
    finally:
        shutil.rmtree(folder)


def _asked(record: Record) -> list[Row]:
    rows = []
    for what, (purl, versions) in _QUESTIONS.items():
        pattern = PackagePattern.parse(purl, versions)
        found = record.search.component(pattern, at=AT)
        taken = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            record.search.component(pattern, at=AT)
            taken.append(time.perf_counter() - start)
        slowest = sorted(taken)[ROUNDS * 95 // 100] * 1000
        rows.append(
            Row(
                f"search {IMAGES:,} images of {COMPONENTS} components for {what}, in {len(found)}",
                f"{Times(tuple(taken))}",
                f"19 of 20 within {slowest:.0f} ms",
                None,
                f"19 of 20 within {LIMIT_MS} ms",
                slowest <= LIMIT_MS,
            )
        )
    return rows


def _fill(file: Path) -> None:
    """Every tenth image has a package of some name, and every hundredth in some version."""
    counts = {"IMAGES": IMAGES, "COMPONENTS": COMPONENTS, "NAMES": NAMES, "VERSIONS": VERSIONS}
    script = _ROWS.replace("@STEP", str(NAMES // COMPONENTS)).replace("@WHEN", f"'{_WHEN}'")
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
SELECT v, 1, v, 'scan', digest, '', 'n', 'trivy', '1', @WHEN, 'first-hand', @WHEN FROM i;

INSERT INTO scans (evidence_id, database_digest, database_updated_at, operating_system,
                   inventory_id, assessment_id)
SELECT v, digest, @WHEN, '', v, v FROM i;
"""
