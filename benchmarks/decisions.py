"""Judging: once, again while nothing changed, from the record, and everything that is recorded.

Beside each stands what an engine that is handed its evidence as one JSON document has to do before
it can begin: read that document. `python -m benchmarks decisions`
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from benchmarks.table import Row
from benchmarks.timing import Contestant, Times, alternate
from supplychain.bootstrap.simulation import simulated
from supplychain.gate.evaluate import evaluate
from supplychain.gate.inputs import Inputs, to_document
from supplychain.gate.policy import Policy
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier
from supplychain.model.subject import Subject
from supplychain.pipeline.answers import Judge
from supplychain.records.content import ContentStore
from supplychain.records.folder import FolderStore
from supplychain.records.record import Record
from supplychain.records.version import upgrade
from supplychain.settings import Settings
from tests.kit.policies import known, make_dossier, make_platform, make_policy
from tests.kit.runs import manifest_run, sbom_record, scan_record
from tests.kit.scans import AT, SUBJECT, realistic_components, realistic_findings

COMPONENTS, FINDINGS, IMAGES, ROUNDS = 2_000, 300, 600, 15
# What was promised, in milliseconds; the last for one of 10,000 images in 60 s on two cores.
EVALUATED_MS, AGAIN_MS, RECORDED_MS, SIMULATED_MS = 5.0, 1.0, 1.6, 6.0
TEN_RULES = (
    "signature: {keys: [release.pub]}",
    "sbom: {keys: [release.pub]}",
    "freshness: {scan: 24h, database: 48h}",
    "vulnerabilities: {severity: critical}",
    "vulnerabilities: {severity: high, fixable: true, grace: 7d}",
    "vulnerabilities: {severity: medium, grace: 30d}",
    "packages: {denied: ['pkg:npm/event-stream', 'pkg:pypi/colourama']}",
    "licences: {denied: [AGPL-3.0-only], unknown: allow}",
    "attestation: {type: cyclonedx, keys: [release.pub]}",
    "sbom: {}",
)
TWO_RULES = "freshness: {scan: 24h}", "vulnerabilities: {severity: critical, grace: 7d}"
STRICTER = "freshness: {scan: 24h}", "vulnerabilities: {severity: high}"
HOUR = timedelta(hours=1)


def measure() -> list[Row]:
    """All of it."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        return [*_once(), *_recorded(folder / "one"), *_everything(folder / "many")]
    finally:
        shutil.rmtree(folder)


def _once() -> Iterator[Row]:
    dossier, policy = _large(), make_policy(*TEN_RULES)
    document = to_document(Inputs(SUBJECT, "prod", policy.digest, dossier))
    ours, theirs = alternate(
        Contestant(
            lambda: evaluate(dossier, policy, subject=SUBJECT, environment="prod", at=AT + HOUR)
        ),
        Contestant(lambda: json.loads(document)),
        rounds=ROUNDS,
    )
    about = f"judge {COMPONENTS:,} components, {FINDINGS} findings, ten rules"
    yield _row(about, ours, theirs, EVALUATED_MS)


def _large() -> Dossier:
    components = realistic_components(COMPONENTS)
    findings = [known(finding) for finding in realistic_findings(components, FINDINGS)]
    platform = replace(make_platform(findings=findings), components=tuple(components))
    return make_dossier(platform)


def _recorded(folder: Path) -> Iterator[Row]:
    """An image of 300 components from the record, in a process that runs."""
    with _filled(folder, [SUBJECT], FolderStore(folder / "content")) as record:
        policy, judge = make_policy(*TWO_RULES), Judge(record)
        seconds = iter(range(1_000_000))

        def ask() -> None:
            at = AT + HOUR + timedelta(milliseconds=next(seconds))
            judge.judge(SUBJECT, policy, environment="prod", at=at)

        dossier = record.dossier(SUBJECT.digest, at=AT + HOUR)
        document = to_document(Inputs(SUBJECT, "prod", policy.digest, dossier))
        ours, theirs = alternate(
            Contestant(ask), Contestant(lambda: json.loads(document)), rounds=ROUNDS, warm_up=3
        )
        limit = min(AGAIN_MS, RECORDED_MS)
        yield _row("a verdict again, nothing changed, 300 components", ours, theirs, limit)


def _everything(folder: Path) -> Iterator[Row]:
    """Two policies over everything on record, on every core."""
    subjects = [Subject(f"registry.test/{n % 50}", Digest.of(b"%d" % n)) for n in range(IMAGES)]
    with _filled(folder, subjects, _Nowhere()) as record:
        found = [record.dossier(s.digest, at=AT + HOUR) for s in subjects[:100]]
    documents = [to_document(Inputs(SUBJECT, "prod", None, dossier)) for dossier in found]
    settings = Settings({"data_dir": str(folder)}, {}, folder)
    pair = make_policy(*TWO_RULES), make_policy(*STRICTER)
    _simulate(settings, pair)
    start = time.perf_counter()
    _simulate(settings, pair)
    took = time.perf_counter() - start
    start = time.perf_counter()
    for document in documents:
        json.loads(document)
    read = (time.perf_counter() - start) / len(documents)
    each = took / IMAGES
    yield Row(
        f"two policies over {IMAGES} recorded images, for each",
        f"{each * 1000:.1f} ms ({each * 10_000:.0f} s for 10,000)",
        f"reading its evidence as JSON {read * 1000:.1f} ms",
        each / read,
        f"at most {SIMULATED_MS} ms",
        each * 1000 <= SIMULATED_MS,
    )


def _simulate(settings: Settings, pair: tuple[Policy, Policy]) -> None:
    shifts = simulated(settings, [pair], at=AT + HOUR, told=lambda _done, _total: None)
    if sum(1 for _ in shifts) != IMAGES:
        raise AssertionError("the stricter policy changes every verdict here")


class _Nowhere:
    """A content store for rows alone: what is measured reads no document."""

    def put(self, data: bytes) -> Digest:
        return Digest.of(data)

    def put_chunks(self, digest: Digest, *_: object) -> None:
        del digest


def _filled(folder: Path, subjects: Iterable[Subject], content: ContentStore | _Nowhere) -> Record:
    folder.mkdir()
    url = f"sqlite:///{folder / 'supplychain.db'}"
    upgrade(url)
    components = realistic_components(300)
    findings = realistic_findings(components, 40)
    record = Record.open(url, content)  # type: ignore[arg-type]  # `_Nowhere` is written to only
    for number, subject in enumerate(subjects):
        scan = scan_record(
            subject=subject,
            report=b"report %d" % number,
            components=components,
            findings=findings[number % 5 :],
        )
        sbom = sbom_record(subject=subject, document=b"sbom %d" % number)
        record.save_run(manifest_run(subject, scan=scan, sbom=sbom), at=AT)
    return record


def _row(name: str, ours: Times, theirs: Times, limit: float) -> Row:
    met = ours.median * 1000 <= limit
    return Row(
        name,
        f"{ours.median * 1000:.2f} ms",
        f"reading its evidence as JSON {theirs.median * 1000:.2f} ms",
        ours.ratio(theirs),
        f"at most {limit} ms",
        met,
    )
