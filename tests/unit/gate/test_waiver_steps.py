"""What may be done to a waiver, by whom, and what it is after any steps: without a record."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from supplychain.bootstrap.waivers import expiry, waiver_number
from supplychain.errors import ConflictError, InputError
from supplychain.gate.waiver_steps import (
    require_answer,
    require_approver,
    require_bounds,
    require_running,
    require_terms,
)
from supplychain.gate.waiver_terms import WaiverRules
from supplychain.model.digest import Digest
from supplychain.model.finding import Severity
from supplychain.model.waiver import (
    EndsWithFix,
    Waiver,
    WaiverEvent,
    WaiverScope,
    WaiverState,
    WaiverStep,
    WaiverTerms,
    waivers_of,
)
from supplychain.model.waiver_document import make_event, read_terms, terms_text
from tests.kit.scans import AT, SUBJECT
from tests.kit.waivers import APPROVER, DAY, REQUESTER, RULES, SCOPE, make_terms

HOUR = timedelta(hours=1)


def steps(*done: tuple[WaiverStep, str], terms: WaiverTerms | None = None) -> list[WaiverEvent]:
    """Steps an hour apart; each answer is to what was asked for last."""
    made: list[WaiverEvent] = []
    asked: Digest | None = None
    for position, (step, actor) in enumerate(done):
        at = AT + position * HOUR
        said = (terms or make_terms()) if step.asks else None
        answers = None if step.asks or step is WaiverStep.REVOKED else asked
        event, _ = make_event(3, position, step, actor=actor, at=at, terms=said, answers=answers)
        asked = event.document if step.asks else asked
        made.append(event)
    return made


ASKED = (WaiverStep.REQUESTED, REQUESTER)
APPROVED = (WaiverStep.APPROVED, APPROVER)
EXTENDED = (WaiverStep.EXTENDED, REQUESTER)
REJECTED = (WaiverStep.REJECTED, "carol")
REVOKED = (WaiverStep.REVOKED, "carol")


@pytest.mark.parametrize(
    ("done", "states"),
    [
        ((ASKED,), ["requested"]),
        ((ASKED, APPROVED), ["approved"]),
        ((ASKED, REJECTED), ["rejected"]),
        ((ASKED, REVOKED), ["revoked"]),
        ((ASKED, APPROVED, EXTENDED), ["approved", "requested"]),
        ((ASKED, APPROVED, EXTENDED, APPROVED), ["approved"]),
        ((ASKED, APPROVED, EXTENDED, REJECTED), ["approved", "rejected"]),
        ((ASKED, APPROVED, EXTENDED, REVOKED), ["revoked", "revoked"]),
        ((ASKED, REJECTED, APPROVED), ["rejected"]),
        ((ASKED, APPROVED, REVOKED, EXTENDED, APPROVED), ["revoked"]),
        ((ASKED, APPROVED, APPROVED), ["approved"]),
        ((APPROVED,), []),
        ((REVOKED, APPROVED), []),
    ],
)
def test_what_a_waiver_is_after_its_steps(
    done: tuple[tuple[WaiverStep, str], ...], states: list[str]
) -> None:
    found = waivers_of(reversed(steps(*done)))
    assert [w.state(AT + DAY) for w in found] == states


def test_an_approval_is_of_exactly_one_request() -> None:
    request, approval = steps(ASKED, APPROVED)
    another = replace(approval, answers=Digest.of(b"another request"))
    (waiver,) = waivers_of([request, another])
    assert (waiver.approved_by, waiver.state(AT + DAY)) == ("", WaiverState.REQUESTED)
    changed, _ = make_event(
        3, 1, WaiverStep.CHANGED, actor="dora", at=AT, terms=make_terms(expires=20 * DAY)
    )
    late = replace(approval, position=2)
    (waiver,) = waivers_of([request, changed, late])
    assert (waiver.approved_at, waiver.requested_by) == (None, (REQUESTER, "dora"))


def test_terms_come_back_as_they_were_written() -> None:
    scope = replace(SCOPE, image=SUBJECT.digest, environments=("prod",), rule="sbom")
    terms = make_terms(scope, ends_with_fix=EndsWithFix.ALL, reason="änd \u202e so")
    assert read_terms(terms_text(terms)) == terms
    assert read_terms(terms_text(terms)) == terms


def test_answers_are_to_what_is_asked_for() -> None:
    def answer(*done: tuple[WaiverStep, str], actor: str = APPROVER, at: datetime = AT) -> Waiver:
        waivers = waivers_of(steps(*done))
        return require_answer(waivers, WaiverStep.APPROVED, actor, None, at)

    assert answer(ASKED).number == 3
    assert answer(ASKED, APPROVED, EXTENDED).approved_by == ""
    with pytest.raises(InputError, match="asked for WV-3 and cannot approve it"):
        answer(ASKED, actor="Alice")
    with pytest.raises(ConflictError, match="was rejected by carol"):
        answer(ASKED, REJECTED)
    with pytest.raises(ConflictError, match="expired 0 s ago"):
        answer(ASKED, at=AT + 10 * DAY)
    with pytest.raises(ConflictError, match="WV-3 was revoked by carol"):
        require_running(waivers_of(steps(ASKED, REVOKED)), AT + DAY)


def test_no_more_is_asked_for_than_some_policy_would_bear() -> None:
    policies = {"prod": RULES, "staging": None}
    require_bounds(make_terms(expires=14 * DAY), policies, [Severity.CRITICAL], AT)
    require_bounds(make_terms(expires=30 * DAY), policies, [Severity.CRITICAL, Severity.LOW], AT)
    require_bounds(make_terms(expires=90 * DAY), {"staging": None}, [None], AT)
    with pytest.raises(InputError, match="15 d is longer than") as refused:
        require_bounds(make_terms(expires=15 * DAY), policies, [Severity.CRITICAL], AT)
    assert refused.value.hint == "at most 14d"
    narrow = {"prod": WaiverRules((APPROVER,), (("high", DAY),))}
    with pytest.raises(InputError, match="nobody waive a finding that is critical"):
        require_bounds(make_terms(expires=HOUR), narrow, [Severity.CRITICAL], AT)
    with pytest.raises(InputError, match="more than ten years"):
        require_terms(make_terms(expires=4000 * DAY), AT)


def test_who_approves_is_named_by_a_policy() -> None:
    policies = {"prod": RULES, "staging": None}
    assert require_approver("carol", policies) == ["prod"]
    with pytest.raises(InputError, match="does not let eve approve") as refused:
        require_approver("eve", policies)
    assert refused.value.hint == "ask bob or carol"
    with pytest.raises(InputError, match="no policy that says"):
        require_approver("bob", {})
    # An approver is one by exactly that name.
    with pytest.raises(InputError, match="does not let Bob approve"):
        require_approver("Bob", policies)


def test_times_and_numbers_as_people_write_them() -> None:
    assert expiry("14d", AT) == AT + 14 * DAY
    assert expiry("2027-01-31", AT) == datetime(2027, 1, 31, tzinfo=UTC)
    assert expiry("2027-01-31T12:00:00+02:00", AT) == datetime(2027, 1, 31, 10, tzinfo=UTC)
    for wrong in ("soon", "31.01.2027", "2027-13-01", "2027-01-31T12:00:00", "0d", ""):
        with pytest.raises(InputError):
            expiry(wrong, AT)
    assert [waiver_number(t) for t in ("WV-17", "wv-17", "17")] == [17, 17, 17]
    for wrong in ("WV-0", "WV-", "-1", "WV-1x", "9999999999"):
        with pytest.raises(InputError, match="names no waiver"):
            waiver_number(wrong)


def test_a_scope_reads_like_a_sentence() -> None:
    said = str(replace(SCOPE, environments=("prod",)))
    assert said == "CVE-2024-0727 · pkg:deb/debian/libssl3 =3.0.11-1~deb12u2 in prod"
    assert str(WaiverScope(rule="sbom", repository="r.test/a")) == (
        "rule sbom · r.test/a in every environment"
    )
