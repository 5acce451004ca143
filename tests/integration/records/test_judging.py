"""Asking the gate of a record: once recorded, then the same answer until something changes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from supplychain.gate.decision_document import to_document
from supplychain.gate.policy import Policy
from supplychain.gate.replay import replay
from supplychain.model.decision import Verdict
from supplychain.model.digest import Digest
from supplychain.pipeline.judge import Judged, consider, judge
from supplychain.records.content import ContentStore
from supplychain.records.record import Record
from tests.kit.policies import load, make_policy
from tests.kit.records import row_counts
from tests.kit.runs import manifest_run, sbom_record, scan_record
from tests.kit.scans import AT, SUBJECT

HOUR = timedelta(hours=1)
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
