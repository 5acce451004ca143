"""Waivers on each engine: numbered, never changed, and as of any instant what they were then."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Executable, create_engine, delete, update
from sqlalchemy.exc import DBAPIError

from supplychain.errors import ConflictError, InputError, NotFoundError
from supplychain.gate.policy import Policy
from supplychain.model.decision import Decision, Verdict
from supplychain.model.digest import Digest
from supplychain.model.waiver import WaiverScope, WaiverState, WaiverStep, WaiverTerms
from supplychain.pipeline.judge import judge
from supplychain.records.content import ContentStore
from supplychain.records.database import open_engine
from supplychain.records.record import Record
from supplychain.records.schema import metadata, waiver_events
from supplychain.records.waiver_reading import read_installed
from tests.kit.policies import make_policy
from tests.kit.runs import manifest_run, scan_record
from tests.kit.scans import AT, SUBJECT, make_component, make_finding
from tests.kit.waivers import APPROVER, DAY, REQUESTER, SCOPE, make_terms, waiving

HOUR = timedelta(hours=1)
POLICY = waiving(make_policy("vulnerabilities: {severity: high}"))


def asked(record: Record, terms: WaiverTerms | None = None, *, after: timedelta = HOUR) -> int:
    made = record.waivers.request(terms or make_terms(), actor=REQUESTER, at=AT + after)
    return made.number


def approve(record: Record, number: int, *, after: timedelta = 2 * HOUR) -> None:
    record.waivers.answer(number, WaiverStep.APPROVED, actor=APPROVER, at=AT + after)


def verdict(record: Record, *, after: timedelta, policy: Policy = POLICY) -> Decision:
    at = AT + after
    return judge(record, SUBJECT, policy, environment="prod", at=at)[0]


def scanned(record: Record) -> None:
    part = make_component()
    scan = scan_record(components=(part,), findings=(make_finding(part),))
    record.save_run(manifest_run(scan=scan), at=AT)


def states(record: Record, *, after: timedelta) -> list[tuple[str, WaiverState]]:
    at = AT + after
    return [(w.name, w.state(at)) for w in record.waivers.all(at=at)]


def test_it_counts_from_its_approval_to_its_expiry_and_the_past_stays(record: Record) -> None:
    scanned(record)
    number = asked(record)
    approve(record, number)
    moments = (HOUR, 2 * HOUR, 10 * DAY - HOUR, 10 * DAY)
    said = [verdict(record, after=after).verdict for after in moments]
    assert said == [Verdict.DENY, Verdict.ALLOW, Verdict.ALLOW, Verdict.DENY]
    assert states(record, after=HOUR / 2) == []
    assert states(record, after=HOUR) == [("WV-1", WaiverState.REQUESTED)]
    assert states(record, after=3 * HOUR) == [("WV-1", WaiverState.APPROVED)]
    assert states(record, after=10 * DAY) == [("WV-1", WaiverState.EXPIRED)]


def test_the_decisions_that_used_it_are_known(record: Record) -> None:
    scanned(record)
    approve(record, asked(record))
    _, _, identity = judge(record, SUBJECT, POLICY, environment="prod", at=AT + 3 * HOUR)
    assert record.waivers.used_by(1) == (identity,)
    assert record.waivers.used_by(2) == ()


def test_what_is_approved_holds_until_a_change_of_it_is_approved(record: Record) -> None:
    scanned(record)
    number = asked(record)
    approve(record, number)
    later = AT + 30 * DAY
    record.waivers.change(
        number,
        lambda terms: replace(terms, expires_at=later),
        actor=REQUESTER,
        at=AT + 3 * HOUR,
        step=WaiverStep.EXTENDED,
    )
    assert states(record, after=4 * HOUR) == [
        ("WV-1", WaiverState.APPROVED),
        ("WV-1", WaiverState.REQUESTED),
    ]
    assert verdict(record, after=4 * HOUR).verdict is Verdict.ALLOW
    assert verdict(record, after=10 * DAY).verdict is Verdict.DENY
    approve(record, number, after=5 * DAY)
    (now,) = record.waivers.all(at=AT + 6 * DAY)
    assert (now.terms.expires_at, now.approved_at) == (later, AT + 5 * DAY)
    assert verdict(record, after=11 * DAY).verdict is Verdict.ALLOW


def test_revoking_ends_it_and_rejecting_ends_only_the_request(record: Record) -> None:
    scanned(record)
    number = asked(record)
    approve(record, number)
    record.waivers.change(number, lambda t: t, actor=REQUESTER, at=AT + 3 * HOUR)
    record.waivers.answer(number, WaiverStep.REJECTED, actor="carol", at=AT + 4 * HOUR)
    assert verdict(record, after=5 * HOUR).verdict is Verdict.ALLOW
    record.waivers.revoke(number, actor="carol", at=AT + 6 * HOUR, reason="not any more")
    assert verdict(record, after=6 * HOUR).verdict is Verdict.DENY
    with pytest.raises(ConflictError, match="WV-1 was revoked by carol"):
        record.waivers.change(number, lambda t: t, actor=REQUESTER, at=AT + 7 * HOUR)
    steps = [event.step for event in record.waivers.history(number, at=AT + DAY)]
    assert steps == ["requested", "approved", "changed", "rejected", "revoked"]


def test_nobody_approves_what_they_asked_for(record: Record) -> None:
    number = asked(record)
    with pytest.raises(InputError, match="alice asked for WV-1 and cannot approve it"):
        record.waivers.answer(number, WaiverStep.APPROVED, actor=REQUESTER, at=AT + DAY)
    record.waivers.change(number, lambda t: t, actor=APPROVER, at=AT + 2 * HOUR)
    for who in (REQUESTER, APPROVER, "Bob"):
        with pytest.raises(InputError, match="cannot approve it"):
            record.waivers.answer(number, WaiverStep.APPROVED, actor=who, at=AT + DAY)


def test_one_that_is_changed_meanwhile_is_not_approved(record: Record) -> None:
    number = asked(record)
    (seen,) = record.waivers.all(at=AT + HOUR)
    record.waivers.change(
        number,
        lambda terms: replace(terms, scope=replace(SCOPE, versions="*")),
        actor=REQUESTER,
        at=AT + 2 * HOUR,
    )
    with pytest.raises(ConflictError, match="WV-1 asks for something else by now"):
        record.waivers.answer(
            number, WaiverStep.APPROVED, actor=APPROVER, at=AT + DAY, document=seen.document
        )


def test_what_cannot_be_is_refused_with_its_reason(record: Record) -> None:
    with pytest.raises(NotFoundError, match="there is no waiver WV-9"):
        approve(record, 9)
    with pytest.raises(InputError, match="about everything"):
        asked(record, make_terms(WaiverScope()))
    with pytest.raises(InputError, match="would have expired 1 h ago"):
        asked(record, make_terms(expires=timedelta()))
    with pytest.raises(InputError, match="nobody says why"):
        asked(record, make_terms(reason=" "))
    number = asked(record)
    approve(record, number)
    with pytest.raises(ConflictError, match="was approved already, by bob"):
        approve(record, number)
    with pytest.raises(ConflictError, match="which is still to come"):
        record.waivers.revoke(number, actor="carol", at=AT)
    late = asked(record, make_terms(expires=3 * HOUR))
    with pytest.raises(ConflictError, match="WV-2 expired 21 h ago"):
        record.waivers.answer(late, WaiverStep.APPROVED, actor=APPROVER, at=AT + DAY)
    with pytest.raises(ConflictError, match="WV-2 expired"):
        record.waivers.revoke(late, actor=APPROVER, at=AT + DAY)


def test_its_steps_are_documents(record: Record, content: ContentStore) -> None:
    number = asked(record)
    approve(record, number)
    request, approval = record.waivers.history(number, at=AT + DAY)
    assert content.get(request.document).startswith(b'{"actor":"alice"')
    assert approval.answers == request.document
    assert isinstance(approval.document, Digest)
    assert content.get(approval.document).endswith(b'"waiver":1}\n')


def test_those_that_ask_at_once_get_a_number_each(database: str, content: ContentStore) -> None:
    def ask(_: int) -> int:
        with Record.open(database, content) as record:
            return asked(record)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ask, range(16))) == list(range(1, 17))


def test_of_those_who_answer_at_once_one_does(database: str, content: ContentStore) -> None:
    with Record.open(database, content) as record:
        number = asked(record)

    def answer(who: str) -> bool:
        with Record.open(database, content) as record:
            try:
                record.waivers.answer(number, WaiverStep.APPROVED, actor=who, at=AT + DAY)
            except ConflictError:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(answer, ["bob", "carol", "dora", "eve"])) == 1


@pytest.mark.parametrize(
    "change", [update(waiver_events).values(actor="eve"), delete(waiver_events)]
)
def test_nobody_changes_the_steps(record: Record, database: str, change: Executable) -> None:
    asked(record)
    engine = open_engine(database)
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(change)
    engine.dispose()


def test_an_approval_that_was_written_past_the_door_is_judged_all_the_same(
    record: Record, database: str
) -> None:
    """Whoever writes the database may write a row; the gate does not take it for an approval."""
    scanned(record)
    asked(record)
    (request,) = record.waivers.all(at=AT + HOUR)
    engine = open_engine(database)
    for position, actor, answers in (
        (1, APPROVER, Digest.of(b"another request")),
        (2, REQUESTER, request.document),
    ):
        row = {
            "project_id": 1,
            "number": 1,
            "position": position,
            "step": "approved",
            "actor": actor,
            "reason": "",
            "digest": Digest.of(actor.encode()),
            "answers": answers,
            "recorded_at": AT + HOUR,
        }
        with engine.begin() as connection:
            connection.execute(waiver_events.insert().values(**row))
        assert verdict(record, after=2 * HOUR).verdict is Verdict.DENY
    engine.dispose()


def test_it_tells_which_packages_have_what_is_asked_about(record: Record) -> None:
    scanned(record)
    at = AT + HOUR
    (found,) = record.waivers.affected("CVE-2024-0727", at=at)
    assert found.purl.startswith("pkg:deb/debian/libssl3@3.0.11")
    assert str(found.severity) == "high"
    assert record.waivers.affected("CVE-0-0", at=at) == ()
    assert [a.purl for a in record.waivers.installed("deb", "LibSSL3", at=at)] == [found.purl]
    # Separators mean something to most ecosystems.
    assert record.waivers.installed("deb", "lib-ssl3", at=at) == ()
    assert record.waivers.installed("pypi", "libssl3", at=at) == ()
    assert record.waivers.installed("deb", "libssl3", at=AT - HOUR) == ()


def test_one_about_another_repository_or_environment_is_not_looked_at(record: Record) -> None:
    scanned(record)
    for scope in (
        replace(SCOPE, repository="registry.test/other"),
        replace(SCOPE, environments=("staging",)),
        replace(SCOPE, image=Digest.of(b"another")),
        SCOPE,
    ):
        asked(record, make_terms(scope))
    dossier = record.dossier(SUBJECT.digest, at=AT + DAY, environment="prod")
    assert dossier is not None
    assert [w.number for w in dossier.waivers] == [4]


def test_what_is_installed_is_found_by_index() -> None:
    """Not in the scans one after another: there are as many as there are images."""
    engine = create_engine("sqlite://")
    asked: list[str] = []
    metadata.create_all(engine)
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        raw.set_trace_callback(asked.append)
        read_installed(connection, 1, ("pypi", "zope.interface"), AT)
        raw.set_trace_callback(None)
        plans = [
            str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}").all())
            for one in asked
            if one.startswith("SELECT")
        ]
    engine.dispose()
    assert "ix_components_spelt" in plans[0]
    assert not any("SCAN evidence" in plan or "SCAN components" in plan for plan in plans)
