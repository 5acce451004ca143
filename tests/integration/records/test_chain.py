"""The chain of decisions: whoever tampers with it behind the record's back is seen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from supplychain.gate.decision_document import to_document
from supplychain.gate.inputs import Inputs
from supplychain.gate.inputs import to_document as inputs_document
from supplychain.model.decision import Verdict
from supplychain.model.digest import Digest
from supplychain.records.content import ContentStore, key_of
from supplychain.records.database import open_engine
from supplychain.records.ledger import DecisionRecord
from supplychain.records.record import Record
from tests.kit.records import row_counts
from tests.kit.runs import make_decision
from tests.kit.scans import AT, SUBJECT

INPUTS = inputs_document(Inputs(SUBJECT, "prod", None, None))
HOUR = timedelta(hours=1)
TABLES = ("decisions", "decision_links")


def entry(hour: int, *, essence: Digest | None = None, **changes: object) -> DecisionRecord:
    made = make_decision(decided_at=AT + hour * HOUR, policy=None)
    decision = replace(made, inputs=Digest.of(INPUTS), **changes)  # type: ignore[arg-type]
    return DecisionRecord(to_document(decision), decision, None, INPUTS, essence)


@pytest.fixture
def filled(record: Record) -> Record:
    for hour in range(4):
        record.ledger.append(entry(hour))
    return record


def behind_its_back(database: str, *statements: str) -> None:
    """Do as somebody who owns the database can: the triggers are no obstacle."""
    engine = open_engine(database)
    with engine.begin() as connection:
        _without_triggers(engine, connection)
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def _without_triggers(engine: Engine, connection: object) -> None:
    run = connection.execute  # type: ignore[attr-defined]
    if engine.dialect.name == "postgresql":
        for table in TABLES:
            run(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        return
    for table in TABLES:
        for change in ("update", "delete"):
            run(text(f"DROP TRIGGER {table}_no_{change}"))


def test_an_untouched_chain_verifies_and_names_its_newest_link(filled: Record) -> None:
    found = filled.ledger.verify()
    assert (found.count, found.breaks) == (4, ())
    assert found.head
    assert found.head.sequence == 4
    # Whoever noted an older link finds it, however much was decided since.
    filled.ledger.append(entry(9))
    assert filled.ledger.verify([found.head.digest]).breaks == ()


def test_an_empty_chain_verifies(record: Record) -> None:
    found = record.ledger.verify()
    assert (found.count, found.head, found.breaks) == (0, None, ())


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (["UPDATE decisions SET verdict = 'allow' WHERE id = 2"], "was changed after it was"),
        (["UPDATE decisions SET environment = 'test' WHERE id = 2"], "another environment than"),
        (["DELETE FROM decisions WHERE id = 2"], "its decision was taken out"),
        (
            [
                "DELETE FROM decisions WHERE id = 2",
                "DELETE FROM decision_links WHERE decision_id = 2",
            ],
            "expected number 2: one or more were taken out",
        ),
        (
            [
                "UPDATE decision_links SET decision_id = 99 WHERE decision_id = 2",
                "UPDATE decision_links SET decision_id = 2 WHERE decision_id = 3",
                "UPDATE decision_links SET decision_id = 3 WHERE decision_id = 99",
            ],
            "was changed after it was recorded",
        ),
        (["DELETE FROM decision_links WHERE sequence = 4"], "was put in beside the chain"),
        (
            ["UPDATE decision_links SET previous = digest WHERE sequence = 3"],
            "names another link before it",
        ),
        (["UPDATE decision_links SET essence = digest WHERE sequence = 3"], "was changed after"),
    ],
)
def test_what_was_taken_out_changed_or_moved_is_found(
    filled: Record, database: str, statements: list[str], told: str
) -> None:
    behind_its_back(database, *statements)
    breaks = filled.ledger.verify().breaks
    assert any(told in one.what for one in breaks), breaks


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("UPDATE decision_links SET digest = 'none' WHERE sequence = 3", 3),
        ("UPDATE decisions SET subject_digest = 'none' WHERE id = 1", 1),
    ],
)
def test_a_row_that_holds_what_none_of_ours_does_is_told_with_its_place(
    filled: Record, database: str, statement: str, number: int
) -> None:
    behind_its_back(database, statement)
    [found] = filled.ledger.verify().breaks
    assert found.sequence == number
    assert "holds 'none' where a digest belongs" in found.what


def test_every_row_that_holds_what_none_of_ours_does_is_told(filled: Record, database: str) -> None:
    behind_its_back(database, "UPDATE decisions SET subject_digest = 'none' WHERE id IN (1, 3)")
    found = filled.ledger.verify()
    assert [one.sequence for one in found.breaks] == [1, 3]


def test_a_chain_that_was_cut_off_or_written_anew_lacks_the_link_that_was_noted(
    filled: Record, database: str
) -> None:
    head = filled.ledger.verify().head
    assert head
    behind_its_back(
        database,
        "DELETE FROM decisions WHERE id = 4",
        "DELETE FROM decision_links WHERE decision_id = 4",
    )
    assert filled.ledger.verify().breaks == ()
    (found,) = filled.ledger.verify([head.digest]).breaks
    assert "cut off or written anew" in found.what


@pytest.mark.parametrize("which", ["decision", "inputs"])
def test_a_document_that_is_missing_or_another_is_found(
    filled: Record, content: ContentStore, tmp_path: Path, which: str
) -> None:
    documents = set(content.digests())
    decided = {one.digest for one in filled.ledger.list()}
    victim = next(iter(decided if which == "decision" else documents - decided))
    path = tmp_path / "content" / key_of(victim)
    path.chmod(0o644)
    path.write_bytes(b"another")
    assert filled.ledger.verify().breaks
    path.unlink()
    assert filled.ledger.verify().breaks


def test_writers_at_once_make_one_chain(record: Record) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda hour: record.ledger.append(entry(hour)), range(24), timeout=60))
    found = record.ledger.verify()
    assert (found.count, found.breaks) == (24, ())


def test_of_askers_at_once_one_decides_for_all(record: Record, database: str) -> None:
    essence = Digest.of(b"the same")

    def ask(_: int) -> Digest:
        return record.ledger.append(entry(0, essence=essence))

    with ThreadPoolExecutor(6) as pool:
        answers = set(pool.map(ask, range(6), timeout=60))
    assert len(answers) == 1
    assert row_counts(database)["decision_links"] == 1


def test_what_says_the_same_while_it_holds_is_the_same_decision(record: Record) -> None:
    essence = Digest.of(b"the same")
    ledger = record.ledger
    until = AT + 3 * HOUR
    first = ledger.append(entry(0, essence=essence, holds_until=until))
    assert ledger.append(entry(3, essence=essence, holds_until=until)) == first
    assert len(ledger.list()) == 1
    # What no longer holds, says something else, or is about another name is another decision.
    late = ledger.append(entry(4, essence=essence, holds_until=until))
    other = ledger.append(entry(5, essence=Digest.of(b"else")))
    again = ledger.append(entry(6, essence=essence, holds_until=until))
    assert len({first, late, other, again}) == 4
    elsewhere = make_decision(subject=replace(SUBJECT, name="mirror.test/web"))
    assert ledger.standing(elsewhere, essence) is None
    # Where the clock was moved back, nothing that was decided later counts.
    assert ledger.standing(make_decision(decided_at=AT), essence) is None


def test_a_decision_comes_with_what_it_was_made_from(filled: Record) -> None:
    (newest, *_) = filled.ledger.list(limit=1)
    found = filled.ledger.replayable(newest.digest)
    assert (found.inputs, found.policy) == (INPUTS, None)
    assert Digest.of(found.document) == newest.digest


def test_decisions_are_found_by_how_they_begin_and_listed_by_what_they_say(
    record: Record,
) -> None:
    ledger = record.ledger
    denied, allowed = ledger.append(entry(0)), ledger.append(entry(1, verdict=Verdict.ALLOW))
    assert ledger.find(denied.short) == denied
    assert ledger.find(str(allowed)) == allowed
    assert [d.digest for d in ledger.list(verdict=Verdict.ALLOW)] == [allowed]
    assert [d.digest for d in ledger.list(since=AT + HOUR)] == [allowed]
