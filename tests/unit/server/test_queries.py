"""What stands after the `?` of an address: known, and once, or the request is refused."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
import pytest
from fastapi.routing import APIRoute

from supplychain.model.access import Role
from supplychain.server.guarded import OPEN, routes_of
from tests.kit.failings import in_order
from tests.kit.scans import SUBJECT
from tests.kit.serving import Served, problem
from tests.kit.visitors import LOGIN, Visitor, visitor
from tests.unit.server.test_every_route import HERE, filled, routes

# Whoever calls these brings what others make them bring: probes, and providers of identities.
FREE = {"/livez", "/readyz", "/metrics", "/v1/openapi.json", "/v1/login/callback"}


def faults(answer: httpx.Response) -> dict[str, str]:
    found = problem(answer, 422, "input")["errors"]
    return {one["pointer"]: one["message"] for one in found}


@pytest.mark.parametrize("served", [{"rate_limit": "100000", **LOGIN}], indirect=True)
def test_no_route_takes_what_it_does_not_know(served: Served) -> None:
    walked = set()
    for method, route in routes(served.app):
        walked.add(route.path)
        where = f"{filled(route, HERE)}?unheard_of=1"
        body: dict[str, Any] = {} if method in {"GET", "DELETE"} else {"json": {}}
        assert "unheard_of" in faults(served.client.request(method, where, **body)), where
        stranger = Visitor(served, None).ask(method, where, **body)
        assert stranger.status_code == 401, where
    assert len(walked) > 40
    every = {one.path for one in routes_of(served.app.routes) if isinstance(one, APIRoute)}
    assert every - walked == OPEN - {"/v1/openapi.json"}
    for method, path in (("GET", "/v1/login"), ("POST", "/v1/tokens/exchange")):
        assert "unheard_of" in faults(served.client.request(method, f"{path}?unheard_of=1"))
    assert {"/v1/login", "/v1/tokens/exchange"} == OPEN - FREE
    for path in ("/livez", "/readyz", "/v1/openapi.json"):
        assert served.get(f"{path}?unheard_of=1").status_code == 200


@pytest.mark.parametrize(
    ("path", "name", "near"),
    [
        ("/v1/decisions", "enviroment", "did you mean environment?"),
        ("/v1/deployments", "Environment", "did you mean environment?"),
        ("/v1/search/components", "as_of", "one of at, cursor, environment, limit, "),
        ("/v1/images", "", "one of called, cursor, limit, project"),
        ("/v1/me", "organisation", "one of project"),
    ],
)
def test_the_nearest_one_is_named(served: Served, path: str, name: str, near: str) -> None:
    asked_with = {"purl": "pkg:pypi/django"} if "search" in path else {}
    answer = served.get(path, params={**asked_with, name: "prod"})
    [(pointer, message)] = faults(answer).items()
    assert pointer == name
    assert near in message
    assert message in answer.json()["because"]


def test_what_is_not_known_leads_to_no_answer_for_everything(served: Served) -> None:
    in_order(served.typist)
    served.decide()
    assert served.get("/v1/decisions?environment=test").json()["decisions"] == []
    assert "enviroment" in faults(served.get("/v1/decisions?enviroment=test"))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/decisions?environment=prod&environment=test", "environment"),
        ("/v1/images?project=default&project=default", "project"),
        ("/v1/images?limit=1&limit=2", "limit"),
        (f"/v1/approvals?image={SUBJECT.digest}&image={SUBJECT.digest}", "image"),
        ("/v1/search/vulnerabilities?id=CVE-1&id=CVE-2&limit=1", "id"),
    ],
)
def test_what_is_said_twice_is_refused(served: Served, path: str, name: str) -> None:
    assert faults(served.get(path)) == {name: "it is given 2 times, and may be given once"}


def test_what_is_a_list_may_be_given_as_often_as_it_is_needed(served: Served) -> None:
    assert served.get("/v1/runs?state=queued&state=running").json()["runs"] == []
    link = f"sha256:{'0' * 64}"
    told = served.get(f"/v1/decisions/verification?link={link}&link={link}").json()
    assert len(told["breaks"]) >= 1


def test_a_project_is_named_to_requests_about_all_of_them_too(served: Served) -> None:
    assert served.get("/v1/members?project=shop").status_code == 200


def test_a_flood_of_names_is_refused_in_short(served: Served) -> None:
    answer = served.get("/v1/images?" + "&".join(f"p{number}" for number in range(5000)))
    assert len(faults(answer)) == 20
    long = served.get("/v1/images?" + "x" * 5000)
    assert len(long.text) < 2000


def test_strangers_and_who_may_not_learn_nothing_of_it(served: Served) -> None:
    path = "/v1/audit?whom=a"
    problem(Visitor(served, None).get(path), 401, "unauthenticated")
    problem(visitor(served, Role.VIEWER).get(path), 403, "forbidden")
    faults(visitor(served, Role.AUDITOR).get(path))


def test_nothing_is_done_and_the_key_stays_free(served: Served) -> None:
    key = {"Idempotency-Key": "k"}
    faults(served.post("/v1/projects?dry_run=1", {"name": "shop"}, headers=key))
    assert "shop" not in served.get("/v1/projects").text
    assert served.post("/v1/projects", {"name": "shop"}, headers=key).status_code == 201


NO_NUMBERS = ["1_0", "+5", " 5", "5 ", "٣", "1e2", "1.0", "0x10", "", "9" * 30]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_a_number_is_written_in_digits(served: Served, text: str) -> None:
    answer = served.get("/v1/images", params={"limit": text})
    assert faults(answer) == {"limit": "it is no number, as in 20"}


@pytest.mark.parametrize("text", [*NO_NUMBERS, "-1", "0_1"])
def test_so_is_the_last_event_that_was_seen(served: Served, text: str) -> None:
    run = "0199f0c2-7b1e-7c3a-9d55-2f6a1b0c4d5e"
    answer = served.get(f"/v1/runs/{run}/events", headers={"Last-Event-ID": text.encode()})
    assert "last-event-id" in faults(answer)


@pytest.mark.parametrize("text", ["1_0", "+5", "٣", "9" * 500, " "])
def test_and_what_a_cursor_counts(served: Served, text: str) -> None:
    for name in ("one", "two"):
        assert served.post("/v1/projects", {"name": name}).status_code == 201
    path = "/v1/audit?limit=1"
    cursor = served.get(path).json()["next_cursor"]
    at, counted, of = orjson.loads(base64.urlsafe_b64decode(cursor + "=="))
    assert counted.isdecimal()
    for after, status in ((counted, 200), (text, 422)):
        told = base64.urlsafe_b64encode(orjson.dumps([at, after, of])).decode().rstrip("=")
        assert served.get(f"{path}&cursor={told}").status_code == status


@pytest.mark.parametrize(
    "text", ["2026", "1700000000", "1e9", "1_000", "-1", "٢٠٢٦-٠١-٣١T٠٠:٠٠:٠٠Z"]
)
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/decisions", "since"),
        ("/v1/audit", "until"),
        ("/v1/search/components?purl=pkg:pypi/django", "at"),
    ],
)
def test_an_instant_is_no_number_of_seconds(
    served: Served, path: str, name: str, text: str
) -> None:
    where = f"{path}{'&' if '?' in path else '?'}{urlencode({name: text})}"
    assert faults(served.get(where)) == {name: "it is no instant, as in 2027-01-31T12:00:00Z"}
    good = where.replace(urlencode({name: text}), f"{name}=2026-01-31T12:00:00Z")
    assert served.get(good).status_code == 200


@pytest.mark.parametrize("text", ['"3600"', '"1_000"', "3600.0", "true"])
def test_a_number_in_a_body_is_one(served: Served, text: str) -> None:
    said = '{"name": "ci", "owner": "machine:ci", "roles": ["viewer"], "projects": null, '
    answer = served.client.post(
        "/v1/tokens",
        content=said + f'"expires_in": {text}}}',
        headers={"Content-Type": "application/json"},
    )
    assert "/expires_in" in faults(answer)


def test_a_length_that_no_machine_has_is_too_large(served: Served) -> None:
    length = {"Content-Length": "9" * 5000, "Content-Type": "application/json"}
    problem(served.client.post("/v1/waivers", content=b"{}", headers=length), 413, "limit")
