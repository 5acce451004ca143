"""A CI job's own token for one of ours, over HTTP, with a real issuer behind a socket."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from supplychain.bootstrap.access import add_rule
from supplychain.model.access import Acting, Role, Scope, TrustRule
from supplychain.server.arrivals import GRANT
from tests.kit.issuer import Issuer, unsigned
from tests.kit.json_server import JsonServer, Reply, json_server
from tests.kit.records import row_counts
from tests.kit.serving import Served, problem
from tests.kit.visitors import Visitor

PATH = "/v1/tokens/exchange"
KIND = "urn:ietf:params:oauth:token-type:jwt"
PRIVATE = pytest.mark.parametrize("served", [{"oidc_private": "127.0.0.1"}], indirect=True)


@pytest.fixture
def running() -> Iterator[JsonServer]:
    with json_server() as server:
        yield server


@pytest.fixture
def ci(running: JsonServer, served: Served) -> Issuer:
    issuer = Issuer(running.address)
    issuer.turn("k1")

    def answer(path: str) -> Reply:
        document = issuer.document(path)
        return Reply(404) if document is None else Reply(200, document)

    running.answer = lambda request: answer(request.path)
    scope = Scope((Role.SUBMITTER,), ("default",))
    claims = (("repository_id", ("7",)),)
    lifetime, now = timedelta(minutes=15), served.service.clock()
    rule = TrustRule("shop", issuer.url, "supplychain", claims, scope, lifetime, "", now, "root")
    add_rule(served.service.store.entry.access("default", Acting("root")), rule)
    return issuer


def exchange(served: Served, token: str, **more: str) -> httpx.Response:
    form = {"grant_type": GRANT, "subject_token": token, "subject_token_type": KIND, **more}
    answer: httpx.Response = served.client.post(PATH, data=form)
    return answer


@PRIVATE
def test_a_job_gets_a_token_that_does_what_its_rule_says(served: Served, ci: Issuer) -> None:
    given = exchange(served, ci.token(ci.claims(served.service.clock(), repository_id="7")))
    assert given.status_code == 200, given.text
    assert given.headers["cache-control"] == "no-store"
    assert given.json()["expires_in"] == 900
    me = Visitor(served, given.json()["access_token"]).get("/v1/me").json()
    assert (me["name"], me["roles"]) == ("machine:shop", ["submitter"])


@PRIVATE
def test_what_does_not_hold_or_fit_gets_nothing(served: Served, ci: Issuer) -> None:
    good = ci.claims(served.service.clock(), repository_id="7")
    before = row_counts(served.service.settings.database_url)
    problem(exchange(served, f"{unsigned(good)}eA"), 401, "unauthenticated")
    problem(exchange(served, ci.token({**good, "exp": 1})), 401, "unauthenticated")
    problem(exchange(served, ci.token({**good, "aud": "other"})), 403, "forbidden")
    problem(exchange(served, ci.token({**good, "repository_id": "8"})), 403, "forbidden")
    problem(exchange(served, ci.token(good), organisation="bank"), 401, "unauthenticated")
    problem(exchange(served, ci.token(good), grant_type="password"), 422, "input")
    assert row_counts(served.service.settings.database_url) == before


@PRIVATE
def test_an_issuer_that_is_down_lets_nobody_in(
    served: Served, ci: Issuer, running: JsonServer
) -> None:
    running.answer = lambda _: Reply(503)
    before = row_counts(served.service.settings.database_url)
    token = ci.token(ci.claims(served.service.clock(), repository_id="7"))
    problem(exchange(served, token), 503, "identity_provider")
    assert row_counts(served.service.settings.database_url) == before


def test_an_issuer_at_a_private_address_is_not_asked_unless_named(
    served: Served, ci: Issuer, running: JsonServer
) -> None:
    token = ci.token(ci.claims(served.service.clock(), repository_id="7"))
    problem(exchange(served, token), 503, "identity_provider")
    assert running.asked == []
