"""The audit log on each engine: every door notes what it did, and tampering is seen."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Executable, delete, text, update
from sqlalchemy.exc import DBAPIError

from supplychain.errors import ForbiddenError, StoreError
from supplychain.model.access import Acting, AuditEvent
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.exploitation import FeedKind
from supplychain.model.history import Event, Report
from supplychain.model.runs import MOST_DEATHS, Bounds, Duty, Priority, Run, RunRequest
from supplychain.model.waiver import WaiverStep
from supplychain.records.audit import AuditAsked
from supplychain.records.audit_tables import audit_events
from supplychain.records.content import ContentStore
from supplychain.records.database import open_engine
from supplychain.records.handed_in import UnsignedClaim
from supplychain.records.record import Record
from supplychain.records.run_queue import RunQueue
from supplychain.records.tenants import Organisations
from tests.kit.feeds import kev
from tests.kit.records import row_counts
from tests.kit.runs import manifest_run
from tests.kit.scans import AT, SUBJECT
from tests.kit.waivers import APPROVER, REQUESTER, make_terms

HOUR = timedelta(hours=1)
ALICE = Acting("alice", "203.0.113.4, token abc", "POST /v1/waivers", is_known=True)


def reported(event: Event, actor: str = "alice") -> Report:
    return Report(event, SUBJECT, "prod", AT, actor, "because")


def request_waiver(record: Record) -> None:
    record.waivers.request(make_terms(), actor="alice", at=AT)


DOORS: dict[str, Callable[[Record], object]] = {
    "waiver.requested": request_waiver,
    "deployment.started": lambda r: r.history.deployed(reported(Event.STARTED), at=AT),
    "approval.given": lambda r: r.history.approve(reported(Event.GIVEN), at=AT),
    "feed.imported": lambda r: r.feeds.add(FeedKind.KEV, kev(), source="kev.json", at=AT),
    "evidence.recorded": lambda r: r.save_run(manifest_run(), at=AT),
    "project.created": lambda r: r.access.projects.create("shop", at=AT),
}


def behind_its_back(database: str, *statements: str) -> None:
    """Do as somebody who owns the database can: the triggers are no obstacle."""
    engine = open_engine(database)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for change in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER audit_events_no_{change}"))
        else:
            connection.execute(text("ALTER TABLE audit_events DISABLE TRIGGER USER"))
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def said(event: AuditEvent) -> tuple[str, str, str, str]:
    return event.who, event.from_where, event.through, event.what


def claim_unsigned(record: Record) -> None:
    data = b"{}"
    claim = UnsignedClaim(
        SUBJECT.digest, EvidenceKind.SCAN, "alice", Digest.of(data), len(data), AT
    )
    record.handed_in.add(claim, lambda: iter([data]))


def submit(record: Record) -> Run:
    asked = RunRequest("registry.test/shop:1", environment="prod", priority=Priority.GATE)
    return record.runs.submit(asked, registry="registry.test", requested_by="alice", at=AT)


# What has to be done before some of it can be.
FIRST = {"run.cancelled": ["run.submitted"]}
DOORS |= {
    "claim.handed-in": claim_unsigned,
    "run.submitted": submit,
    "run.cancelled": lambda r: r.runs.cancel(submit(r).id, by="alice", at=AT),
}


@pytest.mark.parametrize("what", DOORS)
def test_every_door_notes_who_did_what_from_where(
    database: str, content: ContentStore, what: str
) -> None:
    with Record.open(database, content, acting=ALICE) as record:
        DOORS[what](record)

        event, *before = record.audit.list()
        assert said(event) == ("alice", "203.0.113.4, token abc", "POST /v1/waivers", what)
        assert (event.sequence, event.at) == (1 + len(before), AT)
        assert [one.what for one in before] == FIRST.get(what, [])
        assert record.audit.verify().breaks == ()


@pytest.mark.parametrize("what", DOORS)
def test_what_cannot_be_noted_is_not_done(database: str, content: ContentStore, what: str) -> None:
    """The note is in the same transaction: without the one there is not the other."""
    behind_its_back(database, "DROP TABLE audit_events")
    with Record.open(database, content, acting=ALICE) as record, pytest.raises(StoreError):
        DOORS[what](record)
    engine = open_engine(database)
    with engine.connect() as connection:
        for table in ("waiver_events", "deployments", "approvals", "feed_editions", "images"):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0
        assert connection.scalar(text("SELECT count(*) FROM projects")) == 1
    engine.dispose()


def test_what_is_on_record_already_changes_nothing_and_notes_nothing(
    record: Record, database: str
) -> None:
    record.save_run(manifest_run(), at=AT)
    record.feeds.add(FeedKind.KEV, kev(), source="kev.json", at=AT)
    before = row_counts(database)
    record.save_run(manifest_run(), at=AT + HOUR)
    record.feeds.add(FeedKind.KEV, kev(), source="kev.json", at=AT + HOUR)
    assert row_counts(database) == before


def test_a_waiver_shows_what_it_was_and_what_it_is(record: Record) -> None:
    asked = record.waivers.request(make_terms(), actor=REQUESTER, at=AT)
    record.waivers.answer(1, WaiverStep.APPROVED, actor=APPROVER, at=AT + HOUR, reason="fine")

    approved, requested = record.audit.list(AuditAsked(about="WV-1"))

    assert requested.before is None
    assert requested.after
    assert requested.after["document"] == str(asked.document)
    assert approved.who == APPROVER
    assert approved.before == requested.after
    assert approved.after
    assert (approved.after["step"], approved.after["reason"]) == ("approved", "fine")


def test_whoever_was_let_in_acts_under_no_other_name(database: str, content: ContentStore) -> None:
    """So nobody approves their own waiver by calling themselves something else."""
    with Record.open(database, content, acting=ALICE) as record:
        record.waivers.request(make_terms(), actor="alice", at=AT)
        for act in (
            lambda: record.waivers.answer(1, WaiverStep.APPROVED, actor="bob", at=AT),
            lambda: record.waivers.request(make_terms(), actor="bob", at=AT),
            lambda: record.waivers.revoke(1, actor="bob", at=AT),
            lambda: record.history.approve(reported(Event.GIVEN, "bob"), at=AT),
            lambda: record.history.deployed(reported(Event.STARTED, "bob"), at=AT),
            lambda: record.vex.review(Digest.of(b""), None, actor="bob", reason="", at=AT),
        ):
            with pytest.raises(ForbiddenError, match="alice cannot act as bob"):
                act()
        assert len(record.audit.list()) == 1


@pytest.fixture
def filled(record: Record) -> Record:
    for number in range(5):
        record.access.projects.create(f"project-{number}", at=AT + number * HOUR)
    assert record.audit.verify().breaks == ()
    return record


@pytest.mark.parametrize(
    ("tampering", "seen"),
    [
        (["DELETE FROM audit_events WHERE sequence = 3"], "1 events before it are gone"),
        (["DELETE FROM audit_events WHERE sequence = 1"], "1 events before it are gone"),
        (["DELETE FROM audit_events WHERE sequence = 5"], "the log ends at number 4"),
        (["DELETE FROM audit_events"], "the log ends at number 0"),
        (["UPDATE audit_events SET who = 'eve' WHERE sequence = 2"], "it was changed"),
        (["UPDATE audit_events SET about = 'x' WHERE sequence = 5"], "it was changed"),
        (["UPDATE audit_events SET before = '{}' WHERE sequence = 2"], "it was changed"),
        (["UPDATE audit_events SET after = '' WHERE sequence = 2"], "it was changed"),
        (["UPDATE audit_events SET after = 'no JSON' WHERE sequence = 2"], "it was changed"),
        (
            [
                "UPDATE audit_events SET sequence = 99 WHERE sequence = 2",
                "UPDATE audit_events SET sequence = 2 WHERE sequence = 3",
                "UPDATE audit_events SET sequence = 3 WHERE sequence = 99",
            ],
            "it does not stand behind",
        ),
        (
            [
                "DELETE FROM audit_events WHERE sequence = 3",
                "UPDATE audit_events SET sequence = 3 WHERE sequence = 4",
                "UPDATE audit_events SET sequence = 4 WHERE sequence = 5",
            ],
            "it does not stand behind",
        ),
        (["DELETE FROM audit_heads"], "the log ends at number 5"),
    ],
)
def test_who_tampers_with_it_is_seen(
    filled: Record, database: str, tampering: list[str], seen: str
) -> None:
    behind_its_back(database, *tampering)

    breaks = filled.audit.verify().breaks

    assert any(one.what.startswith(seen) for one in breaks), breaks
    filled.audit.list()  # and it can still be read


@pytest.mark.parametrize(
    ("tampering", "number"),
    [
        ("UPDATE audit_events SET digest = 'none' WHERE sequence = 3", 3),
        ("UPDATE audit_events SET previous = 'none' WHERE sequence = 1", 1),
        ("UPDATE audit_heads SET digest = 'none'", 0),
    ],
)
def test_a_row_that_holds_what_none_of_ours_does_is_told_with_its_place(
    filled: Record, database: str, tampering: str, number: int
) -> None:
    behind_its_back(database, tampering)
    [found] = filled.audit.verify().breaks
    assert found.sequence == number
    assert "holds 'none' where a digest belongs" in found.what


def test_every_row_that_holds_what_none_of_ours_does_is_told(filled: Record, database: str) -> None:
    behind_its_back(database, "UPDATE audit_events SET digest = 'none' WHERE sequence IN (2, 4)")
    found = filled.audit.verify()
    assert [one.sequence for one in found.breaks] == [2, 4]
    assert found.head is not None
    assert (found.count, found.head.sequence) == (5, 5)


def test_a_log_that_was_written_anew_lacks_what_was_noted(filled: Record) -> None:
    head = filled.audit.verify().head
    assert head
    assert filled.audit.verify([head.digest]).breaks == ()
    [broken] = filled.audit.verify([Digest.of(b"of another log")]).breaks
    assert "cut off or written anew" in broken.what


@pytest.mark.parametrize("change", [update(audit_events).values(who="eve"), delete(audit_events)])
def test_the_database_itself_lets_nobody_change_it(
    filled: Record, database: str, change: Executable
) -> None:
    engine = open_engine(database)
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(change)
    engine.dispose()


def test_many_who_write_at_once_make_one_chain(record: Record) -> None:
    def create(number: int) -> None:
        record.access.projects.create(f"p-{number}", at=AT)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, range(24)))

    found = record.audit.verify()
    assert (found.count, found.breaks) == (24, ())


def test_each_organisation_has_a_log_of_its_own(
    record: Record, database: str, content: ContentStore
) -> None:
    engine = open_engine(database)
    Organisations(engine, ALICE).create("bank", at=AT)
    engine.dispose()
    with Record.open(database, content, organisation="bank") as bank:
        bank.access.projects.create("ledger", at=AT)
        assert [e.what for e in bank.audit.list()] == ["project.created", "organisation.created"]
        assert bank.audit.verify().breaks == ()
    assert record.audit.list() == ()


def test_events_are_found_by_who_what_about_and_when(filled: Record) -> None:
    filled.waivers.request(make_terms(), actor=REQUESTER, at=AT + HOUR)

    def numbers(**asked: object) -> list[int]:
        return [e.sequence for e in filled.audit.list(AuditAsked(**asked))]  # type: ignore[arg-type]

    assert numbers(who=REQUESTER) == [6]
    assert numbers(what="waiver") == numbers(what="waiver.requested") == [6]
    assert numbers(what="waive") == []
    assert numbers(about="project-2") == [3]
    assert numbers(project="default") == [6]
    assert numbers(since=AT + 3 * HOUR) == [5, 4]
    assert numbers(until=AT) == [1]
    assert numbers(before=3) == [2, 1]
    assert [e.sequence for e in filled.audit.all()] == [1, 2, 3, 4, 5, 6]


def test_what_became_of_runs_is_noted_where_they_belong(
    database: str, content: ContentStore
) -> None:
    with Record.open(database, content, acting=ALICE) as record:
        first = submit(record)
        record.runs.cancel(first.id, by="alice", at=AT)
        again = record.runs.again(first.id, by="alice", at=AT)
        queue = RunQueue.open(database)
        for number in range(MOST_DEATHS + 1):
            queue.enrol(f"w{number}", frozenset(Duty), at=AT)
            held = queue.claim(f"w{number}", frozenset(Duty), Bounds(9, 9), at=AT)
            assert held is not None
            queue.note(held[1], "resumed", "scan", "scan", at=AT)
            assert queue.bury(f"w{number}", 0, at=AT, by="watch") is not None
        queue.close()

        events = record.audit.list()
        lost = [one for one in events if one.what.startswith(("run.taken-over", "run.dead"))]
        assert [one.what for one in lost] == ["run.dead"] + ["run.taken-over"] * MOST_DEATHS
        assert {(one.who, one.about, one.project) for one in lost} == {
            ("watch", again.id, "default")
        }
        assert lost[0].after == {"worker": f"w{MOST_DEATHS}", "takeovers": MOST_DEATHS + 1}
        [repeated] = [one for one in events if one.about == again.id and one.who == "alice"]
        assert repeated.after == {"reference": "registry.test/shop:1", "again_of": first.id}
        assert record.audit.verify().breaks == ()
