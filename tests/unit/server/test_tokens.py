"""Tokens over HTTP: whose they are, what they may do, when they end, and who changes what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from supplychain.model.access import Acting, Member, Role, Scope
from supplychain.model.finding import Severity
from supplychain.server.app import create
from supplychain.server.opening import shared
from tests.kit.records import row_counts
from tests.kit.scans import make_finding
from tests.kit.serving import Served, problem
from tests.kit.visitors import LOGIN, Visitor, make, organisation, person, visitor

WANTED = {"vulnerability": "CVE-2024-0727", "expires": "7d", "reason": "nobody parses PKCS12"}


def vulnerable(served: Served) -> None:
    path = served.typist.policy("vulnerabilities: {severity: critical}")
    rules = "waivers: {approvers: [alice, bob], max: {critical: 14d, high: 14d}}"
    path.write_text(f"{path.read_text()}{rules}\n")
    served.typist.examined(make_finding(severity=Severity.CRITICAL))


def test_nobody_approves_their_own_waiver_with_another_of_their_tokens(served: Served) -> None:
    vulnerable(served)
    asking, answering = visitor(served, Role.SUBMITTER), visitor(served, Role.WAIVER_APPROVER)
    assert asking.post("/v1/waivers", WANTED).status_code == 201

    refused = problem(answering.post("/v1/waivers/WV-1/approve", {}), 422, "input")
    assert "cannot approve it" in refused["detail"]

    bob = visitor(served, Role.WAIVER_APPROVER, owner="bob")
    assert bob.post("/v1/waivers/WV-1/approve", {}).json()["approved_by"] == "bob"


def test_nobody_approves_what_a_machine_asked_for_whose_token_they_made(served: Served) -> None:
    vulnerable(served)
    alice = visitor(served, Role.ADMIN, Role.WAIVER_APPROVER)
    wanted = {"name": "ci", "owner": "machine:ci", "roles": ["submitter"], "projects": None}
    made = alice.post("/v1/tokens", wanted)
    assert made.status_code == 201, made.text
    assert Visitor(served, made.json()["token"]).post("/v1/waivers", WANTED).status_code == 201
    alice.ask("DELETE", f"/v1/tokens/{made.json()['id']}")

    refused = problem(alice.post("/v1/waivers/WV-1/approve", {}), 422, "input")
    assert "alice let in machine:ci" in refused["detail"]
    bob = visitor(served, Role.WAIVER_APPROVER, owner="bob")
    assert bob.post("/v1/waivers/WV-1/approve", {}).json()["approved_by"] == "bob"


ONE, OTHER = "https://login.example", "https://other.example"


@pytest.mark.parametrize(
    ("former", "present"),
    [
        ([("alice", ONE, "s", "")], ("carol", ONE, "s", "")),
        ([("alice", ONE, "", "a@x.example")], ("carol", OTHER, "t", "a@x.example")),
        # Who logged in by an address is known by what the issuer called them then.
        ([("alice", ONE, "logs in", "a@x.example")], ("carol", ONE, "logs in", "")),
        (
            [("alice", ONE, "s", ""), ("carl", ONE, "s", "a@x.example")],
            ("carol", OTHER, "t", "a@x.example"),
        ),
    ],
    ids=["subject", "address", "bound", "through a third"],
)
@pytest.mark.parametrize("asks", ["alice", "machine:ci"])
def test_nobody_approves_what_they_asked_for_by_a_former_name(
    served: Served,
    former: list[tuple[str, str, str, str]],
    present: tuple[str, str, str, str],
    asks: str,
) -> None:
    vulnerable(served)
    access = served.service.store.entry.access("default", Acting("root", "a test", "a test"))
    at, roles = served.service.clock(), (Role.ADMIN, Role.SUBMITTER, Role.WAIVER_APPROVER)
    scope = Scope(roles, None)

    def joins(name: str, issuer: str, subject: str, email: str) -> None:
        logs_in = subject == "logs in" and email
        named = "" if logs_in else subject
        access.members.add(Member(name, issuer, named, email, scope, at, "root"))
        if logs_in:
            assert access.members.logged_in(issuer, subject, email, at=at) is not None

    for name, *rest in former:
        joins(name, *rest)
        if name == "alice":
            asking = Visitor(served, make(served, scope.roles, owner=name).text)
            if asks != name:
                wanted = {"name": "ci", "owner": asks, "roles": ["submitter"], "projects": None}
                asking = Visitor(served, asking.post("/v1/tokens", wanted).json()["token"])
            assert asking.post("/v1/waivers", WANTED).status_code == 201
        access.members.remove(name, by="root", at=at)
    joins(*present)

    carol = Visitor(served, make(served, scope.roles, owner="carol").text)
    refused = problem(carol.post("/v1/waivers/WV-1/approve", {}), 422, "input")
    expected = "asked for WV-1 as alice" if asks == "alice" else f"let in {asks}"
    assert f"carol {expected}" in refused["detail"]
    # Somebody else may.
    joins("bob", ONE, "another", "b@x.example")
    bob = Visitor(served, make(served, scope.roles, owner="bob").text)
    assert bob.post("/v1/waivers/WV-1/approve", {}).json()["approved_by"] == "bob"


def test_nobody_approves_what_a_job_asked_for_whose_rule_they_wrote(served: Served) -> None:
    vulnerable(served)
    alice = visitor(served, Role.ADMIN, Role.WAIVER_APPROVER)
    rule = {
        "name": "shop",
        "issuer": "https://ci.example",
        "audience": "supplychain",
        "claims": {"sub": ["repo:acme/shop:ref:refs/heads/main"]},
        "roles": ["submitter"],
        "projects": None,
        "lifetime_seconds": 900,
    }
    added = alice.post("/v1/trust", rule)
    assert added.status_code == 201, added.text
    asking = visitor(served, Role.SUBMITTER, owner="machine:shop")
    assert asking.post("/v1/waivers", WANTED).status_code == 201
    assert alice.ask("DELETE", "/v1/trust/shop").status_code == 200

    refused = problem(alice.post("/v1/waivers/WV-1/approve", {}), 422, "input")
    assert "alice let in machine:shop" in refused["detail"]
    # To reject it takes nobody else.
    assert alice.post("/v1/waivers/WV-1/reject", {}).status_code == 200


def test_the_log_says_who_did_it_with_which_token_by_which_request(served: Served) -> None:
    vulnerable(served)
    made = make(served, [Role.SUBMITTER])
    Visitor(served, made.text).post("/v1/waivers", WANTED)

    auditor = visitor(served, Role.AUDITOR, owner="aud")
    (event,) = auditor.get("/v1/audit?what=waiver").json()["events"]
    assert (event["who"], event["through"]) == ("alice", "POST /v1/waivers")
    assert event["from_where"] == f"testclient, token {made.token.identifier}"
    assert event["project"] == "default"
    verified = auditor.get("/v1/audit/verify").json()
    assert verified["breaks"] == []
    assert verified["newest"]["number"] == verified["events"]
    wrong = auditor.get(f"/v1/audit/verify?link=sha256:{'0' * 64}").json()
    assert "cut off" in wrong["breaks"][0]["what"]


def test_the_log_comes_in_pages(served: Served) -> None:
    for number in range(5):
        make(served, [Role.VIEWER], owner=f"o{number}")
    auditor = visitor(served, Role.AUDITOR, owner="aud")
    numbers, url = [], "/v1/audit?limit=2"
    while url:
        answer = auditor.get(url)
        numbers += [event["number"] for event in answer.json()["events"]]
        url = answer.links.get("next", {}).get("url", "")
    assert numbers == [6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("how", ["expired", "revoked", "removed"])
def test_a_token_that_ended_opens_nothing_and_changes_nothing(served: Served, how: str) -> None:
    made = make(served, [Role.SUBMITTER], lasts=timedelta(hours=1))
    who = Visitor(served, made.text)
    assert who.get("/v1/me").status_code == 200
    if how == "expired":
        served.typist.sql("UPDATE api_tokens SET expires_at = '2020-01-01T00:00:00+00:00'")
    elif how == "revoked":
        admin = visitor(served, Role.ADMIN, owner="root")
        assert admin.ask("DELETE", f"/v1/tokens/{made.token.identifier}").status_code == 200
    else:
        served.typist.sql("DELETE FROM api_tokens WHERE owner = 'alice'")
    before = row_counts(served.service.settings.database_url)
    problem(who.post("/v1/waivers", WANTED), 401, "unauthenticated")
    problem(who.get("/v1/me"), 401, "unauthenticated")
    assert row_counts(served.service.settings.database_url) == before


def test_a_token_with_another_secret_is_nobodys(served: Served) -> None:
    one, other = make(served, [Role.ADMIN]), make(served, [Role.ADMIN])
    mixed = one.text[:17] + other.text[17:]
    assert mixed[:17] == f"sct_{one.token.identifier}_"
    problem(Visitor(served, mixed).get("/v1/me"), 401, "unauthenticated")


def test_somebody_makes_tokens_within_their_own_and_no_longer(served: Served) -> None:
    who = visitor(served, Role.SUBMITTER, projects=("default",), lasts=timedelta(hours=1))
    wanted = {"name": "less", "roles": ["viewer"], "projects": ["default"]}
    made = who.post("/v1/tokens", wanted)
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    less = Visitor(served, made.json()["token"])
    me = less.get("/v1/me").json()
    assert (me["name"], me["roles"], me["projects"]) == ("alice", ["viewer"], ["default"])
    assert me["permissions"] == ["gates:decide", "record:read", "tokens:own"]
    mine = {token["id"]: token for token in who.get("/v1/tokens").json()["tokens"]}
    own_end = max(token["expires_at"] for token in mine.values())
    assert made.json()["expires_at"] <= own_end, "it outlives the one that it was made with"
    assert "token" not in mine[made.json()["id"]]

    for beyond in (
        {**wanted, "roles": ["admin"]},
        {**wanted, "projects": None},
        {**wanted, "owner": "bob"},
        {**wanted, "owner": "machine:x"},
    ):
        problem(who.post("/v1/tokens", beyond), 403, "forbidden")
    problem(who.get("/v1/tokens?everybodys=true"), 403, "forbidden")


def test_an_admin_makes_tokens_for_machines_and_for_nobody_else(served: Served) -> None:
    admin = visitor(served, Role.ADMIN, owner="root")
    wanted = {"name": "ci", "roles": ["submitter"], "projects": None, "owner": "machine:jenkins"}
    made = admin.post("/v1/tokens", wanted)
    assert made.status_code == 201, made.text
    machine = Visitor(served, made.json()["token"])
    assert machine.get("/v1/me").json()["name"] == "machine:jenkins"
    # What a machine has it cannot prolong.
    problem(machine.post("/v1/tokens", {**wanted, "owner": None}), 403, "forbidden")
    problem(admin.post("/v1/tokens", {**wanted, "owner": "bob"}), 403, "forbidden")
    problem(admin.post("/v1/tokens", {**wanted, "roles": ["waiver-approver"]}), 422, "input")
    assert "ci" in {t["name"] for t in admin.get("/v1/tokens?everybodys=true").json()["tokens"]}


def test_nobody_revokes_tokens_of_others(served: Served) -> None:
    mine, theirs = make(served, [Role.VIEWER]), make(served, [Role.VIEWER], owner="bob")
    who = Visitor(served, mine.text)
    problem(who.ask("DELETE", f"/v1/tokens/{theirs.token.identifier}"), 404, "not_found")
    assert who.ask("DELETE", f"/v1/tokens/{mine.token.identifier}").json()["state"] == "revoked"
    problem(who.get("/v1/me"), 401, "unauthenticated")


def test_members_change_and_their_tokens_follow_at_once(served: Served) -> None:
    admin = visitor(served, Role.ADMIN, owner="root")
    everywhere = {"roles": ["submitter"], "projects": None}
    member = {"name": "alice", "issuer": "https://login.example", "subject": "s1", **everywhere}
    assert admin.post("/v1/members", member).status_code == 201
    problem(admin.post("/v1/members", {**member, "name": "Alice"}), 409, "conflict")
    who = visitor(served, Role.SUBMITTER)
    assert "waivers:request" in who.get("/v1/me").json()["permissions"]

    changed = {"roles": ["viewer"], "projects": None}
    assert admin.ask("PUT", "/v1/members/alice", json=changed).status_code == 200
    # Nothing is left of it: a viewer is no submitter.
    problem(who.get("/v1/me"), 403, "forbidden")
    problem(who.post("/v1/waivers", WANTED), 403, "forbidden")

    assert admin.ask("DELETE", "/v1/members/alice").status_code == 200
    problem(who.get("/v1/images"), 401, "unauthenticated")
    assert admin.get("/v1/members").json()["members"] == []


def test_rules_of_trust_come_and_go(served: Served) -> None:
    admin = visitor(served, Role.ADMIN, owner="root")
    wanted = {
        "name": "shop",
        "issuer": "https://gitlab.example",
        "claims": {"project_id": ["42"]},
        "roles": ["submitter"],
        "projects": ["default"],
    }
    assert admin.post("/v1/trust", wanted).status_code == 201
    (rule,) = admin.get("/v1/trust").json()["rules"]
    assert rule["claims"] == {"project_id": ["42"]}
    assert rule["lifetime_seconds"] == 900
    problem(admin.post("/v1/trust", {**wanted, "name": "x", "claims": {}}), 422, "input")
    problem(admin.post("/v1/trust", {**wanted, "name": "x", "roles": ["admin"]}), 422, "input")
    problem(admin.post("/v1/trust", {**wanted, "name": "x", "projects": ["no"]}), 404, "not_found")
    assert admin.ask("DELETE", "/v1/trust/shop").status_code == 200
    problem(admin.ask("DELETE", "/v1/trust/shop"), 404, "not_found")


def test_projects_are_made_and_reached(served: Served) -> None:
    admin = visitor(served, Role.ADMIN, owner="root")
    assert admin.post("/v1/projects", {"name": "shop"}).status_code == 201
    problem(admin.post("/v1/projects", {"name": "shop"}), 409, "conflict")
    problem(admin.post("/v1/projects", {"name": "../x"}), 422, "input")
    some = visitor(served, Role.VIEWER, projects=("shop",))
    assert some.get("/v1/projects").json()["projects"] == [{"name": "shop"}]
    assert some.get("/v1/images?project=shop").status_code == 200
    problem(some.get("/v1/images"), 403, "forbidden")


def test_a_shared_server_knows_the_tokens_on_record_and_no_other(served: Served) -> None:
    token = make(served, [Role.VIEWER]).text
    fixed = served.client.headers["Authorization"]
    with (
        shared(served.service.settings) as service,
        TestClient(create(service), raise_server_exceptions=False) as client,
    ):
        headers = {"Authorization": f"Bearer {token}"}
        assert client.get("/v1/me", headers=headers).json()["name"] == "alice"
        assert client.get("/v1/me", headers={"Authorization": fixed}).status_code == 401


@pytest.mark.parametrize("served", [LOGIN], indirect=True)
def test_who_is_logged_in_approves_what_somebody_else_asked_for(served: Served) -> None:
    vulnerable(served)
    both = (Role.SUBMITTER, Role.WAIVER_APPROVER)
    alice, bob = person(served, *both), person(served, *both, name="bob")
    assert alice.post("/v1/waivers", WANTED).status_code == 201

    refused = problem(alice.post("/v1/waivers/WV-1/approve", {}), 422, "input")
    assert "cannot approve it" in refused["detail"]
    # Nor with a token of theirs, nor in another window.
    own = {"name": "mine", "roles": ["waiver-approver"], "projects": None}
    made = alice.post("/v1/tokens", own)
    assert made.status_code == 201, made.text
    with_token = Visitor(served, made.json()["token"])
    problem(with_token.post("/v1/waivers/WV-1/approve", {}), 422, "input")
    problem(person(served).post("/v1/waivers/WV-1/approve", {}), 422, "input")

    approved = bob.post("/v1/waivers/WV-1/approve", {"reason": "seen"})
    assert approved.status_code == 200, approved.text
    assert approved.json()["approved_by"] == "bob"
    assert served.decide().json()["decision"] == "allow"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_nothing_is_changed_by_the_tag_of_something_else(served: Served, method: str) -> None:
    admin = visitor(served, Role.ADMIN, owner="root")
    member = {"name": "bob", "issuer": "https://i.example", "subject": "s", "roles": ["viewer"]}
    assert admin.post("/v1/members", {**member, "projects": None}).status_code == 201
    tag = admin.get("/v1/members").headers["etag"]
    body = {"json": {"roles": ["admin"], "projects": None}} if method == "PUT" else {}
    for named in (tag, '"a", "b"'):
        answer = admin.ask(method, "/v1/members/bob", headers={"If-Match": named}, **body)
        problem(answer, 412, "precondition")
    assert admin.get("/v1/members").headers["etag"] == tag
    any_state = {"If-Match": "*"}
    assert admin.ask(method, "/v1/members/bob", headers=any_state, **body).status_code == 200


def test_an_organisation_comes_from_the_token_alone(served: Served) -> None:
    organisation(served)
    banker = visitor(served, Role.ADMIN, owner="root", organisation="bank")
    assert banker.get("/v1/me").json()["organisation"] == "bank"
    problem(banker.get("/v1/me?organisation=default"), 422, "input")
    assert banker.post("/v1/projects", {"name": "ledger"}).status_code == 201
    mine = visitor(served, Role.ADMIN, owner="root")
    assert mine.get("/v1/projects").json()["projects"] == [{"name": "default"}]


def test_tokens_are_listed_by_owner_for_whoever_may_see_them(served: Served) -> None:
    mine, theirs = make(served, [Role.VIEWER]), make(served, [Role.VIEWER], owner="bob")
    alice = Visitor(served, mine.text)

    def listed(who: Visitor, query: str) -> list[str]:
        answer = who.get(f"/v1/tokens{query}")
        assert answer.status_code == 200, answer.text
        return [token["id"] for token in answer.json()["tokens"]]

    assert listed(alice, "") == listed(alice, "?owner=alice") == [mine.token.identifier]
    problem(alice.get("/v1/tokens?owner=bob"), 403, "forbidden")
    auditor = visitor(served, Role.AUDITOR, owner="aud")
    assert listed(auditor, "?owner=bob") == [theirs.token.identifier]
    assert listed(auditor, "?owner=bob&everybodys=true") == [theirs.token.identifier]
    assert len(listed(auditor, "?everybodys=true")) >= 3
    assert listed(auditor, "?owner=nobody") == []
