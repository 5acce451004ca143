"""What happened to images, on each engine: what is read is what was reported, as of any instant."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Executable, delete, text, update
from sqlalchemy.exc import DBAPIError

from supplychain.errors import ConflictError, NotFoundError
from supplychain.model.decision import Verdict
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, Need
from supplychain.model.evidence import EvidenceKind
from supplychain.model.history import Event, Report
from supplychain.model.subject import Subject
from supplychain.records.database import open_engine
from supplychain.records.ledger import DecisionRecord
from supplychain.records.record import Record
from supplychain.records.schema import approvals, deployments
from tests.kit.cli import until
from tests.kit.runs import index_run, make_decision, manifest_run, scan_record
from tests.kit.scans import AT, SUBJECT, make_component

HOUR = timedelta(hours=1)
NEXT = Subject(SUBJECT.name, Digest.of(b"the next one"))


def report(
    event: Event, subject: Subject = SUBJECT, *, after: timedelta = timedelta(), actor: str = "cd"
) -> Report:
    return Report(event, subject, "staging", AT + after, actor)


def dossier(
    record: Record,
    digest: Digest = SUBJECT.digest,
    *,
    at: datetime = AT + 10 * HOUR,
    environment: str = "prod",
    needs: frozenset[Need] = frozenset(),
) -> Dossier:
    found = record.dossier(digest, at=at, environment=environment, needs=needs)
    assert found is not None
    return found


def test_a_deployment_ends_what_ran_before_it(record: Record) -> None:
    record.save_run(manifest_run(), at=AT)
    record.history.deployed(report(Event.STARTED), at=AT)
    record.history.deployed(report(Event.STARTED, NEXT, after=3 * HOUR), at=AT + 3 * HOUR)
    (first,) = dossier(record).deployments
    assert (first.environment, first.since_at, first.until_at) == ("staging", AT, AT + 3 * HOUR)
    (then,) = dossier(record, at=AT + 2 * HOUR).deployments
    assert then.until_at is None


def test_a_canary_runs_beside(record: Record) -> None:
    record.save_run(manifest_run(), at=AT)
    record.history.deployed(report(Event.STARTED), at=AT)
    beside = report(Event.STARTED_BESIDE, NEXT, after=HOUR)
    record.history.deployed(beside, at=AT + HOUR)
    running = record.history.deployments("staging", at=AT + 2 * HOUR)
    assert {(d.subject, d.until_at) for d in running} == {(SUBJECT, None), (NEXT, None)}
    record.history.ended(report(Event.ENDED, NEXT, after=2 * HOUR), at=AT + 2 * HOUR)
    (lasting,) = [
        d for d in record.history.deployments("staging", at=AT + 3 * HOUR) if d.until_at is None
    ]
    assert lasting.subject == SUBJECT


def test_what_does_not_run_cannot_end(record: Record) -> None:
    with pytest.raises(ConflictError, match="does not run in staging"):
        record.history.ended(report(Event.ENDED), at=AT)


def test_the_platform_of_an_index_that_runs_counts_for_the_index(record: Record) -> None:
    run = index_run()
    record.save_run(run, at=AT)
    record.history.deployed(report(Event.STARTED, run.platforms[0].subject), at=AT)
    assert len(dossier(record, run.subject.digest).deployments) == 1


def test_allowances_follow_the_decisions(record: Record) -> None:
    record.save_run(manifest_run(), at=AT)
    for hour, verdict in enumerate((Verdict.ALLOW, Verdict.ALLOW, Verdict.DENY, Verdict.ALLOW)):
        made = replace(
            make_decision(verdict=verdict),
            subject=SUBJECT,
            decided_at=AT + hour * HOUR,
            holds_until=None,
        )
        record.ledger.append(DecisionRecord(f"{hour}".encode(), made))
    last, first = dossier(record).allowances
    assert (first.since_at, first.until_at) == (AT, AT + 2 * HOUR)
    assert (last.since_at, last.until_at) == (AT + 3 * HOUR, None)


def test_an_allow_that_has_run_out_is_none(record: Record) -> None:
    record.save_run(manifest_run(), at=AT)
    for hour in (0, 5):
        made = replace(
            make_decision(verdict=Verdict.ALLOW),
            subject=SUBJECT,
            decided_at=AT + hour * HOUR,
            holds_until=AT + (hour + 1) * HOUR,
        )
        record.ledger.append(DecisionRecord(f"{hour}".encode(), made))
    assert [(a.since_at, a.until_at) for a in dossier(record).allowances] == [
        (AT + 5 * HOUR, AT + 6 * HOUR),
        (AT, AT + HOUR),
    ]


def test_approvals_are_given_and_taken_back(record: Record) -> None:
    record.save_run(manifest_run(), at=AT)
    for who in ("alice", "bob"):
        record.history.approve(report(Event.GIVEN, actor=who), at=AT)
    record.history.approve(report(Event.WITHDRAWN, after=HOUR, actor="bob"), at=AT + HOUR)
    found = {a.approved_by: a.withdrawn_at for a in dossier(record).approvals}
    assert found == {"alice": None, "bob": AT + HOUR}
    before = dossier(record, at=AT + HOUR / 2).approvals
    assert [a.withdrawn_at for a in before] == [None, None]
    with pytest.raises(NotFoundError, match="mallory has not approved"):
        record.history.approve(report(Event.WITHDRAWN, actor="mallory"), at=AT)


def test_work_is_under_way_until_it_ends_or_its_lease_does(record: Record) -> None:
    clock = iter([AT, AT + HOUR / 6])
    made, lease = [EvidenceKind.SCAN], HOUR / 4
    with record.history.working(SUBJECT.digest, made, "run", lambda: next(clock), lease=lease):
        (work,) = dossier(record, at=AT + HOUR / 12).underway
        assert work.kinds == (EvidenceKind.SCAN,)
        assert record.dossier(SUBJECT.digest, at=AT + HOUR) is None
    assert record.dossier(SUBJECT.digest, at=AT + HOUR / 5) is None
    assert dossier(record, at=AT + HOUR / 12).underway == (work,)


def test_who_works_on_says_so_again_and_again(record: Record) -> None:
    """However long it takes; who was killed is believed for a minute at most."""
    ticking = itertools.count()

    def clock() -> datetime:
        return AT + next(ticking) * HOUR / 60

    kinds, beat = [EvidenceKind.SCAN], timedelta(milliseconds=5)
    with record.history.working(SUBJECT.digest, kinds, "run", clock, beat=beat):
        until(lambda: record.dossier(SUBJECT.digest, at=AT + HOUR / 6))
        (renewed,) = dossier(record, at=AT + HOUR / 6).underway
        assert renewed.since_at == AT
        assert renewed.expires_at > AT + HOUR / 6
    assert not [one for one in threading.enumerate() if "_renew" in one.name]
    ended_at = AT + next(ticking) * HOUR / 60
    assert record.dossier(SUBJECT.digest, at=ended_at) is None


def test_who_says_nothing_for_a_minute_is_believed_no_longer(record: Record) -> None:
    working = record.history.working(SUBJECT.digest, [EvidenceKind.SCAN], "run", lambda: AT)
    with working:
        (work,) = dossier(record, at=AT).underway
    assert work.expires_at == AT + HOUR / 60


def test_work_goes_on_although_the_record_cannot_be_written_for_a_while(
    record: Record, database: str
) -> None:
    """What renews it does not end who works, and renews it when it can."""
    now, kinds, beat = [AT], [EvidenceKind.SCAN], timedelta(milliseconds=5)
    engine = open_engine(database)

    def rename(before: str, after: str) -> None:
        with engine.begin() as raw:
            raw.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))

    with record.history.working(SUBJECT.digest, kinds, "run", lambda: now[0], beat=beat):
        rename("work", "elsewhere")
        time.sleep(0.1)
        now[0] = AT + HOUR / 6
        rename("elsewhere", "work")
        until(lambda: record.dossier(SUBJECT.digest, at=now[0]))
    engine.dispose()


def test_what_runs_there_comes_with_its_components(record: Record) -> None:
    record.save_run(manifest_run(), at=AT)
    older = scan_record(subject=NEXT, components=(make_component("a", "1"),))
    record.save_run(manifest_run(NEXT, scan=older), at=AT)
    record.history.deployed(report(Event.STARTED, NEXT), at=AT)
    needs = frozenset({Need.RUNNING})
    assert dossier(record, environment="staging").running is None
    running = dossier(record, environment="staging", needs=needs).running
    assert running is not None
    assert running.deployment.subject == NEXT
    assert [c.name for c in running.platforms[0].components] == ["a"]
    assert dossier(record, environment="prod", needs=needs).running is None


def test_what_runs_there_is_of_its_repositories_whatever_it_is_called_since(record: Record) -> None:
    other = Subject("registry.test/other", Digest.of(b"something else that runs there"))
    record.history.deployed(report(Event.STARTED, NEXT), at=AT)
    record.history.deployed(report(Event.STARTED, other, after=HOUR), at=AT + HOUR)
    renamed = replace(SUBJECT, name=other.name)
    needs = frozenset({Need.RUNNING})

    def running() -> Subject | None:
        found = dossier(record, environment="staging", needs=needs).running
        return None if found is None else found.deployment.subject

    # Somebody's file is called like something that runs there: that alone is what is known.
    record.save_run(replace(manifest_run(renamed), resolved=False), at=AT)
    assert running() == other
    record.save_run(manifest_run(), at=AT + HOUR)
    assert running() == NEXT
    record.save_run(replace(manifest_run(renamed), resolved=False), at=AT + 2 * HOUR)
    assert running() == NEXT


@pytest.mark.parametrize(
    "change",
    [update(deployments).values(actor="x"), delete(deployments), delete(approvals)],
    ids=["change a deployment", "remove a deployment", "remove an approval"],
)
def test_reports_are_append_only(record: Record, database: str, change: Executable) -> None:
    record.history.deployed(report(Event.STARTED), at=AT)
    record.history.approve(report(Event.GIVEN), at=AT)
    engine = open_engine(database)
    with pytest.raises(DBAPIError, match="are append-only"), engine.begin() as raw:
        raw.execute(change)
    engine.dispose()
