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
    problem(exchange(served, ci.token({**good, "exp": 10**400})), 401, "unauthenticated")
    problem(exchange(served, ci.token({**good, "sub": "job\ud800"})), 401, "unauthenticated")
    problem(exchange(served, ci.token({**good, "iss": "\ud800"})), 401, "unauthenticated")
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


ACCOUNT = {"name": "deploy", "uid": "4c1f0a52-0c8e-4a6c-9a64-9c1d6a1f2b11"}


def projected(ci: Issuer, served: Served, **other: object) -> str:
    """A projected token of a service account, as the API server of a cluster signs it."""
    now = int(served.service.clock().timestamp())
    bound = {
        "namespace": "argo",
        "node": {"name": "n1", "uid": "6b7d2b0e-53c0-4a5c-8f0e-6d1d1a9e9a01"},
        "pod": {"name": "deploy-7d9f", "uid": "0f5e5c1c-2c2b-4c35-a1f3-0a2d5d1d2c77"},
        "serviceaccount": ACCOUNT,
        "warnafter": now + 540,
    }
    claims = {
        "aud": ["supplychain"],
        "exp": now + 600,
        "iat": now,
        "iss": ci.url,
        "jti": "a7b5c0de-0f2e-4a0b-9d7f-3e6f7f8a9b10",
        "kubernetes.io": bound,
        "nbf": now,
        "sub": "system:serviceaccount:argo:deploy",
    }
    return ci.token({**claims, **other})


@PRIVATE
def test_a_service_account_of_kubernetes_comes_with_its_projected_token(
    served: Served, ci: Issuer, running: JsonServer
) -> None:
    # The cluster's keys are published elsewhere, for its own discovery is for insiders.
    jwks = f"{running.address}/openid/v1/jwks"
    running.answer = lambda request: (
        Reply(200, ci.jwks()) if request.path == "/openid/v1/jwks" else Reply(401)
    )
    claims = (
        ("/kubernetes.io/namespace", ("argo",)),
        ("/kubernetes.io/serviceaccount/uid", (ACCOUNT["uid"],)),
    )
    scope, lifetime = Scope((Role.VIEWER,), ("default",)), timedelta(minutes=5)
    now = served.service.clock()
    rule = TrustRule("argo", ci.url, "supplychain", claims, scope, lifetime, jwks, now, "root")
    add_rule(served.service.store.entry.access("default", Acting("root")), rule)

    given = exchange(served, projected(ci, served), scope="argo")
    assert given.status_code == 200, given.text
    me = Visitor(served, given.json()["access_token"]).get("/v1/me").json()
    assert (me["name"], me["roles"]) == ("machine:argo", ["viewer"])

    # An account of the same name that was made later, one elsewhere, the API server's own token.
    for other in (
        {"kubernetes.io": {"namespace": "argo", "serviceaccount": {**ACCOUNT, "uid": "new"}}},
        {"kubernetes.io": {"namespace": "eve", "serviceaccount": ACCOUNT}},
        {"kubernetes.io": None},
        {"aud": ["https://kubernetes.default.svc"]},
    ):
        problem(exchange(served, projected(ci, served, **other), scope="argo"), 403, "forbidden")
