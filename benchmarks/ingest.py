"""SBOMs handed in over HTTP, and found again: a thousand, into a small store and a large one.

Each has its own choice of 300 of 5,000 packages. They come as those of other tools do, without a
signature. `python -m benchmarks ingest`
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import random
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

import orjson
from sqlalchemy import Engine, create_engine, text

from benchmarks.machine import Machine
from benchmarks.place import this_machine
from benchmarks.served import ENGINES, Prepared, Server, asked, prepared, sent
from benchmarks.table import Row
from benchmarks.timing import Times
from supplychain.model.artifact import OCI_MANIFEST
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.records.run import PlatformRecord, RunRecord
from tests.kit.scans import AT, PLATFORM

DOCUMENTS, COMPONENTS, PACKAGES, CONNECTIONS, ROUNDS = 1_000, 300, 5_000, 4, 200
# How many times as large the store is, the second time.
LARGER = 10
# What was promised, in seconds; how much longer it may take on the larger store.
LIMITS, FLAT, FOUND = {"SQLite": 18, "PostgreSQL": 14}, 1.5, 0.0023
GUAC = {"SQLite": "GUAC 1.1 elsewhere 37 s in memory", "PostgreSQL": "GUAC 1.1 elsewhere 69 s"}


def measure() -> list[Row]:
    """On both engines."""
    machine = this_machine()
    return [row for engine in ENGINES for row in _on(engine, machine)]


def _on(engine: str, machine: Machine) -> Iterator[Row]:
    with prepared(engine) as place:
        first, second = _documents(place, "first"), _documents(place, "second")
        with place.serving() as server:
            small = _handed_in(server, first)
            yield _row(
                f"hand in {DOCUMENTS:,} SBOMs of {COMPONENTS} components, {engine}",
                small,
                GUAC[engine],
                machine,
                LIMITS[engine],
            )
            _analyse(place)
            yield from _found(engine, server, machine)
            _grow(place)
            large = _handed_in(server, second)
            yield Row(
                f"the same into a store of {LARGER * DOCUMENTS:,}, {engine}",
                f"{large:.1f} s",
                f"into an empty one {small:.1f} s",
                large / small,
                f"at most {FLAT} of that",
                large <= FLAT * small,
            )
            yield from _found_among_more(engine, server)


def _row(name: str, seconds: float, beside: str, machine: Machine, limit: float) -> Row:
    met = machine.meets(seconds, limit)
    return Row(name, f"{seconds:.1f} s", beside, None, machine.target(limit), met)


def _handed_in(server: Server, requests: list[tuple[str, bytes]]) -> float:
    start = time.perf_counter()
    sent(server, requests, CONNECTIONS)
    return time.perf_counter() - start


def _found(engine: str, server: Server, machine: Machine) -> Iterator[Row]:
    """Which images have exactly this package and version: another one each time, all on a page."""
    with contextlib.closing(server.connect()) as on:
        whole, found = _asked_for(lambda purl: _pages(server, on, purl))
    yield Row(
        f"which images have this package and version: {found:,} of {DOCUMENTS:,}, {engine}",
        f"{whole.median * 1000:.1f} ms",
        f"{_slowest(whole)}; GUAC 1.1 elsewhere 2.8 ms in memory, else 4.7 ms",
        None,
        machine.target(FOUND),
        machine.meets(whole.median, FOUND),
    )


def _found_among_more(engine: str, server: Server) -> Iterator[Row]:
    """The same in the large store: of more images than are on a page."""
    with contextlib.closing(server.connect()) as on:
        first, _ = _asked_for(lambda purl: _pages(server, on, purl, most=1))
        whole, found = _asked_for(lambda purl: _pages(server, on, purl))
    what = f"the same, {found:,} of {LARGER * DOCUMENTS:,}"
    for pages, taken in (("the first page", first), ("all pages", whole)):
        yield Row(f"{what}, {pages}, {engine}", f"{taken.median * 1000:.1f} ms", _slowest(taken))


def _asked_for(ask: Callable[[str], int]) -> tuple[Times, int]:
    """How long it takes to ask for a package, and how many images have one."""
    taken, found = [], 0
    for number in range(-20, ROUNDS):
        purl = quote(_package(number % PACKAGES)["purl"], safe="")
        start = time.perf_counter()
        count = ask(purl)
        if number >= 0:
            taken.append(time.perf_counter() - start)
            found += count
    return Times(tuple(taken)), found // ROUNDS


def _pages(
    server: Server, on: http.client.HTTPConnection, purl: str, most: int | None = None
) -> int:
    """How many images are on the pages that come first, of the size that they have by default."""
    found, following = 0, f"/v1/search/claims?purl={purl}"
    for _ in itertools.count() if most is None else range(most):
        page = orjson.loads(asked(server, on, "GET", following))
        found += len(page["claims"])
        if page["next_cursor"] is None:
            break
        following = f"/v1/search/claims?purl={purl}&cursor={page['next_cursor']}"
    return found


def _slowest(times: Times) -> str:
    slowest = sorted(times.seconds)[len(times.seconds) * 95 // 100]
    return f"19 of 20 within {slowest * 1000:.1f} ms"


def _package(number: int) -> dict[str, str]:
    kind = ("pypi", "npm", "golang", "maven", "deb")[number % 5]
    name, version = f"part-{number}", f"{number % 7}.{number % 11}.{number % 13}"
    within = {"maven": "org.example/", "deb": "debian/", "golang": "example.org/"}.get(kind, "")
    purl = f"pkg:{kind}/{within}{name}@{version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
    }


def _documents(place: Prepared, seed: str) -> list[tuple[str, bytes]]:
    """Requests that hand in a document each, about images that are put on record."""
    chance, requests = random.Random(seed), []  # noqa: S311  # not a secret, but the same each time
    with place.record() as record:
        for number in range(DOCUMENTS):
            subject = Subject(
                f"registry.test/{seed}/{number}", Digest.of(f"{seed} {number}".encode())
            )
            platform = PlatformRecord(subject, PLATFORM, OCI_MANIFEST)
            record.save_run(RunRecord(subject, OCI_MANIFEST, (platform,)), at=AT)
            parts = [_package(one) for one in chance.sample(range(PACKAGES), COMPONENTS)]
            document = {
                "bomFormat": "CycloneDX",
                "specVersion": "1.6",
                "serialNumber": f"urn:uuid:00000000-0000-4000-8000-{number:012}",
                "version": 1,
                "metadata": {
                    "component": {"type": "container", "name": subject.name, "bom-ref": "image"}
                },
                "components": parts,
                "dependencies": [{"ref": "image", "dependsOn": [one["purl"] for one in parts]}],
            }
            path = f"/v1/images/{subject.digest}/evidence?kind=sbom"
            requests.append((path, orjson.dumps(document)))
    return requests


def _grow(place: Prepared) -> None:
    """Everything so far, with other digests, until the store is as large as it is to be.

    The rows are put in directly: what is measured comes after them.
    """
    engine = _engine(place)
    with engine.begin() as connection:
        for number in range(1, LARGER):
            copies = _COPIES.replace("@N", f"{number:x}").replace("@DOCUMENTS", str(DOCUMENTS))
            for statement in copies.split(";"):
                connection.execute(text(statement))
    engine.dispose()
    _analyse(place)


def _analyse(place: Prepared) -> None:
    """What PostgreSQL does by itself within a minute or so; SQLite needs none of it."""
    engine = _engine(place)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
    engine.dispose()


def _engine(place: Prepared) -> Engine:
    return create_engine(place.url.replace("postgresql:", "postgresql+psycopg:"))


# A digest is `sha256:` and 64 digits, of which each copy has other first ones: no hash begins so.
_COPIES = """
INSERT INTO images (project_id, digest, media_type, kind, os, architecture, recorded_at)
SELECT project_id, 'sha256:00000@N' || substr(digest, 14), media_type, kind, os, architecture,
       recorded_at
FROM images WHERE id <= (SELECT min(id) + @DOCUMENTS - 1 FROM images);

INSERT INTO image_names (project_id, name, image_id, recorded_at)
SELECT i.project_id, 'registry.test/copy/@N/' || i.id, i.id, i.recorded_at
FROM images i WHERE i.digest LIKE 'sha256:00000@N%'
AND NOT EXISTS (SELECT 1 FROM image_names n WHERE n.image_id = i.id);

INSERT INTO sbom_contents (digest, component_count)
SELECT 'sha256:00000@N' || substr(digest, 14), component_count
FROM sbom_contents WHERE id <= (SELECT min(id) + @DOCUMENTS - 1 FROM sbom_contents);

INSERT INTO unsigned_claims (project_id, subject_digest, kind, caller, digest, size, recorded_at)
SELECT project_id, 'sha256:00000@N' || substr(subject_digest, 14), kind, caller,
       'sha256:00000@N' || substr(digest, 14), size, recorded_at
FROM unsigned_claims WHERE id <= (SELECT min(id) + @DOCUMENTS - 1 FROM unsigned_claims);

INSERT INTO sbom_components (component_id, content_id)
SELECT s.component_id, copy.id
FROM sbom_contents first
JOIN sbom_components s ON s.content_id = first.id
JOIN sbom_contents copy ON copy.digest = 'sha256:00000@N' || substr(first.digest, 14)
WHERE first.id <= (SELECT min(id) + @DOCUMENTS - 1 FROM sbom_contents)
"""
