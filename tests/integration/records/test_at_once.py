"""The same thing twice, and many things at once: nothing doubled, nothing stuck."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.evidence import SIGNATURE_PREDICATE
from supplychain.model.finding import Finding
from supplychain.model.subject import Subject
from supplychain.records.content import ContentStore
from supplychain.records.folder import FolderStore
from supplychain.records.ledger import DecisionRecord
from supplychain.records.record import Record
from supplychain.records.run import RunRecord
from tests.kit.records import row_counts
from tests.kit.runs import (
    attestation_record,
    index_run,
    make_decision,
    manifest_run,
    sbom_record,
    scan_record,
)
from tests.kit.scans import AT, realistic_components, realistic_findings

Lists = tuple[tuple[Component, ...], tuple[Finding, ...]]
COMPONENTS = realistic_components(120)
FINDINGS = realistic_findings(COMPONENTS, 60)


def _whole_run(label: str = "one", *, shuffled: int = 0) -> RunRecord:
    """A run with everything; `shuffled` turns its lists, as another image would have them."""
    subject = Subject("registry.test/app", Digest.of(label.encode()))
    turn = shuffled % len(COMPONENTS)
    record = scan_record(subject=subject, components=COMPONENTS, findings=FINDINGS)
    scan = replace(
        record.scan,
        components=record.scan.components[turn:] + record.scan.components[:turn],
        findings=record.scan.findings[::-1] if shuffled % 2 else record.scan.findings,
    )
    return manifest_run(
        subject,
        scan=replace(record, scan=scan),
        sbom=sbom_record(subject=subject),
        attestations=(
            attestation_record(subject=subject),
            attestation_record(subject=subject, predicate_type=SIGNATURE_PREDICATE),
        ),
        tag="latest",
    )


def _save(url: str, folder: Path, label: str, shuffled: int) -> None:
    with Record.open(url, FolderStore(folder)) as record:
        record.save_run(_whole_run(label, shuffled=shuffled), at=AT)


def test_the_same_run_again_adds_nothing(record: Record, database: str) -> None:
    runs = (_whole_run(), index_run(attestations=True, tag="1"))
    for run in runs:
        record.save_run(run, at=AT)
    before = row_counts(database)
    for run in runs:
        record.save_run(run, at=AT + timedelta(hours=1))

    assert row_counts(database) == before
    assert before["findings"] == len(FINDINGS) + 1


def test_a_new_scan_with_the_same_result_adds_one_scan_and_no_lists(
    record: Record, database: str
) -> None:
    run = _whole_run()
    record.save_run(run, at=AT)
    before = row_counts(database)
    [platform] = run.platforms
    assert platform.scan
    evidence = replace(platform.scan.scan.evidence, digest=Digest.of(b"again"))
    again = replace(platform.scan, scan=replace(platform.scan.scan, evidence=evidence))
    again = replace(again, report=b"again")

    record.save_run(replace(run, platforms=(replace(platform, scan=again),)), at=AT)

    after = row_counts(database)
    added = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert added == {"evidence": 1, "scans": 1, "audit_events": 1}


def test_a_tag_that_moves_and_moves_back_leaves_its_history(record: Record, database: str) -> None:
    for hour, label in enumerate(("a", "a", "b", "a")):
        record.save_run(_whole_run(label), at=AT + timedelta(hours=hour))

    assert row_counts(database)["tag_resolutions"] == 3
    assert record.images.last_resolution("registry.test/app", "latest") == Digest.of(b"a")


def test_two_images_share_what_they_have_in_common(record: Record, database: str) -> None:
    record.save_run(_whole_run("a"), at=AT)
    before = row_counts(database)
    record.save_run(_whole_run("b", shuffled=7), at=AT)

    after = row_counts(database)
    for shared in ("components", "findings", "vulnerabilities", "layers", "first_seen"):
        assert after[shared] == before[shared], shared
    assert after["inventoried_components"] == 2 * before["inventoried_components"]


def _in_threads(tasks: list[Callable[[], object]]) -> None:
    with ThreadPoolExecutor(len(tasks)) as pool:
        for future in [pool.submit(task) for task in tasks]:
            future.result(timeout=120)


def test_the_same_run_at_once_is_recorded_once(
    record: Record, database: str, content: ContentStore
) -> None:
    run = _whole_run()
    _in_threads([lambda: record.save_run(run, at=AT)] * 6)

    crowded = row_counts(database)
    assert crowded["evidence"] == 4
    assert crowded["inventoried_components"] == len(COMPONENTS)
    assert crowded["assessed_findings"] == len(FINDINGS)
    dossier = record.dossier(run.subject.digest, at=AT)
    assert dossier is not None
    assert len(dossier.platforms[0].findings) == len(FINDINGS)


def test_images_that_share_everything_do_not_deadlock(record: Record, database: str) -> None:
    """Four at a time file the same new rows in opposite orders: unsorted, they all but surely
    wait for one another in a circle."""
    for turn in range(4):
        components = tuple(
            replace(c, purl=c.purl.replace("part", f"part{turn}-"))
            for c in realistic_components(800)
        )
        findings = realistic_findings(components, 400)
        start = threading.Barrier(4)

        def save(n: int, lists: Lists, start: threading.Barrier = start, turn: int = turn) -> None:
            subject = Subject("registry.test/app", Digest.of(b"image %d of %d" % (n, turn)))
            scanned = scan_record(subject=subject)
            order = 1 if n % 2 else -1
            scan = replace(scanned.scan, components=lists[0][::order], findings=lists[1][::order])
            start.wait(60)
            run = manifest_run(subject, scan=replace(scanned, scan=scan))
            record.save_run(run, at=AT)

        _in_threads([partial(save, n, (components, findings)) for n in range(4)])

    counts = row_counts(database)
    assert counts["images"] == 16
    assert counts["components"] == 4 * 800
    assert counts["inventoried_components"] == 16 * 800


def test_indexes_that_share_everything_do_not_deadlock(record: Record, database: str) -> None:
    """Each transaction files two platforms, whose components are another's in another order."""
    half = len(COMPONENTS) // 2
    groups = (COMPONENTS[:half], COMPONENTS[half:])
    runs = []
    for n in range(8):
        run = index_run(f"registry.test/index-{n}")
        platforms = tuple(
            replace(
                platform,
                scan=scan_record(
                    subject=platform.subject,
                    components=groups[(n + k) % 2],
                    findings=realistic_findings(groups[(n + k) % 2], 30),
                ),
            )
            for k, platform in enumerate(run.platforms)
        )
        runs.append(replace(run, platforms=platforms))
    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(record.save_run, run, at=AT) for run in runs]:
            future.result(timeout=120)

    counts = row_counts(database)
    assert counts["index_children"] == 16
    assert counts["components"] == len(COMPONENTS)


def test_processes_at_once_record_everything_once(database: str, tmp_path: Path) -> None:
    folder = tmp_path / "content"
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, mp_context=context) as pool:
        futures = [pool.submit(_save, database, folder, f"image {n % 3}", n % 3) for n in range(9)]
        for future in futures:
            future.result(timeout=120)

    counts = row_counts(database)
    assert counts["images"] == 3
    assert counts["evidence"] == 12
    assert counts["components"] == len(COMPONENTS)


def test_the_same_decision_at_once_is_kept_once(record: Record, database: str) -> None:
    decision = make_decision(policy=Digest.of(b"policy"))
    _in_threads(
        [lambda: record.ledger.append(DecisionRecord(b"document", decision, policy=b"policy"))] * 6
    )

    assert row_counts(database)["decisions"] == 1
    assert row_counts(database)["policies"] == 1


def test_a_gate_sees_what_was_acknowledged(record: Record) -> None:
    """Whoever asks after a run was recorded sees all of it; before, nothing of it."""

    def save_and_ask(n: int) -> None:
        run = _whole_run(f"image {n}", shuffled=n)
        assert record.dossier(run.subject.digest, at=AT) is None
        record.save_run(run, at=AT)
        dossier = record.dossier(run.subject.digest, at=AT)
        assert dossier is not None
        assert len(dossier.platforms[0].findings) == len(FINDINGS)
        assert len(dossier.attestations) == 2

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save_and_ask, range(12)))
