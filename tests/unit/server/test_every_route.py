"""Every route with every role, with nobody, and with somebody of another organisation.

One table, `access.roles.PERMISSIONS`, says what comes of it; a route that is added is walked too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from supplychain.access.roles import PERMISSIONS
from supplychain.errors import ConfigurationError
from supplychain.model.access import Member, Permission, Role, Scope, TrustRule
from supplychain.model.digest import Digest
from supplychain.server.caller import Reading
from supplychain.server.guarded import OPEN, permission_of, require_guarded, routes_of
from tests.kit.records import row_counts
from tests.kit.scans import SUBJECT
from tests.kit.serving import Served
from tests.kit.visitors import ISSUER, LOGIN, Visitor, make, organisation, person, visitor
from tests.kit.waivers import make_terms
from tests.unit.access.test_identity_tokens import rule

# What is on record in `default`, by the names that routes have for it.
HERE = {
    "digest": str(SUBJECT.digest),
    "image": str(SUBJECT.digest),
    "environment": "prod",
    "waiver": "WV-1",
    "rule": "secret-rule",
    "member": "secret-member",
    "kind": "sbom",
    "document": str(Digest.of(b"{}")),
}
SECRETS = ("secret-project", "secret-rule", "secret-member", "secret-owner", SUBJECT.name)
# What shows something of one's own organisation, however empty it is.
OWN = {"/v1/me", "/v1/tokens", "/v1/projects", "/v1/audit", "/v1/audit/verify"}

WALKED = {"rate_limit": "100000", **LOGIN}
pytestmark = pytest.mark.parametrize("served", [WALKED], indirect=True)


def routes(app: FastAPI) -> Iterator[tuple[str, APIRoute]]:
    """Every route, the one last by which whoever walks is logged out."""
    found = [route for route in routes_of(app.routes) if isinstance(route, APIRoute)]
    for route in sorted(found, key=lambda route: route.path == "/v1/logout"):
        if route.path not in OPEN:
            for method in sorted(route.methods or ()):
                yield method, route


def filled(route: APIRoute, names: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return names.get(match[1].partition(":")[0], "x")

    return re.sub(r"\{([^}]+)\}", value, route.path)


def asked(who: Visitor, method: str, route: APIRoute, names: dict[str, str]) -> tuple[int, str]:
    body: dict[str, object] = {} if method in {"GET", "DELETE"} else {"json": {}}
    answer = who.ask(method, filled(route, names), **body)
    return answer.status_code, answer.text


@pytest.fixture
def settled(served: Served) -> dict[str, str]:
    """A `default` with something of everything."""
    typist, service = served.typist, served.service
    typist.policy("vulnerabilities: {severity: critical}")
    typist.examined()
    now = service.clock()
    with typist.record() as record:
        record.waivers.request(
            make_terms(expires=now.replace(year=now.year + 1)), actor="root", at=now
        )
        record.access.projects.create("secret-project", at=now)
        record.access.trust.add(secret_rule())
        record.access.members.add(
            Member(
                "secret-member",
                ISSUER,
                "s",
                "",
                Scope((Role.VIEWER,), None),
                now,
                "root",
            )
        )
    token = make(served, [Role.VIEWER], owner="secret-owner").token.identifier
    decision = served.decide().json()["decision_id"]
    return {**HERE, "token": token, "decision": decision, "first": decision, "second": decision}


def secret_rule() -> TrustRule:
    return rule("secret-rule", scope=Scope((Role.VIEWER,), None))


def test_every_route_takes_a_permission(served: Served) -> None:
    found = {permission_of(route) for _, route in routes(served.app)}
    assert None not in found
    assert found >= {Permission.READ, Permission.DECIDE, Permission.WRITE_ACCESS}


def test_a_route_without_a_permission_lets_no_server_start(served: Served) -> None:
    @served.app.get("/v1/forgotten")
    def forgotten() -> None:
        """Takes nothing."""

    with pytest.raises(ConfigurationError, match="/v1/forgotten"):
        require_guarded(served.app)


def test_a_route_that_would_let_nobody_in_lets_no_server_start(served: Served) -> None:
    @served.app.get("/v1/forgotten")
    def forgotten(caller: Reading) -> None:
        """Takes a permission, and would be given a door."""

    with pytest.raises(ConfigurationError, match="/v1/forgotten"):
        require_guarded(served.app)


def test_strangers_are_not_told_what_is_wrong_with_what_they_ask(served: Served) -> None:
    wrong = "/v1/search/claims?purl=pkg:pypi/django&limit=nothing"
    for said in ("", "Bearer sct_nobody"):
        assert served.get(wrong, headers={"Authorization": said}).status_code == 401
    assert visitor(served, Role.VIEWER).ask("GET", wrong).status_code == 422


def test_every_role_does_what_the_table_says(served: Served, settled: dict[str, str]) -> None:
    with_tokens = [(role, visitor(served, role, owner=f"one-{role}")) for role in Role]
    logged_in = [(role, person(served, role, name=f"other-{role}")) for role in Role]
    wrong = []
    for method, route in routes(served.app):
        needed = permission_of(route)
        for role, who in (*with_tokens, *logged_in):
            status, text = asked(who, method, route, settled)
            is_let_in = status not in {401, 403}
            if is_let_in != (needed in PERMISSIONS[role]):
                wrong.append((role, method, route.path, status, text[:200]))
            if status >= 500:
                wrong.append((role, method, route.path, status, text[:200]))
    assert wrong == []


@pytest.mark.parametrize(
    ("token", "session"),
    [
        (None, None),
        ("", None),
        ("sct_abcdefghijkl_" + "a" * 43, None),
        ("nonsense", None),
        (None, "scs_abcdefghijkl_" + "a" * 43),
    ],
)
def test_strangers_get_nothing_and_change_nothing(
    served: Served, settled: dict[str, str], token: str | None, session: str | None
) -> None:
    stranger = Visitor(served, token, session)
    before = row_counts(served.service.settings.database_url)
    for method, route in routes(served.app):
        status, text = asked(stranger, method, route, settled)
        # Who tries to be somebody too often is told to wait.
        tries = token or session
        assert status in ({401, 429} if tries else {401}), (method, route.path, text)
        assert not any(secret in text for secret in SECRETS)
    assert row_counts(served.service.settings.database_url) == before


@pytest.mark.parametrize("comes_with", ["a token", "a session"])
def test_another_organisation_sees_and_reaches_nothing(
    served: Served, settled: dict[str, str], comes_with: str
) -> None:
    organisation(served)
    if comes_with == "a token":
        stranger = visitor(served, *Role, owner="eve", organisation="bank")
    else:
        stranger = person(served, *Role, name="eve", organisation="bank")
    # Who is logged in is a member of their own organisation, and sees that.
    own = OWN | ({"/v1/members"} if stranger.session else set())
    before = row_counts(served.service.settings.database_url)
    for method, route in routes(served.app):
        status, text = asked(stranger, method, route, settled)
        path = filled(route, settled)
        assert status not in {401, 403}, (method, path, text)
        assert status < 500, (method, path, text)
        if route.path == "/v1/logout":  # of one's own session, which is over now
            assert status == (409 if stranger.token else 204)
            continue
        if status < 300 and route.path not in own:
            # An empty list is all that there is.
            assert re.fullmatch(r'\{("\w+":(\[\]|0|null),?)+\}', text), (
                method,
                path,
                text,
            )
        echoed = {value for value in settled.values() if value in path}
        for secret in {*SECRETS, settled["token"]} - echoed:
            assert secret not in text, (method, path, text)
    left = row_counts(served.service.settings.database_url)
    if stranger.session:
        before = {**before, "sessions": 0, "audit_events": before["audit_events"] + 1}
    assert left == before


def test_routes_that_are_open_to_all_tell_nothing(served: Served, settled: dict[str, str]) -> None:
    organisation(served)
    everybody = (
        Visitor(served, None),
        visitor(served, *Role, owner="root"),
        visitor(served, *Role, owner="eve", organisation="bank"),
        person(served, *Role, name="mallory", organisation="bank"),
    )
    before = row_counts(served.service.settings.database_url)
    for route in routes_of(served.app.routes):
        if not isinstance(route, APIRoute) or route.path not in OPEN:
            continue
        for method in sorted(route.methods or ()):
            for who in everybody:
                status, text = asked(who, method, route, settled)
                assert not any(secret in text for secret in SECRETS), (method, route.path)
                if route.path.startswith("/v1/login"):
                    # The provider of these tests is nowhere.
                    assert status in {401, 503}, (method, route.path, text)
    assert row_counts(served.service.settings.database_url) == before


def test_a_project_that_is_not_in_ones_scope_is_out_of_reach(
    served: Served, settled: dict[str, str]
) -> None:
    elsewhere = visitor(served, *Role, owner="eve", projects=("secret-project",))
    for method, route in routes(served.app):
        status, text = asked(elsewhere, method, route, settled)
        if permission_of(route) is not Permission.OWN_TOKENS:
            assert status == 403, (method, route.path, text)


def test_policies_are_each_organisations_own(served: Served, settled: dict[str, str]) -> None:
    organisation(served)
    banker = visitor(served, *Role, owner="eve", organisation="bank")
    assert banker.get("/v1/environments").json() == {"environments": []}
    path = served.typist.policy("signature: {keys: [k.pub]}", name="kept")
    path.parent.joinpath("bank").mkdir()
    path.rename(path.parent / "bank" / "prod.yaml")
    assert banker.get("/v1/environments").json() == {"environments": ["prod"]}
    mine = visitor(served, Role.VIEWER)
    assert mine.get("/v1/environments").json() == {"environments": ["prod"]}


def test_another_organisations_gate_knows_nothing_of_ours(
    served: Served, settled: dict[str, str]
) -> None:
    assert served.decide().json()["decision"] == "allow"
    organisation(served)
    banker = visitor(served, Role.VIEWER, owner="eve", organisation="bank")
    answer = banker.post("/v1/gates/prod/decide", {"image": str(SUBJECT)})
    assert answer.json()["decision"] == "deny"
    assert len(banker.get("/v1/decisions").json()["decisions"]) == 1
    mine = visitor(served, Role.VIEWER).get("/v1/decisions").json()["decisions"]
    assert [one["verdict"] for one in mine] == ["allow"]
