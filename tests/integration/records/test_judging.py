"""Asking the gate of a record: once recorded, then the same answer until something changes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from supplychain.errors import StoreError
from supplychain.gate.decision_document import to_document
from supplychain.gate.policy import Policy
from supplychain.gate.replay import replay
from supplychain.model.decision import Verdict
from supplychain.model.digest import Digest
from supplychain.pipeline.answers import Judge
from supplychain.pipeline.judge import Judged, consider, judge
from supplychain.records.content import ContentStore
from supplychain.records.database import open_engine
from supplychain.records.record import Record
from tests.kit.policies import load, make_policy
from tests.kit.records import row_counts
from tests.kit.runs import manifest_run, sbom_record, scan_record
from tests.kit.scans import AT, SUBJECT

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
POLICY = make_policy("sbom: {}", "freshness: {scan: 24h}")


def ask(record: Record, *, after: timedelta = HOUR, policy: Policy | None = POLICY) -> Judged:
    return judge(record, SUBJECT, policy, environment="prod", at=AT + after)


@pytest.fixture
def known(record: Record) -> Record:
    scan = scan_record(components=(), findings=())
    record.save_run(manifest_run(scan=scan, sbom=sbom_record()), at=AT)
    return record


def test_asking_again_is_answered_with_the_recorded_decision_and_writes_nothing(
    known: Record, database: str, content: ContentStore
) -> None:
    first = ask(known)
    before, stored = row_counts(database), sorted(content.digests())
    again = ask(known, after=5 * HOUR)
    assert (again.document, again.identity) == (first.document, first.identity)
    assert row_counts(database) == before
    assert sorted(content.digests()) == stored
    # What people read has the ages of now.
    assert "scanned 5 h ago" in str(again.decision.results)


def test_what_no_longer_holds_and_what_changed_is_decided_anew(known: Record) -> None:
    allowed, stale = ask(known), ask(known, after=25 * HOUR)
    assert [j.decision.verdict for j in (allowed, stale)] == [Verdict.ALLOW, Verdict.DENY]
    scan = scan_record(components=(), findings=(), report=b"new", produced_at=AT + 26 * HOUR)
    known.save_run(manifest_run(scan=scan), at=AT + 26 * HOUR)
    fresh = ask(known, after=26 * HOUR)
    other = ask(known, after=26 * HOUR, policy=make_policy("sbom: {}"))
    assert len({j.identity for j in (allowed, stale, fresh, other)}) == 4
    assert known.ledger.verify().breaks == ()


@pytest.mark.parametrize(
    "policy",
    [POLICY, None, make_policy("sbom: {}", environment="staging")],
    ids=["denied or allowed", "without a policy", "by the policy of another environment"],
)
@pytest.mark.parametrize("seen", [True, False])
def test_every_decision_can_be_replayed_from_its_three_documents(
    record: Record, policy: Policy | None, seen: bool
) -> None:
    if seen:
        record.save_run(manifest_run(), at=AT)
    judged = ask(record, policy=policy)
    found = record.ledger.replayable(judged.identity)
    again = load(found.policy.decode()) if found.policy else None
    assert to_document(replay(found.document, found.inputs, again)) == judged.document
    assert json.loads(judged.document)["inputs"] == str(Digest.of(found.inputs))


def test_considering_records_nothing_and_sees_what_was_known_then(
    known: Record, database: str
) -> None:
    before = row_counts(database)
    verdicts = [
        consider(known, SUBJECT, POLICY, environment="prod", at=AT + after).decision.verdict
        for after in (-HOUR, HOUR, 25 * HOUR)
    ]
    assert verdicts == [Verdict.DENY, Verdict.ALLOW, Verdict.DENY]
    assert row_counts(database) == before


class Asked:
    """A judge of one question, and how often it had to read the evidence."""

    def __init__(self, record: Record) -> None:
        self.judge = Judge(record)

    def ask(self, *, after: timedelta = HOUR, policy: Policy = POLICY) -> Judged:
        return self.judge.judge(SUBJECT, policy, environment="prod", at=AT + after)


def test_a_judge_answers_again_without_judging_while_nothing_changed(known: Record) -> None:
    asked = Asked(known)
    asked.ask()  # writes, which is a change
    first = asked.ask()
    assert asked.ask(after=HOUR + SECOND) is first
    # Longer than clocks may differ, and before: it is judged again, and comes out the same.
    for after in (HOUR + 61 * SECOND, HOUR - SECOND):
        again = asked.ask(after=after)
        assert again is not first
    other = asked.ask(policy=make_policy("sbom: {}"))
    assert other.identity != first.identity


def test_a_judge_never_outlives_what_holds(known: Record) -> None:
    asked = Asked(known)
    end = DAY - 10 * SECOND
    for _ in range(2):
        assert asked.ask(after=end).decision.verdict is Verdict.ALLOW
    assert asked.ask(after=DAY + SECOND).decision.verdict is Verdict.DENY


def test_a_judge_sees_what_others_write(
    known: Record, database: str, content: ContentStore
) -> None:
    asked = Asked(known)
    for _ in range(2):
        assert asked.ask().decision.verdict is Verdict.ALLOW
    stale = scan_record(
        components=(), findings=(), report=b"new", produced_at=AT + HOUR - timedelta(seconds=1)
    )
    with Record.open(database, content) as other:
        other.save_run(manifest_run(scan=stale), at=AT + HOUR)
    first = asked.ask()
    cited = {e.digest for e in first.decision.evidence}
    assert Digest.of(b"new") in cited
    # Its own writes count too.
    asked.ask()
    before = asked.ask()
    newer = scan_record(components=(), findings=(), report=b"newer", produced_at=AT + HOUR)
    known.save_run(manifest_run(scan=newer), at=AT + HOUR)
    assert asked.ask() is not before


def test_where_the_record_cannot_be_read_a_judge_remembers_no_allow(
    known: Record, database: str
) -> None:
    asked = Asked(known)
    for _ in range(2):
        assert asked.ask().decision.verdict is Verdict.ALLOW
    engine = open_engine(database)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
        connection.execute(text("ALTER TABLE images RENAME TO gone"))
    engine.dispose()
    with pytest.raises(StoreError):
        asked.ask()
