"""Decisions: appended, found again, and never changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Executable, delete, text, update
from sqlalchemy.exc import DBAPIError

from supplychain.errors import DigestMismatchError, InputError, NotFoundError
from supplychain.model.decision import Verdict
from supplychain.model.digest import Digest
from supplychain.records.content import ContentStore, key_of
from supplychain.records.database import open_engine
from supplychain.records.decided import RecordedDecision
from supplychain.records.ledger import DecisionRecord
from supplychain.records.record import Record
from supplychain.records.schema import decisions
from tests.kit.records import row_counts
from tests.kit.runs import make_decision
from tests.kit.scans import AT, SUBJECT

POLICY = b"rules: []"


def test_a_decision_comes_back_as_it_was(record: Record, content: ContentStore) -> None:
    decision = make_decision(policy=Digest.of(POLICY))

    digest = record.ledger.append(DecisionRecord(b"the document", decision, policy=POLICY))

    assert digest == Digest.of(b"the document")
    assert record.ledger.document(digest) == b"the document"
    assert content.get(Digest.of(POLICY)) == POLICY
    assert record.ledger.list() == (
        RecordedDecision(
            digest=digest,
            subject=SUBJECT,
            environment="prod",
            verdict=Verdict.DENY,
            policy=Digest.of(POLICY),
            decided_at=AT,
            holds_until=AT + timedelta(hours=1),
        ),
    )


def test_a_decision_without_policy_or_end_comes_back_as_it_was(record: Record) -> None:
    record.ledger.append(DecisionRecord(b"1", replace(make_decision(), holds_until=None)))

    [recorded] = record.ledger.list()
    assert recorded.policy is None
    assert recorded.holds_until is None


def test_the_same_document_again_adds_nothing(record: Record, database: str) -> None:
    first = record.ledger.append(DecisionRecord(b"the document", make_decision()))
    again = record.ledger.append(DecisionRecord(b"the document", make_decision()))

    assert first == again
    assert row_counts(database)["decisions"] == 1


def test_decisions_are_listed_newest_first_and_by_what_they_are_about(record: Record) -> None:
    other = replace(SUBJECT, digest=Digest.of(b"other"))
    saved = []
    for hour, (subject, environment) in enumerate(
        [(SUBJECT, "prod"), (SUBJECT, "test"), (other, "prod")]
    ):
        decision = make_decision(
            subject=subject, environment=environment, decided_at=AT + timedelta(hours=hour)
        )
        saved.append(record.ledger.append(DecisionRecord(b"%d" % hour, decision)))

    first, second, third = saved
    asked = {
        (third, second, first): record.ledger.list(),
        (third, second): record.ledger.list(limit=2),
        (second, first): record.ledger.list(subject=SUBJECT.digest),
        (third, first): record.ledger.list(environment="prod"),
        (first,): record.ledger.list(subject=SUBJECT.digest, environment="prod"),
        (): record.ledger.list(subject=Digest.of(b"never asked")),
    }
    for expected, found in asked.items():
        assert tuple(decision.digest for decision in found) == expected


def test_a_policy_that_the_decision_does_not_name_is_refused(
    record: Record, database: str, content: ContentStore
) -> None:
    decision = make_decision(policy=Digest.of(b"another"))
    with pytest.raises(InputError, match="not the one that the decision names"):
        record.ledger.append(DecisionRecord(b"the document", decision, policy=POLICY))
    assert row_counts(database)["decisions"] == 0
    assert list(content.digests()) == []


def test_an_unknown_decision_is_not_found_even_if_its_bytes_are_there(
    record: Record, content: ContentStore
) -> None:
    stray = content.put(b"no decision")

    with pytest.raises(NotFoundError, match=str(stray)):
        record.ledger.document(stray)


def test_a_changed_document_is_refused(record: Record, tmp_path: Path) -> None:
    digest = record.ledger.append(DecisionRecord(b"the document", make_decision()))
    path = tmp_path / "content" / key_of(digest)
    path.chmod(0o644)
    path.write_bytes(b"another verdict")

    with pytest.raises(DigestMismatchError):
        record.ledger.document(digest)


@pytest.mark.parametrize(
    "change",
    [
        update(decisions).values(verdict="allow"),
        delete(decisions),
        text("UPDATE decisions SET decided_at = decided_at"),
    ],
)
def test_no_decision_can_be_changed_or_removed(
    record: Record, database: str, change: Executable
) -> None:
    record.ledger.append(DecisionRecord(b"the document", make_decision()))
    engine = open_engine(database)

    with pytest.raises(DBAPIError, match="decisions are append-only"), engine.begin() as raw:
        raw.execute(change)
    engine.dispose()

    [recorded] = record.ledger.list()
    assert recorded.verdict is Verdict.DENY


def test_decisions_cannot_be_truncated(record: Record, database: str) -> None:
    engine = open_engine(database)
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no TRUNCATE")
    record.ledger.append(DecisionRecord(b"the document", make_decision()))

    with pytest.raises(DBAPIError, match="decisions are append-only"), engine.begin() as raw:
        raw.execute(text("TRUNCATE decisions"))
    engine.dispose()
    assert len(record.ledger.list()) == 1
