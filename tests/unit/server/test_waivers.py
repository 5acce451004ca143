"""Waivers that are extended and changed over HTTP: each change needs somebody else's word again."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from supplychain.model.access import Role
from tests.kit.serving import Served, problem
from tests.kit.visitors import Visitor, visitor
from tests.unit.server.test_people import WANTED, vulnerable

WAIVER = "/v1/waivers/WV-1"


@pytest.fixture
def alice(served: Served) -> Visitor:
    """She asks, and might approve what others ask for."""
    vulnerable(served)
    found = visitor(served, Role.SUBMITTER, Role.WAIVER_APPROVER, owner="alice")
    assert found.post("/v1/waivers", WANTED).status_code == 201
    return found


@pytest.fixture
def grace(served: Served) -> Visitor:
    """The policy lets her approve."""
    return visitor(served, Role.WAIVER_APPROVER, owner="grace")


def told(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def shown(who: Visitor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told(who.get(WAIVER))["waivers"]
    return found


def test_more_time_counts_once_somebody_else_approves_it(
    served: Served, alice: Visitor, grace: Visitor
) -> None:
    before = told(grace.post(f"{WAIVER}/approve", {"reason": "seen"}))["expires_at"]
    assert served.decide().json()["decision"] == "allow"
    asked = told(alice.post(f"{WAIVER}/extend", {"expires": "13d", "reason": "in review"}))
    assert (asked["state"], asked["reason"]) == ("requested", "in review")
    assert asked["expires_at"] > before
    # What was approved holds as it was.
    assert [(one["state"], one["expires_at"]) for one in shown(alice)] == [
        ("approved", before),
        ("requested", asked["expires_at"]),
    ]
    assert served.decide().json()["decision"] == "allow"
    problem(alice.post(f"{WAIVER}/approve", {}), 422, "input")
    problem(grace.post(f"{WAIVER}/extend", {"expires": "13d"}), 403, "forbidden")
    approved = told(grace.post(f"{WAIVER}/approve", {}))
    assert (approved["approved_by"], approved["expires_at"]) == ("grace", asked["expires_at"])
    assert [one["state"] for one in shown(alice)] == ["approved"]


def test_other_terms_count_once_somebody_else_approves_them(
    served: Served, alice: Visitor, grace: Visitor
) -> None:
    changed = told(alice.post(f"{WAIVER}/change", {"environments": ["prod"], "ticket": "S-8"}))
    assert changed["ticket"] == "S-8"
    assert changed["reason"] == WANTED["reason"]
    problem(alice.post(f"{WAIVER}/approve", {}), 422, "input")
    assert served.decide().json()["decision"] == "deny"
    back = told(alice.post(f"{WAIVER}/change", {"ends_with_fix": "all", "owner": "team"}))
    assert (back["ticket"], back["ends_with_fix"]) == ("S-8", "all")
    told(alice.post(f"{WAIVER}/change", {"ends_with_fix": "never"}))
    told(grace.post(f"{WAIVER}/approve", {}))
    assert served.decide().json()["decision"] == "allow"
    steps = [one["step"] for one in told(alice.get(WAIVER))["history"]]
    assert steps == ["requested", "changed", "changed", "changed", "approved"]


@pytest.mark.parametrize(
    ("step", "body"),
    [
        ("extend", {}),
        ("extend", {"expires": ""}),
        ("extend", {"expires": "-1d"}),
        ("extend", {"expires": "1000d"}),
        ("extend", {"expires": "13d", "actor": "grace"}),
        ("change", {"expires": "1000d"}),
        ("change", {"environments": ["../x"]}),
        ("change", {"vulnerability": "CVE-2026-1"}),
        ("change", {"reason": " "}),
    ],
)
def test_what_nobody_should_ask_for_changes_nothing(
    alice: Visitor, step: str, body: dict[str, object]
) -> None:
    before = shown(alice)
    problem(alice.post(f"{WAIVER}/{step}", body), 422, "input")
    assert shown(alice) == before


@pytest.mark.parametrize("name", ["bank/prod", "../bank", "bank/../bank/prod", "a" * 300, "/"])
def test_no_environment_leads_to_a_policy_of_others(
    served: Served, alice: Visitor, name: str
) -> None:
    folder = served.service.settings.policy_file("prod").parent
    (folder / "bank").mkdir()
    for file in (folder / "bank" / "prod.yaml", folder.parent / "bank.yaml"):
        file.write_text("secret_key: 1\n")
    refused = problem(alice.post(f"{WAIVER}/change", {"environments": [name]}), 422, "input")
    assert "cannot name an environment" in refused["detail"]
    assert "secret_key" not in str(refused)
    assert len(shown(alice)) == 1


@pytest.mark.parametrize("step", ["extend", "change", "approve", "reject", "revoke"])
def test_what_is_not_as_it_was_seen_is_not_changed(
    alice: Visitor, grace: Visitor, step: str
) -> None:
    seen = alice.get(WAIVER).headers["etag"]
    told(alice.post(f"{WAIVER}/extend", {"expires": "12d"}, headers={"If-Match": seen}))
    who = grace if step in {"approve", "reject"} else alice
    body = {"expires": "13d"} if step in {"extend", "change"} else {}
    for stale in (seen, '"another"', f"W/{alice.get(WAIVER).headers['etag']}"):
        answer = who.post(f"{WAIVER}/{step}", body, headers={"If-Match": stale})
        problem(answer, 412, "precondition")
    assert len(told(alice.get(WAIVER))["history"]) == 2
    fresh = f'"x", {alice.get(WAIVER).headers["etag"]}'
    told(who.post(f"{WAIVER}/{step}", body, headers={"If-Match": fresh}))


def test_whatever_there_is_may_be_changed(alice: Visitor) -> None:
    told(alice.post(f"{WAIVER}/extend", {"expires": "12d"}, headers={"If-Match": "*"}))
    told(alice.post(f"{WAIVER}/change", {"ticket": "S-8"}))


def test_a_change_that_is_sent_twice_is_made_once(alice: Visitor) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = alice.post(f"{WAIVER}/extend", {"expires": "12d"}, headers=key)
    again = alice.post(f"{WAIVER}/extend", {"expires": "12d"}, headers=key)
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    problem(alice.post(f"{WAIVER}/extend", {"expires": "13d"}, headers=key), 422, "input")
    problem(alice.post(f"{WAIVER}/change", {"expires": "12d"}, headers=key), 422, "input")
    assert len(told(alice.get(WAIVER))["history"]) == 2


def test_a_waiver_that_is_not_there_or_over_is_not_changed(alice: Visitor) -> None:
    for step in ("extend", "change"):
        answer = alice.post(f"/v1/waivers/WV-9/{step}", {"expires": "12d"})
        problem(answer, 404, "not_found")
    told(alice.post(f"{WAIVER}/revoke", {}))
    for step in ("extend", "change"):
        problem(alice.post(f"{WAIVER}/{step}", {"expires": "12d"}), 409, "conflict")
