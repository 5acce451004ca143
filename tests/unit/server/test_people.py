"""What people say: waivers, reports, approvals."""

from __future__ import annotations

from supplychain.model.finding import Severity
from tests.kit.failings import in_order
from tests.kit.scans import SUBJECT, make_finding
from tests.kit.serving import Served, problem

WANTED = {"vulnerability": "CVE-2024-0727", "expires": "7d", "reason": "nobody parses PKCS12"}
APPROVERS = "waivers: {approvers: [ada, grace], max: {critical: 14d, high: 14d}}"


def vulnerable(served: Served) -> None:
    path = served.typist.policy("vulnerabilities: {severity: critical}")
    path.write_text(f"{path.read_text()}{APPROVERS}\n")
    served.typist.examined(make_finding(severity=Severity.CRITICAL))


def test_a_waiver_is_asked_for_approved_by_somebody_else_and_used(served: Served) -> None:
    vulnerable(served)
    assert served.decide().json()["decision"] == "deny"
    typist = served.typist
    typist.patch.setenv("SUPPLYCHAIN_ACTOR", "grace")
    asked = ["--cve", "CVE-2024-0727", "--expires", "7d", "--reason", "nobody parses PKCS12"]
    typist.type("waivers", "request", *asked).ended(0)
    answer = served.post("/v1/waivers/WV-1/approve", {"reason": "seen"})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["state"], told["approved_by"], told["counts_in"]) == ("approved", "ada", ["prod"])
    assert served.decide().json()["decision"] == "allow"
    (listed,) = served.get("/v1/waivers?state=approved").json()["waivers"]
    assert listed["waiver"] == "WV-1"
    shown = served.get("/v1/waivers/WV-1").json()
    assert [step["step"] for step in shown["history"]] == ["requested", "approved"]
    assert len(shown["decisions"]) == 1
    assert served.post("/v1/waivers/WV-1/revoke", {"reason": "used"}).json()["state"] == "revoked"
    assert served.decide().json()["decision"] == "deny"


def test_nobody_approves_their_own_waiver(served: Served) -> None:
    vulnerable(served)
    answer = served.post("/v1/waivers", WANTED)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == "/v1/waivers/WV-1"
    assert answer.json()["requested_by"] == ["ada"]
    refused = problem(served.post("/v1/waivers/WV-1/approve", {}), 422, "input")
    assert "cannot approve it" in refused["detail"]
    assert served.decide().json()["decision"] == "deny"
    assert served.post("/v1/waivers/WV-1/reject", {"reason": "no"}).json()["state"] == "rejected"
    problem(served.post("/v1/waivers/WV-1/reject", {}), 409, "conflict")


def test_a_waiver_that_nobody_should_ask_for_is_refused(served: Served) -> None:
    vulnerable(served)
    for wrong in (
        {**WANTED, "expires": "1000d"},
        {**WANTED, "expires": "-1d"},
        {**WANTED, "reason": " "},
        {**WANTED, "vulnerability": ""},
        {**WANTED, "actor": "grace"},
        {**WANTED, "environments": ["../x"]},
    ):
        problem(served.post("/v1/waivers", wrong), 422, "input")
    problem(served.post("/v1/waivers", {**WANTED, "vulnerability": "CVE-2"}), 404, "not_found")
    assert served.get("/v1/waivers").json()["waivers"] == []


def test_an_approval_of_a_request_that_was_changed_meanwhile_is_refused(served: Served) -> None:
    vulnerable(served)
    served.typist.patch.setenv("SUPPLYCHAIN_ACTOR", "grace")
    asked = ["--cve", "CVE-2024-0727", "--expires", "7d", "--reason", "nobody parses PKCS12"]
    served.typist.type("waivers", "request", *asked).ended(0)
    (seen,) = served.get("/v1/waivers").json()["waivers"]
    served.typist.type("waivers", "extend", "WV-1", "--expires", "13d").ended(0)
    body = {"request": seen["request"]}
    problem(served.post("/v1/waivers/WV-1/approve", body), 409, "conflict")


def test_what_runs_where_is_reported_and_listed(served: Served) -> None:
    in_order(served.typist)
    report = {"image": str(SUBJECT), "environment": "prod", "event": "started"}
    answer = served.post("/v1/deployments", report)
    assert answer.status_code == 201, answer.text
    assert answer.json()["reported_by"] == "ada"
    (listed,) = served.get("/v1/deployments?environment=prod").json()["deployments"]
    assert (listed["digest"], listed["until_at"]) == (str(SUBJECT.digest), None)
    assert served.get("/v1/deployments?environment=staging").json()["deployments"] == []
    ended = served.post("/v1/deployments", {**report, "event": "ended"})
    assert ended.status_code == 201
    assert served.get("/v1/deployments").json()["deployments"] == []
    assert len(served.get("/v1/deployments?ended=true").json()["deployments"]) == 1
    problem(served.post("/v1/deployments", {**report, "event": "ended"}), 409, "conflict")
    problem(served.post("/v1/deployments", {**report, "event": "given"}), 422, "input")


def test_an_approval_counts_for_who_said_it(served: Served) -> None:
    in_order(served.typist)
    said = {"image": str(SUBJECT), "environment": "prod", "event": "given", "reason": "CHG-42"}
    answer = served.post("/v1/approvals", said)
    assert (answer.status_code, answer.json()["actor"]) == (201, "ada")
    path = f"/v1/approvals?image={SUBJECT.digest}"
    (listed,) = served.get(path).json()["approvals"]
    assert (listed["approved_by"], listed["withdrawn_at"]) == ("ada", None)
    served.post("/v1/approvals", {**said, "event": "withdrawn"})
    (listed,) = served.get(path).json()["approvals"]
    assert listed["withdrawn_at"] is not None
    problem(served.post("/v1/approvals", {**said, "event": "withdrawn"}), 404, "not_found")
