"""Judging: once, again while nothing changed, from the record, and everything that is recorded.

Beside each stands what an engine that is handed its evidence as one JSON document has to do before
it can begin: read that document. `python -m benchmarks decisions`
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.machine import Machine
from benchmarks.place import this_machine
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
from supplychain.pipeline.judge import judge
from supplychain.records.content import ContentStore
from supplychain.records.folder import FolderStore
from supplychain.records.migrating import upgrade
from supplychain.records.record import Record
from supplychain.settings import Settings
from tests.kit.policies import known, make_dossier, make_platform, make_policy
from tests.kit.runs import manifest_run, sbom_record, scan_record
from tests.kit.scans import AT, SUBJECT, realistic_components, realistic_findings

COMPONENTS, FINDINGS, IMAGES, ROUNDS = 2_000, 300, 10_000, 25
# What was promised, in seconds.
EVALUATED, AGAIN, RECORDED, SIMULATED = 0.005, 0.001, 0.0016, 60
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

# What documents of the images begin with.
_KINDS = (b"report", b"sbom")


def measure() -> list[Row]:
    """All of it."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        machine = this_machine()
        one, many = folder / "one", folder / "many"
        return [*_once(machine), *_recorded(one, machine), *_everything(many, machine)]
    finally:
        shutil.rmtree(folder)


def _once(machine: Machine) -> Iterator[Row]:
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
    yield _row(about, ours, theirs, EVALUATED, machine)


def _large() -> Dossier:
    components = realistic_components(COMPONENTS)
    findings = [known(finding) for finding in realistic_findings(components, FINDINGS)]
    platform = replace(make_platform(findings=findings), components=tuple(components))
    return make_dossier(platform)


def _recorded(folder: Path, machine: Machine) -> Iterator[Row]:
    """An image of 300 components from the record, in a process that runs."""
    with _filled(folder, [SUBJECT], FolderStore(folder / "content")) as record:
        policy, remembering = make_policy(*TWO_RULES), Judge(record)
        instants = (AT + HOUR + timedelta(milliseconds=number) for number in count())
        asked: Any = {"environment": "prod"}
        dossier = record.dossier(SUBJECT.digest, at=AT + HOUR)
        document = to_document(Inputs(SUBJECT, "prod", policy.digest, dossier))
        reading = Contestant(lambda: json.loads(document))
        anew, theirs = alternate(
            Contestant(lambda: judge(record, SUBJECT, policy, at=next(instants), **asked)),
            reading,
            rounds=ROUNDS,
            warm_up=3,
        )
        again, beside = alternate(
            Contestant(lambda: remembering.judge(SUBJECT, policy, at=next(instants), **asked)),
            reading,
            rounds=ROUNDS,
            warm_up=3,
        )
        what = "a verdict from the record, 300 components"
        yield _row(what, anew, theirs, RECORDED, machine)
        yield _row("the verdict again, nothing changed", again, beside, AGAIN, machine)


def _everything(folder: Path, machine: Machine) -> Iterator[Row]:
    """Two policies over everything on record, on every core."""
    subjects = [Subject(f"registry.test/{n % 50}", Digest.of(b"%d" % n)) for n in range(IMAGES)]
    with _filled(folder, subjects, _Nowhere()) as record:
        found = [record.dossier(s.digest, at=AT + HOUR) for s in subjects[:100]]
    documents = [to_document(Inputs(SUBJECT, "prod", None, dossier)) for dossier in found]
    settings = Settings({"data_dir": str(folder)}, {}, folder)
    _is_its_own(FolderStore(folder / "content"))
    start = time.perf_counter()
    _simulate(settings, (make_policy(*TWO_RULES), make_policy(*STRICTER)))
    took = time.perf_counter() - start
    start = time.perf_counter()
    for document in documents:
        json.loads(document)
    read = (time.perf_counter() - start) / len(documents)
    each = took / IMAGES
    yield Row(
        f"two policies over {IMAGES:,} recorded images",
        f"{took:.1f} s, {each * 1000:.1f} ms each",
        f"reading the evidence of one as JSON {read * 1000:.1f} ms",
        each / read,
        machine.target(SIMULATED),
        machine.meets(took, SIMULATED),
    )


def _simulate(settings: Settings, pair: tuple[Policy, Policy]) -> None:
    shifts = simulated(settings, [pair], at=AT + HOUR, told=lambda _done, _total: None)
    if sum(1 for _ in shifts) != IMAGES:
        raise AssertionError("the stricter policy changes every verdict here")


def _is_its_own(content: FolderStore) -> None:
    """Let there be something of what rows name: who opens a record looks at a few of them."""
    content.put(b"report 0")
    content.put(min((b"%s %d" % (k, n) for k in _KINDS for n in range(IMAGES)), key=Digest.of))


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
        if number and number % 1000 == 0:
            print(f"recorded {number:,} images …", file=sys.stderr, flush=True)
        scan = scan_record(
            subject=subject,
            report=b"report %d" % number,
            components=components,
            findings=findings[number % 5 :],
        )
        sbom = sbom_record(subject=subject, document=b"sbom %d" % number)
        record.save_run(manifest_run(subject, scan=scan, sbom=sbom), at=AT)
    return record


def _row(name: str, ours: Times, theirs: Times, limit: float, machine: Machine) -> Row:
    return Row(
        name,
        f"{ours.median * 1000:.2f} ms",
        f"reading its evidence as JSON {theirs.median * 1000:.2f} ms",
        ours.ratio(theirs),
        machine.target(limit),
        machine.meets(ours.median, limit),
    )
