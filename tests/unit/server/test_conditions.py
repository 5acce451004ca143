"""`If-Match`: looked at wherever something is changed, and the same everywhere (RFC 9110, 13)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from supplychain.errors import PreconditionError
from supplychain.model.access import Permission, Role
from supplychain.server.guarded import permission_of
from tests.kit.records import row_counts
from tests.kit.scans import SUBJECT
from tests.kit.serving import Served, problem
from tests.kit.visitors import ISSUER, make, visitor
from tests.kit.waivers import make_terms
from tests.unit.server.test_every_route import routes, secret_rule

NONE = f"/v1/vex/sha256:{'0' * 64}"
RUN = "0199f0c2-7b1e-7c3a-9d55-2f6a1b0c4d5e"
SCOPE: dict[str, Any] = {"roles": ["viewer"], "projects": None}
REASON = {"reason": "we never parse XML"}
MEMBER = {"name": "bob", "issuer": ISSUER, "subject": "s", **SCOPE}
# What changes something that has a name of its own, and what it takes to be asked for.
NAMED: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "/v1/members/{member}": ("PUT", "/v1/members/bob", SCOPE),
    "/v1/members/{member} ": ("DELETE", "/v1/members/bob", None),
    "/v1/tokens/{token}": ("DELETE", "/v1/tokens/aaaaaaaaaaaa", None),
    "/v1/trust/{rule}": ("DELETE", "/v1/trust/secret-rule", None),
    "/v1/runs/{run}/cancel": ("POST", f"/v1/runs/{RUN}/cancel", {}),
    "/v1/runs/{run}/again": ("POST", f"/v1/runs/{RUN}/again", {}),
    "/v1/vex/{document}/review": ("POST", f"{NONE}/review", REASON),
    **{
        f"/v1/waivers/{{waiver}}/{step}": ("POST", f"/v1/waivers/WV-1/{step}", said)
        for step, said in (
            ("extend", {"expires": "12d", **REASON}),
            ("change", {"owner": "bob", **REASON}),
            ("approve", REASON),
            ("reject", REASON),
            ("revoke", REASON),
        )
    },
}
_ASKED = {"/v1/gates/{environment}/decide", "/v1/gates/{environment}/decide-batch"}


def ask(served: Served, case: str, tag: str, path: str = "") -> Any:
    method, where, body = NAMED[case]
    said = {} if body is None else {"json": body}
    return served.client.request(method, path or where, headers={"If-Match": tag}, **said)


@pytest.mark.parametrize("tag", ["*", '"seen"', 'W/"seen", "b"'])
@pytest.mark.parametrize("case", NAMED)
def test_what_is_not_there_is_not_found_whatever_the_condition(
    served: Served, case: str, tag: str
) -> None:
    problem(ask(served, case, tag), 404, "not_found")


def test_what_is_there_is_changed_by_its_own_tag_or_none(served: Served) -> None:
    with served.typist.record() as record:
        now = served.service.clock()
        record.waivers.request(make_terms(expires=now + timedelta(30)), actor="root", at=now)
        record.access.trust.add(secret_rule())
    assert served.post("/v1/members", MEMBER).status_code == 201
    token = make(served, [Role.VIEWER]).token.identifier
    run = served.post("/v1/runs", {"reference": "registry.test/shop:1.4"}).json()["id"]
    paths = {
        "/v1/tokens/{token}": f"/v1/tokens/{token}",
        "/v1/runs/{run}/cancel": f"/v1/runs/{run}/cancel",
        "/v1/runs/{run}/again": f"/v1/runs/{run}/again",
    }
    before = row_counts(served.service.settings.database_url)
    for case in sorted(NAMED.keys() - {"/v1/vex/{document}/review"}):  # test_vex.py has that one
        for tag in ('"seen"', served.get("/v1/members").headers["etag"], '"a", W/"b"'):
            problem(ask(served, case, tag, paths.get(case, "")), 412, "precondition")
    assert row_counts(served.service.settings.database_url) == before
    assert served.get(f"/v1/runs/{run}").json()["state"] == "queued"


def test_a_run_is_cancelled_as_it_was_seen(served: Served) -> None:
    run = served.post("/v1/runs", {"reference": "registry.test/shop:1.4"}).json()["id"]
    path = f"/v1/runs/{run}"
    tag = served.get(path).headers["etag"]
    stopped = served.post(f"{path}/cancel", {}, headers={"If-Match": f'"old", {tag}'})
    assert stopped.json()["state"] == "cancelled"
    problem(served.post(f"{path}/again", {}, headers={"If-Match": tag}), 412, "precondition")
    fresh = {"If-Match": served.get(path).headers["etag"]}
    assert served.post(f"{path}/again", {}, headers=fresh).json()["again_of"] == run


def test_a_run_that_goes_on_meanwhile_is_not_cancelled(served: Served) -> None:
    run = served.post("/v1/runs", {"reference": "registry.test/shop:1.4"}).json()["id"]
    with served.typist.record() as record:
        seen, now = record.runs.get(run), served.service.clock()
        record.runs.cancel(run, by="bob", at=now)
        with pytest.raises(PreconditionError, match="went on at the same time"):
            record.runs.cancel(run, by="ada", at=now, seen=seen)


def test_nothing_passes_a_condition_over(served: Served) -> None:
    """Whoever makes something new names no tag: of a list there is one, and it is another thing."""
    admin = visitor(served, *Role, owner="root")
    walked = set()
    for method, route in routes(served.app):
        if method == "GET" or route.path in _ASKED | {"/v1/logout"}:
            continue
        walked.add(route.path)
        if route.path in NAMED:
            continue
        where = route.path.replace("{digest}", str(SUBJECT.digest))
        tag = {"If-Match": '"seen"'}
        problem(admin.post(where, {}, headers=tag), 412, "precondition")
        assert admin.post(where, {}, headers={"If-Match": "*"}).status_code == 422, where
    assert {one.strip() for one in NAMED} <= walked
    assert {
        r.path for _, r in routes(served.app) if permission_of(r) is Permission.DECIDE
    } == _ASKED


def test_the_description_names_the_condition_where_there_is_a_tag(served: Served) -> None:
    paths = served.get("/v1/openapi.json").json()["paths"]
    named = {
        path
        for path, operations in paths.items()
        for operation in operations.values()
        if any(one["name"] == "If-Match" for one in operation.get("parameters", ()))
    }
    assert named == {path for path, (method, *_) in NAMED.items() if method == "POST"}
    assert all("412" in paths[path]["post"]["responses"] for path in named)
