"""Reading what is judged of many images together gives what reading each of them gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial

from sqlalchemy import Engine, event

from supplychain.model.decision import Verdict
from supplychain.model.digest import Digest
from supplychain.model.dossier import Need
from supplychain.model.evidence import EvidenceKind
from supplychain.model.history import Event, Report
from supplychain.model.subject import Subject
from supplychain.records.ledger import DecisionRecord
from supplychain.records.record import Record
from tests.kit.runs import (
    attestation_record,
    index_run,
    make_decision,
    manifest_run,
    sbom_record,
    scan_record,
)
from tests.kit.scans import AT, SUBJECT, make_component, make_finding

HOUR = timedelta(hours=1)
LATER = AT + 9 * HOUR
SHOPS = [Subject(f"registry.test/shop{n % 2}", Digest.of(b"shop %d" % n)) for n in range(4)]
UNKNOWN, WORKED_ON = Digest.of(b"nobody saw it"), Digest.of(b"somebody scans it")
NEEDS = frozenset({Need.COMPONENTS, Need.RUNNING, Need.ANCESTORS})


def test_many_are_read_as_each_by_itself(record: Record) -> None:
    digests = fill(record)
    ask = partial(record.dossier, at=LATER, environment="staging", needs=NEEDS)
    ask_many = partial(record.dossiers, at=LATER, environment="staging", needs=NEEDS)
    with worked_on(record):
        each = [ask(digest) for digest in digests]
        assert list(ask_many(digests)) == each
        assert list(ask_many(reversed(digests))) == each[::-1]
    known = [one for one in each if one is not None]
    # Each part was there for some of them and not for others, so nothing went to the wrong one.
    for part in ("deployments", "allowances", "approvals", "underway", "running", "indexes"):
        assert len({bool(getattr(one, part)) for one in known}) == 2, part
    assert len({one.platforms for one in known}) == len(known)


def test_the_same_image_twice_is_given_twice(record: Record) -> None:
    record.save_run(manifest_run(), at=AT)
    digests = [SUBJECT.digest, UNKNOWN, SUBJECT.digest]
    first, nothing, again = record.dossiers(digests, at=LATER)
    assert nothing is None
    assert first == again == record.dossier(SUBJECT.digest, at=LATER)


def test_many_take_as_many_questions_as_one(record: Record) -> None:
    digests = fill(record)
    asked: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        list(record.dossiers(digests[:1], at=LATER, needs=frozenset({Need.COMPONENTS})))
        one = len(asked)
        list(record.dossiers(digests * 6, at=LATER, needs=frozenset({Need.COMPONENTS})))
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    # The index among them has one question more: which platforms it lists.
    assert len(digests) * 6 > 50
    assert len(asked) - one <= 2 * (one + 1)


@contextmanager
def worked_on(record: Record) -> Iterator[None]:
    """Somebody works on an image that is new, and on one that is not."""
    with ExitStack() as stack:
        for digest in (WORKED_ON, SHOPS[3].digest):
            told = digest, (EvidenceKind.SCAN,), "run", lambda: LATER
            stack.enter_context(record.history.working(*told))
        yield


def fill(record: Record) -> list[Digest]:
    """Images with everything that can happen to one, each of it to some of them alone."""
    for number, subject in enumerate(SHOPS):
        components = (make_component(name=f"part{number}"),)
        findings = (make_finding(vulnerability_id=f"CVE-2026-{number:04}"),)
        scan = scan_record(
            subject=subject,
            report=b"report %d" % number,
            components=components,
            findings=findings,
        )
        sbom = sbom_record(subject=subject, document=b"sbom %d" % number)
        signed = (attestation_record(subject=subject),) if number % 2 else ()
        run = manifest_run(subject, scan=scan, sbom=sbom, attestations=signed)
        record.save_run(run, at=AT + number * HOUR)
    index = index_run(attestations=True)
    record.save_run(index, at=AT)
    child = index.platforms[1].subject
    for hour, subject in ((5, SHOPS[0]), (6, SHOPS[2])):
        report = Report(Event.STARTED, subject, "staging", AT + hour * HOUR, "cd")
        record.history.deployed(report, at=report.at)
    record.history.deployed(Report(Event.STARTED, child, "prod", AT + HOUR, "cd"), at=AT + HOUR)
    approval = Report(Event.GIVEN, SHOPS[1], "prod", AT + 5 * HOUR, "alice")
    record.history.approve(approval, at=AT + 5 * HOUR)
    for subject, verdict in ((SHOPS[1], Verdict.ALLOW), (child, Verdict.ALLOW)):
        decision = make_decision(subject=subject, verdict=verdict, decided_at=AT + 6 * HOUR)
        record.ledger.append(DecisionRecord(str(subject).encode(), decision))
    images = [subject.digest for subject in SHOPS]
    platforms = [platform.subject.digest for platform in index.platforms]
    return [*images, UNKNOWN, index.subject.digest, *platforms, WORKED_ON]
