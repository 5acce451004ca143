"""Answers that are kept hold until somebody writes what they were made from, and no longer."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from supplychain.model.decision import Verdict
from supplychain.model.dossier import Need
from supplychain.model.finding import Severity
from supplychain.pipeline.answers import Judge
from supplychain.records import kept as module
from supplychain.records.content import ContentStore
from supplychain.records.database import open_engine, writing
from supplychain.records.kept import Asked, Given, Image, Images, Kept, KeptAnswers
from supplychain.records.kept_tables import UNMARKED
from supplychain.records.record import Record
from supplychain.records.schema import metadata
from tests.integration.records.test_next_decision import TIMES
from tests.kit.policies import make_policy
from tests.kit.runs import manifest_run, scan_record
from tests.kit.scans import AT, SUBJECT, make_finding

POLICY = make_policy("freshness: {scan: 24h}", "vulnerabilities: {severity: critical}")
IMAGE = Image(SUBJECT.name, str(SUBJECT.digest))
MARKED = sorted(set(metadata.tables) - UNMARKED)
MILLISECOND, HOUR = timedelta(milliseconds=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Process:
    """One of many that answer: with connections of its own."""

    record: Record
    kept: KeptAnswers
    judge: Judge

    @property
    def asked(self) -> Asked:
        return Asked(self.record.number, "prod", POLICY.digest)

    def found(self, at: datetime) -> Kept | None:
        [found] = self.kept.find(self.asked, [Images(*IMAGE)], at=at)
        if found is None:
            return None
        assert found.number == 1
        return Kept("allow" if found.allowed else "deny", found.bodies)

    def give(self, at: datetime, *, until: datetime | None = None) -> Given:
        return Given(self.asked, IMAGE, at, until, Kept("allow", "{}"))

    def decide(self, at: datetime) -> str:
        """As a server does it."""
        if (found := self.found(at)) is not None:
            return found.verdict
        seen = self.kept.begin()
        assert seen is not None
        decision = self.judge.judge(SUBJECT, POLICY, environment="prod", at=at).decision
        answer = Kept(decision.verdict.value, "{}")
        given = Given(self.asked, IMAGE, decision.decided_at, decision.holds_until, answer)
        self.kept.keep(seen, [given])
        return answer.verdict


@pytest.fixture(autouse=True)
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are kept while others write, too."""
    monkeypatch.setattr(module, "_QUIET", timedelta(0))


@pytest.fixture
def process(postgresql_database: str, content: ContentStore) -> Iterator[Process]:
    with Record.open(postgresql_database, content) as record:
        engine = open_engine(postgresql_database)
        yield Process(record, KeptAnswers(engine), Judge(record))
        engine.dispose()


@pytest.fixture
def connection(postgresql_database: str) -> Iterator[psycopg.Connection]:
    """Somebody else's."""
    with psycopg.connect(postgresql_database) as found:
        yield found


def kept(process: Process, at: datetime = AT) -> None:
    """An answer that holds."""
    seen = process.kept.begin()
    assert seen is not None
    process.kept.keep(seen, [process.give(at)])
    assert process.found(at) == Kept("allow", "{}")


def test_every_table_is_marked_or_known_to_tell_no_verdict(
    connection: psycopg.Connection,
) -> None:
    rows = connection.execute(
        "SELECT tgrelid::regclass::text, tgtype, tgenabled FROM pg_trigger"
        " WHERE tgfoid = 'note_change'::regproc"
    ).fetchall()
    # After INSERT (4), DELETE (8), UPDATE (16) and TRUNCATE (32), also of what a replica sends.
    assert sorted(rows) == [(name, 4 + 8 + 16 + 32, "A") for name in MARKED]


@pytest.mark.parametrize("table", MARKED)
def test_a_statement_that_writes_to_a_marked_table_ends_every_answer(
    process: Process, connection: psycopg.Connection, table: str
) -> None:
    kept(process)
    connection.execute(f"INSERT INTO {table} SELECT * FROM {table} WHERE false".encode())
    assert process.found(AT) is not None, "nobody has acknowledged it yet"
    connection.commit()
    assert process.found(AT) is None
    kept(process)


@pytest.mark.parametrize("table", sorted(UNMARKED - {"kept_answers", "record_changes"}))
def test_a_statement_that_writes_to_another_table_ends_none(
    process: Process, connection: psycopg.Connection, table: str
) -> None:
    kept(process)
    connection.execute(f"INSERT INTO {table} SELECT * FROM {table} WHERE false".encode())
    connection.commit()
    assert process.found(AT) is not None


def test_nothing_that_is_judged_lies_in_a_table_that_is_not_marked(
    postgresql_database: str, content: ContentStore
) -> None:
    """Whoever may read the marked tables alone can judge."""
    others = ", ".join(UNMARKED - {"record_changes"})
    url = make_url(postgresql_database).update_query_dict({"options": "-c role=judging"})
    with psycopg.connect(postgresql_database, autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS judging")
        owner.execute("CREATE ROLE judging")
        owner.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO judging")
        try:
            with Record.open(url.render_as_string(hide_password=False), content) as record:
                record.save_run(manifest_run(), at=AT)
                owner.execute(f"REVOKE ALL ON {others} FROM judging".encode())
                needs = frozenset(Need)
                found = record.consult(SUBJECT, at=AT, environment="prod", needs=needs)
                assert found.dossier is not None
        finally:
            owner.execute("DROP OWNED BY judging")
            owner.execute("DROP ROLE judging")


def test_an_answer_made_while_somebody_wrote_does_not_hold_once_they_have(
    process: Process, connection: psycopg.Connection
) -> None:
    connection.execute("INSERT INTO images SELECT * FROM images WHERE false")
    seen = process.kept.begin()
    assert seen is not None
    process.kept.keep(seen, [process.give(AT)])
    assert process.found(AT) is not None
    connection.commit()
    assert process.found(AT) is None


def test_an_answer_that_is_kept_only_after_somebody_wrote_does_not_hold(
    process: Process, connection: psycopg.Connection
) -> None:
    seen = process.kept.begin()
    assert seen is not None
    connection.execute("INSERT INTO images SELECT * FROM images WHERE false")
    connection.commit()
    process.kept.keep(seen, [process.give(AT)])
    assert process.found(AT) is None


def test_what_was_taken_back_ends_no_answer(
    process: Process, connection: psycopg.Connection
) -> None:
    kept(process)
    connection.execute("INSERT INTO images SELECT * FROM images WHERE false")
    connection.rollback()
    assert process.found(AT) is not None


def test_an_answer_holds_for_as_long_as_it_says_and_not_before_it_was_made(
    process: Process,
) -> None:
    seen = process.kept.begin()
    assert seen is not None
    process.kept.keep(seen, [process.give(AT, until=AT + MILLISECOND)])
    assert process.found(AT - MILLISECOND) is None
    assert process.found(AT + MILLISECOND) is not None
    assert process.found(AT + 2 * MILLISECOND) is None
    kept(process)
    assert process.found(AT + HOUR) is not None
    assert process.found(AT + HOUR + MILLISECOND) is None


def test_evidence_that_is_dated_ahead_ends_answers_before_it_counts(process: Process) -> None:
    scan = scan_record(report=b"ahead", produced_at=AT + HOUR / 2)
    process.record.save_run(manifest_run(scan=scan), at=AT)
    kept(process)
    assert process.found(AT + HOUR / 3) is not None
    # A minute before: so far may the clock be ahead by which it was dated.
    assert process.found(AT + HOUR / 2 - timedelta(minutes=1)) is None


@pytest.mark.parametrize(
    "damage",
    ["place = 'another'", "program = '0'", "policy = 'sha256:' || repeat('0', 64)"],
)
def test_an_answer_of_elsewhere_of_another_program_or_policy_does_not_hold(
    process: Process, connection: psycopg.Connection, damage: str
) -> None:
    kept(process)
    connection.execute(f"UPDATE kept_answers SET {damage}".encode())
    connection.commit()
    assert process.found(AT) is None


def test_nothing_is_kept_while_others_write_all_the_time(
    process: Process, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_QUIET", timedelta(minutes=1))
    connection.execute("INSERT INTO images SELECT * FROM images WHERE false")
    connection.commit()
    assert process.kept.begin() is None


def test_the_next_decision_sees_what_another_process_recorded(
    process: Process, postgresql_database: str, content: ContentStore
) -> None:
    order, at, verdict, found = random.Random(6), AT, Verdict.DENY, 0
    with Record.open(postgresql_database, content) as writer:
        for number in range(TIMES):
            at += MILLISECOND
            if order.random() < 0.5:
                bad = order.random() < 0.5
                findings = (make_finding(severity=Severity.CRITICAL),) if bad else ()
                scan = scan_record(
                    components=(), findings=findings, report=b"%d" % number, produced_at=at
                )
                writer.save_run(manifest_run(scan=scan), at=at)
                verdict = Verdict.DENY if bad else Verdict.ALLOW
            for _ in range(order.randrange(1, 6)):
                # Once the clock has passed what was recorded at this very moment.
                at += timedelta(minutes=1, milliseconds=1)
                found += process.found(at) is not None
                assert process.decide(at) == verdict, number
    assert found > TIMES / 2, "answers that nobody keeps are never wrong"


def test_a_database_of_one_file_keeps_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('one') / 'file.db'}")
    with writing(engine) as connection:
        connection.execute(text("SELECT 1"))
    answers = KeptAnswers(engine)
    assert not answers.can_keep
    assert answers.begin() is None
    engine.dispose()
