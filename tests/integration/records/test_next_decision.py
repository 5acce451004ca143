"""What is acknowledged is seen by the very next decision, whoever recorded it: scan, waiver, VEX.

`SUPPLYCHAIN_INTERLEAVINGS` says how often that is tried; `make faults` tries it ten thousand times.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from supplychain.model.decision import Verdict
from supplychain.model.digest import Digest
from supplychain.model.finding import Severity
from supplychain.model.subject import Subject
from supplychain.model.waiver import WaiverScope, WaiverStep
from supplychain.pipeline.answers import Judge
from supplychain.records.folder import FolderStore
from supplychain.records.record import Record
from supplychain.vex.document import read_vex
from tests.kit.policies import load
from tests.kit.runs import manifest_run, scan_record
from tests.kit.scans import AT, make_component, make_finding
from tests.kit.vex import openvex, openvex_statement, signed_document
from tests.kit.waivers import (
    APPROVER,
    DAY,
    INSTALLED,
    OPENSSL,
    REQUESTER,
    make_terms,
    waiving,
)

TIMES = int(os.environ.get("SUPPLYCHAIN_INTERLEAVINGS", "20"))
# Of one image, before the next one's turn: what is asked about it takes as long at the end.
_OF_ONE = 50
_NAME = "registry.test/shop/web"
_PART = make_component()
POLICY = waiving(
    load(
        "schemaVersion: 1\nenvironment: prod\nrules:\n"
        "  - freshness: {scan: 24h}\n  - vulnerabilities: {severity: critical}\n"
        "vex: {trust: {keys: [release.pub]}}\n"
    )
)
MILLISECOND = timedelta(milliseconds=1)


@dataclass(slots=True)
class _Image:
    """An image, and what is on record about it.

    Attributes:
        number: Which one.
        known: Of what was recorded last, whether it is so: `scan` that it has a vulnerability,
            `waiver` that this is approved of, `vex` that it is no matter.
    """

    number: int
    known: dict[str, bool] = field(default_factory=dict)

    @property
    def subject(self) -> Subject:
        return Subject(_NAME, Digest.of(b"image %d" % self.number))

    @property
    def vulnerability(self) -> str:
        return f"CVE-2026-{1000 + self.number}"

    @property
    def verdict(self) -> Verdict:
        """What the gate has to say."""
        if "scan" not in self.known:
            return Verdict.DENY
        excused = self.known.get("waiver") or self.known.get("vex")
        return Verdict.ALLOW if excused or not self.known["scan"] else Verdict.DENY


@dataclass(slots=True)
class _Writer:
    """Records what it is told to.

    Attributes:
        record: Where to.
        waiver: The number of the waiver that it had approved last.
    """

    record: Record
    waiver: int = 0

    def scan(self, image: _Image, at: datetime, bad: bool) -> None:
        found = make_finding(
            _PART, vulnerability_id=image.vulnerability, severity=Severity.CRITICAL
        )
        scan = scan_record(
            subject=image.subject,
            components=(_PART,),
            findings=(found,) if bad else (),
            report=f"{at}".encode(),
            produced_at=at,
        )
        self.record.save_run(manifest_run(image.subject, scan=scan), at=at)

    def approve(self, image: _Image, at: datetime, wanted: bool) -> None:
        book = self.record.waivers
        if not wanted:
            book.revoke(self.waiver, actor=APPROVER, at=at)
            return
        scope = WaiverScope(vulnerability=image.vulnerability, package=OPENSSL, versions=INSTALLED)
        terms = make_terms(scope, expires=at + DAY)
        self.waiver = book.request(terms, actor=REQUESTER, at=at).number
        book.answer(self.waiver, WaiverStep.APPROVED, actor=APPROVER, at=at)

    def claim(self, image: _Image, at: datetime, harmless: bool) -> None:
        about = f"pkg:oci/web@{image.subject.digest}?repository_url={_NAME}"
        said = openvex_statement(
            vulnerability={"name": image.vulnerability},
            products=[{"@id": about}],
            status="not_affected" if harmless else "affected",
            justification="vulnerable_code_not_present" if harmless else None,
            action_statement=None if harmless else "upgrade",
        )
        data = openvex(said, timestamp=at.isoformat())
        bundle = b"bundle of " + data
        signature = replace(
            signed_document(Digest.of(data), verified_at=at), envelope=Digest.of(bundle)
        )
        self.record.vex.add(read_vex(data), data, signature, bundle, at=at)


_DEEDS: dict[str, Callable[[_Writer, _Image, datetime, bool], None]] = {
    "scan": _Writer.scan,
    "waiver": _Writer.approve,
    "vex": _Writer.claim,
}


def _write(url: str, folder: Path, told: Connection) -> None:
    """Record what is asked for, and acknowledge it, until nobody asks any more."""
    with Record.open(url, FolderStore(folder)) as record:
        writer = _Writer(record)
        while (asked := told.recv()) is not None:
            name, *rest = asked
            _DEEDS[name](writer, *rest)
            told.send("done")


@contextmanager
def _other_process(url: str, folder: Path) -> Iterator[Connection]:
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    writer = context.Process(target=_write, args=(url, folder, theirs))
    writer.start()
    theirs.close()
    try:
        yield ours
        ours.send(None)
        writer.join(20)
        assert writer.exitcode == 0
    finally:
        ours.close()
        writer.kill()
        writer.join()


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory, where there is one: what is asked here is no question of disks."""
    shared = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture
def quick(database: str, memory: Path) -> str:
    """An empty record on each engine that waits for no disk."""
    if not database.startswith("sqlite"):
        return f"{database}{'&' if '?' in database else '?'}options=-csynchronous_commit%3Doff"
    shutil.copyfile(database.removeprefix("sqlite:///"), memory / "record.db")
    return f"sqlite:///{memory / 'record.db'}"


def test_the_next_decision_sees_what_another_process_recorded(quick: str, memory: Path) -> None:
    order, said = random.Random(6), set()  # the same order each time
    content, image = memory / "content", _Image(0)
    with (
        Record.open(quick, FolderStore(content)) as reader,
        _other_process(quick, content) as writer,
    ):
        judge, at = Judge(reader), AT
        for number in range(TIMES):
            at += MILLISECOND
            if number % _OF_ONE == 0:
                image = _Image(number // _OF_ONE)
            if order.random() < 0.7:
                name = order.choice(list(_DEEDS)) if image.known else "scan"
                # Only what was approved is revoked; what is scanned may be bad twice.
                new = order.random() < 0.6 if name == "scan" else not image.known.get(name)
                writer.send((name, image, at, new))
                assert writer.recv() == "done"
                image.known[name] = new
            # Once or more often: what was remembered must not be what is said after the next write.
            for _ in range(order.randrange(1, 4)):
                asked = judge.judge(image.subject, POLICY, environment="prod", at=at)
                assert asked.decision.verdict is image.verdict, (number, image)
            said.add(image.verdict)
    assert said == {Verdict.ALLOW, Verdict.DENY}
