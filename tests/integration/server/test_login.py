"""People log in: over HTTP, with a real provider and with one that lies."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import uvicorn
from oidc_provider_mock import User, run_server_in_thread

from supplychain.model.access import Role
from supplychain.server.rates import Rates
from supplychain.server.running import bound
from tests.kit.issuer import unsigned
from tests.kit.json_server import Reply
from tests.kit.provider import (
    ATTEMPT,
    SECRET,
    Browser,
    Provider,
    later,
    login_settings,
    member,
    provider,
)
from tests.kit.records import row_counts
from tests.kit.serving import Served, problem, serving
from tests.kit.typist import Typist
from tests.kit.visitors import HOST, SESSION, Visitor, make, organisation

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def idp() -> Iterator[Provider]:
    with provider() as running:
        yield running


@pytest.fixture
def served(
    typist: Typist, idp: Provider, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Served]:
    monkeypatch.setenv("SUPPLYCHAIN_LOGIN_CLIENT_SECRET", SECRET)
    more = getattr(request, "param", {})
    with serving(typist, **login_settings(idp.issuer.url, **more)) as found:
        member(found, idp.issuer.url)
        yield found


def events(served: Served) -> list[tuple[str, str]]:
    listed = served.get("/v1/audit").json()["events"]
    return [(event["what"], event["who"]) for event in listed]


def sessions(served: Served) -> int:
    return row_counts(served.service.settings.database_url)["sessions"]


def rows(served: Served, table: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(served.typist.data / "supplychain.db")) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()


# With the real provider, everything over sockets.


@contextmanager
def listening(app: Any, port: int) -> Iterator[str]:
    """The server over HTTP on this machine."""
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    socket = bound("127.0.0.1", port)
    thread = threading.Thread(target=server.run, args=([socket],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


def free_port() -> int:
    with bound("127.0.0.1", 0) as socket:
        port: int = socket.getsockname()[1]
        return port


def test_somebody_logs_in_by_a_real_provider_and_out_again(
    typist: Typist, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("SUPPLYCHAIN_LOGIN_CLIENT_SECRET", "plain-secret")
    port = free_port()
    here = f"http://127.0.0.1:{port}"
    bob = User(sub="u-2", claims={"email": "bob@example.com", "email_verified": True})
    with run_server_in_thread(user_claims=[bob]) as running:
        issuer = f"http://localhost:{running.server_port}"
        own = {
            # It does not decode what RFC 6749 has encoded: a name that needs none.
            "login_client_id": "supplychain",
            "login_redirect": f"{here}/v1/login/callback",
            "unsafe_login_without_tls": "yes",
        }
        with serving(typist, **login_settings(issuer, **own)) as served:
            member(served, issuer, Role.SUBMITTER, name="bob", subject="", email="bob@example.com")
            with listening(served.app, port), httpx.Client() as browser:
                asked = browser.get(f"{here}/v1/login?return_to=/v1/images")
                assert asked.status_code == 303, asked.text
                sent = browser.post(asked.headers["location"], data={"sub": "u-2"})
                assert sent.status_code == 302, sent.text
                assert sent.headers["location"].startswith(f"{here}/v1/login/callback?")

                done = browser.get(sent.headers["location"])
                assert (done.status_code, done.headers["location"]) == (303, "/v1/images")
                me = browser.get(f"{here}/v1/me").json()
                assert (me["name"], me["roles"]) == ("bob", ["submitter"])

                # What was used is used up, at the provider and here.
                again = browser.get(sent.headers["location"])
                assert problem(again, 401, "unauthenticated")

                proof = {"X-CSRF-Token": me["session"]["csrf_token"], "Origin": here}
                out = browser.post(f"{here}/v1/logout", headers=proof)
                assert out.status_code == 204, out.text
                problem(browser.get(f"{here}/v1/me"), 401, "unauthenticated")

                # Who says no at the provider is let in nowhere.
                asked = browser.get(f"{here}/v1/login")
                sent = browser.post(asked.headers["location"], data={"action": "deny"})
                assert "error=access_denied" in sent.headers["location"]
                denied = (
                    f"{sent.headers['location']}&state="
                    + dict(parse_qsl(urlsplit(asked.headers["location"]).query))["state"]
                )
                refused = problem(browser.get(denied), 401, "unauthenticated")
                assert "access_denied" in refused["because"]
            assert sessions(served) == 0
            assert events(served)[:3] == [
                ("session.ended", "bob"),
                ("session.started", "bob"),
                ("member.bound", "bob"),
            ]


# With one that is strict about what we send, and lies when told to.


def test_the_cookie_is_one_that_nobody_else_can_set_or_read(served: Served, idp: Provider) -> None:
    browser = Browser(served)
    done = browser.log_in(idp)
    assert (done.status_code, done.headers["location"]) == (303, "/v1/me"), done.text
    assert done.headers["cache-control"] == "no-store"
    given = {line.partition("=")[0]: line for line in done.headers.get_list("set-cookie")}
    said = {part.strip() for part in given[SESSION].split(";")[1:]}
    assert said == {"HttpOnly", "Max-Age=43200", "Path=/", "SameSite=lax", "Secure"}
    assert "Max-Age=0" in given[ATTEMPT]
    me = browser.get("/v1/me").json()
    assert (me["name"], me["organisation"]) == ("alice", "default")


def test_nothing_on_record_opens_the_door(served: Served, idp: Provider) -> None:
    browser = Browser(served)
    url = browser.begin()
    secret = browser.client.cookies[ATTEMPT]
    kept = str(rows(served, "login_attempts"))
    asked = dict(parse_qsl(urlsplit(url).query))
    for text in (secret, asked["state"], asked["nonce"]):
        assert text not in kept
    assert secret not in url
    browser.back(idp.agreed(url))
    assert browser.session
    secret = browser.session[17:]
    for table in ("sessions", "audit_events"):
        assert secret not in str(rows(served, table))


def test_a_login_replaces_the_session_that_the_browser_had(served: Served, idp: Provider) -> None:
    member(served, idp.issuer.url, name="eve")
    eve = Browser(served)
    eve.log_in(idp, "s-eve")
    victim = Browser(served)
    # Somebody has managed to put their own session into the victim's browser.
    assert eve.session
    victim.client.cookies.set(SESSION, eve.session, domain="supplychain.example")
    assert victim.get("/v1/me").json()["name"] == "eve"

    done = victim.back(idp.agreed(victim.begin(), "s-alice"))

    assert done.status_code == 303, done.text
    (given,) = [c for c in done.headers.get_list("set-cookie") if c.startswith(SESSION)]
    assert eve.session not in given
    problem(eve.get("/v1/me"), 401, "unauthenticated")
    assert sessions(served) == 1


def test_a_session_ends_when_nobody_asks_and_when_its_time_is_up(
    served: Served, idp: Provider
) -> None:
    browser = Browser(served)
    browser.log_in(idp)
    for minutes in range(55, 12 * 60, 55):
        later(served, minutes * MINUTE)
        assert browser.get("/v1/me").status_code == 200, minutes
    later(served, 12 * HOUR)
    problem(browser.get("/v1/me"), 401, "unauthenticated")

    later(served, timedelta(0))
    browser.log_in(idp)
    later(served, 59 * MINUTE)
    assert browser.get("/v1/me").status_code == 200
    later(served, 120 * MINUTE)
    problem(browser.get("/v1/me"), 401, "unauthenticated")


def test_who_is_no_member_any_more_is_logged_in_no_more(served: Served, idp: Provider) -> None:
    member(served, idp.issuer.url, Role.ADMIN, name="root")
    root, alice = Browser(served), Browser(served)
    root.log_in(idp, "s-root")
    alice.log_in(idp)
    path = "/v1/members/alice"
    changed = root.client.put(
        path, json={"roles": ["auditor"], "projects": None}, headers=root.proof()
    )
    assert changed.status_code == 200, changed.text
    assert alice.get("/v1/me").json()["roles"] == ["auditor"]

    assert root.client.delete(path, headers=root.proof()).status_code == 200
    problem(alice.get("/v1/me"), 401, "unauthenticated")
    # Nor is somebody else who gets the name.
    member(served, idp.issuer.url, subject="s-another")
    problem(alice.get("/v1/me"), 401, "unauthenticated")
    problem(alice.log_in(idp), 403, "forbidden")


def test_logging_out_ends_this_session_and_no_other(served: Served, idp: Provider) -> None:
    here, elsewhere = Browser(served), Browser(served)
    here.log_in(idp)
    elsewhere.log_in(idp)
    stolen = here.session
    out = here.post("/v1/logout")
    assert (out.status_code, here.session) == (204, None)
    assert stolen
    here.client.cookies.set(SESSION, stolen, domain="supplychain.example")
    problem(here.get("/v1/me"), 401, "unauthenticated")
    assert elsewhere.get("/v1/me").status_code == 200
    assert events(served)[0] == ("session.ended", "alice")


def test_an_address_counts_where_the_provider_has_verified_it(
    served: Served, idp: Provider
) -> None:
    who = "carol@example.com"
    member(served, idp.issuer.url, name="carol", subject="", email=who)
    for said in ({}, {"email_verified": False}, {"email_verified": "true"}):
        idp.claims = {"email": who, **said}
        problem(Browser(served).log_in(idp, "s-9"), 403, "forbidden")
    idp.claims = {"email": who, "email_verified": True}
    browser = Browser(served)
    assert browser.log_in(idp, "s-9").status_code == 303
    assert browser.get("/v1/me").json()["name"] == "carol"
    # From now on by what the provider calls them: an address may be somebody else's one day.
    problem(Browser(served).log_in(idp, "s-10"), 403, "forbidden")


def test_people_are_members_of_the_organisation_that_they_name(
    served: Served, idp: Provider
) -> None:
    organisation(served)
    member(served, idp.issuer.url, name="banker", organisation="bank")
    browser = Browser(served)
    assert browser.log_in(idp, "s-banker", organisation="bank").status_code == 303
    assert browser.get("/v1/me").json()["organisation"] == "bank"
    # That there is no such organisation is told in the same words.
    mine = problem(Browser(served).log_in(idp, organisation="bank"), 403, "forbidden")
    absent = problem(Browser(served).log_in(idp, organisation="nobodys"), 403, "forbidden")
    assert mine["detail"] == absent["detail"]


# What is not let in.

Lie = Callable[[Provider, dict[str, str]], Mapping[str, str]]


def lying(**claims: Any) -> Lie:
    def lie(idp: Provider, answered: dict[str, str]) -> Mapping[str, str]:
        idp.claims = claims
        return answered

    return lie


def answering(**other: str | None) -> Lie:
    def lie(idp: Provider, answered: dict[str, str]) -> Mapping[str, str]:
        return {k: v for k, v in {**answered, **other}.items() if v is not None}

    return lie


def signing(make_token: Callable[[Provider, Mapping[str, Any]], str]) -> Lie:
    def lie(idp: Provider, answered: dict[str, str]) -> Mapping[str, str]:
        idp.makes = lambda claims: make_token(idp, claims)
        return answered

    return lie


def forged(idp: Provider, claims: Mapping[str, Any]) -> str:
    """Signed by a key that the provider does not have, under the name of one that it has."""
    stranger = type(idp.issuer)(idp.issuer.url)
    stranger.turn("k1", "ES256")
    return stranger.token(claims)


LIES: dict[str, Lie] = {
    "another nonce": lying(nonce="of another login"),
    "no nonce": lying(nonce=None),
    "another audience": lying(aud="another client"),
    "no audience": lying(aud=None),
    "several audiences, for another one": lying(aud=["supply chain", "x"], azp="x"),
    "several audiences, for nobody": lying(aud=["supply chain", "x"]),
    "another authorised party": lying(azp="x"),
    "another issuer": lying(iss="https://login.example"),
    "over": lying(exp=1),
    "not valid yet": lying(nbf=2**34),
    "nobody": lying(sub=""),
    "a number": lying(sub=7),
    "alg none": signing(lambda _, claims: f"{unsigned(claims)}eA"),
    "alg none, nothing behind it": signing(lambda _, claims: unsigned(claims)),
    "another key": signing(forged),
    "no token": signing(lambda _, __: "nonsense"),
    "an error": answering(code=None, error="server_error"),
    "an error that is anybody's text": answering(code=None, error="<b>call 555</b>"),
    "no code": answering(code=None),
    "another code": answering(code="of-nobody"),
    "another state": answering(state="x" * 43),
    "no state": answering(state=None),
    "a state of other letters": answering(state="é"),
    "another provider": answering(iss="https://login.example"),
    "an empty provider": answering(iss=""),
}


def test_what_does_not_hold_lets_nobody_in(served: Served, idp: Provider) -> None:
    service = served.service
    served.app.state.service = replace(service, failed=Rates(100_000))  # nobody waits here
    for name, lie in LIES.items():
        idp.claims, idp.makes = {}, None
        browser = Browser(served)
        refused = browser.back(lie(idp, idp.agreed(browser.begin())))
        assert refused.status_code == 401, (name, refused.text)
        told = problem(refused, 401, "unauthenticated")
        assert "555" not in str(told | {"request_id": ""})
        assert (browser.session, SESSION in str(refused.headers)) == (None, False), name
    assert sessions(served) == 0
    assert "session.started" not in dict(events(served))
    idp.claims, idp.makes = {}, None
    assert Browser(served).log_in(idp).status_code == 303


def test_the_provider_may_name_itself_and_must_where_it_says_that_it_does(
    served: Served, idp: Provider
) -> None:
    browser = Browser(served)
    named = {"iss": idp.issuer.url}
    assert browser.back(idp.agreed(browser.begin()) | named).status_code == 303
    idp.issuer.says["authorization_response_iss_parameter_supported"] = True
    browser = Browser(served)
    problem(browser.back(idp.agreed(browser.begin())), 401, "unauthenticated")
    assert browser.back(idp.agreed(browser.begin()) | named).status_code == 303


def test_an_answer_counts_once_in_the_browser_that_asked_and_in_time(
    served: Served, idp: Provider
) -> None:
    mine, theirs = Browser(served), Browser(served)
    answered = idp.agreed(mine.begin())
    # Another browser: one that has begun nothing, and one that has begun another login.
    problem(theirs.back(answered), 401, "unauthenticated")
    theirs.begin()
    problem(theirs.back(answered), 401, "unauthenticated")
    assert theirs.session is None

    attempt = mine.client.cookies[ATTEMPT]
    assert mine.back(answered).status_code == 303
    # Replayed, with everything that the browser had, and even with a new code.
    replaying = Browser(served)
    replaying.client.cookies.set(ATTEMPT, attempt, domain="supplychain.example")
    problem(replaying.back(answered), 401, "unauthenticated")
    fresh = idp.agreed(theirs.begin())["code"]
    problem(replaying.back({**answered, "code": fresh}), 401, "unauthenticated")
    assert replaying.session is None

    late = Browser(served)
    answered = idp.agreed(late.begin())
    later(served, 10 * MINUTE)
    problem(late.back(answered), 401, "unauthenticated")
    assert sessions(served) == 1


def test_a_code_of_another_login_is_worth_nothing(served: Served, idp: Provider) -> None:
    """Somebody who has got hold of a code puts it into a login of their own: PKCE."""
    victim, eve = Browser(served), Browser(served)
    stolen = idp.agreed(victim.begin())["code"]
    answered = idp.agreed(eve.begin(), "s-eve")
    refused = problem(eve.back({**answered, "code": stolen}), 401, "unauthenticated")
    assert "does not take this code" in refused["detail"]
    assert eve.session is None


def test_an_answer_that_says_something_twice_is_none(served: Served, idp: Provider) -> None:
    browser = Browser(served)
    answered = idp.agreed(browser.begin())
    twice = f"code=x&state={answered['state']}&code={answered['code']}"
    problem(browser.get(f"/v1/login/callback?{twice}"), 401, "unauthenticated")
    assert browser.session is None


def test_a_provider_that_is_down_lets_nobody_in(served: Served, idp: Provider) -> None:
    browser = Browser(served)
    answered = idp.agreed(browser.begin())
    idp.server.answer = lambda _: Reply(503)
    problem(browser.back(answered), 503, "identity_provider")
    problem(browser.get("/v1/login"), 503, "identity_provider")
    idp.server.answer = lambda r: Reply(500) if r.path == "/token" else idp.answer(r)
    problem(browser.back(idp.agreed(browser.begin())), 503, "identity_provider")
    assert (browser.session, sessions(served)) == (None, 0)


def test_a_provider_that_knows_another_secret_lets_nobody_in(
    served: Served, idp: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPPLYCHAIN_LOGIN_CLIENT_SECRET", "")
    browser = Browser(served)
    refused = problem(browser.back(idp.agreed(browser.begin())), 503, "identity_provider")
    assert (refused["retryable"], "invalid_client" in refused["because"]) == (False, True)


def test_a_provider_that_cannot_do_it_safely_is_not_asked(served: Served, idp: Provider) -> None:
    good = dict(idp.issuer.says)
    for wrong in (
        {"issuer": "https://login.example"},
        {"authorization_endpoint": "http://login.example/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": None},
        {"code_challenge_methods_supported": ["plain"]},
    ):
        idp.issuer.says = {**good, **wrong}
        problem(Browser(served).get("/v1/login"), 503, "identity_provider")
    assert row_counts(served.service.settings.database_url)["login_attempts"] == 0


ELSEWHERE = (
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%09/evil.example\t",
    "/\t/evil.example",
    "evil.example",
    "javascript:alert(1)",
    "",
    "/v1/me\r\nSet-Cookie: x=y",
)


def test_nobody_is_sent_elsewhere(served: Served) -> None:
    browser = Browser(served)
    for place in ELSEWHERE:
        problem(browser.get("/v1/login", params={"return_to": place}), 422, "input")
    assert row_counts(served.service.settings.database_url)["login_attempts"] == 0


def test_a_session_and_a_token_are_one_too_many(served: Served, idp: Provider) -> None:
    browser = Browser(served)
    browser.log_in(idp)
    token = make(served, [Role.VIEWER]).text
    for given in (f"Bearer {token}", "Bearer x", "Basic YTpi"):
        both = browser.get("/v1/me", headers={"Authorization": given})
        assert "a session and a token" in problem(both, 401, "unauthenticated")["because"]
    assert browser.get("/v1/me", headers={"Authorization": ""}).status_code == 200
    assert Visitor(served, token).get("/v1/me").status_code == 200


FOREIGN: tuple[dict[str, str], ...] = (
    {"X-CSRF-Token": ""},
    {"X-CSRF-Token": "x" * 43},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": f"{HOST}.evil.example"},
    {"Origin": "http://supplychain.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
)


def test_no_other_site_changes_anything(served: Served, idp: Provider) -> None:
    browser = Browser(served)
    browser.log_in(idp)
    wanted = {"name": "mine", "roles": ["viewer"], "projects": None}
    proof = browser.proof()
    for wrong in FOREIGN:
        headers = {**proof, **wrong}
        problem(browser.post("/v1/tokens", wanted, **headers), 403, "forbidden")
        problem(browser.post("/v1/logout", **headers), 403, "forbidden")
    assert row_counts(served.service.settings.database_url)["api_tokens"] == 0
    for name in proof:
        less = {key: value for key, value in proof.items() if key != name}
        # An older browser says one of the two; the token is never left out.
        is_enough = name != "X-CSRF-Token"
        status = browser.post("/v1/tokens", wanted, **less).status_code
        assert status == (201 if is_enough else 403), name


def test_a_request_from_nowhere_changes_nothing(served: Served, idp: Provider) -> None:
    browser = Browser(served)
    browser.log_in(idp)
    alone = {"X-CSRF-Token": browser.proof()["X-CSRF-Token"]}
    problem(browser.post("/v1/logout", **alone), 403, "forbidden")
    # Nor does the token of another session.
    other = Browser(served)
    other.log_in(idp)
    problem(browser.post("/v1/logout", **other.proof()), 403, "forbidden")
    assert browser.post("/v1/logout").status_code == 204


def test_a_session_that_is_none_opens_nothing(served: Served, idp: Provider) -> None:
    browser = Browser(served)
    browser.log_in(idp)
    assert browser.session
    token = make(served, [Role.ADMIN]).text
    wrong = (
        f"{browser.session[:-1]}{'a' if browser.session[-1] != 'a' else 'b'}",
        token,
        "scs_abcdefghijkl_" + "a" * 43,
        "x",
        "",
    )
    for text in wrong:
        given = {"Cookie": f"{SESSION}={text}"}
        problem(Browser(served).get("/v1/me", headers=given), 401, "unauthenticated")
    # What a browser shows is no token, and without TLS's prefix it is nothing.
    problem(Visitor(served, browser.session).get("/v1/me"), 401, "unauthenticated")
    plain = {"Cookie": f"supplychain-session={browser.session}"}
    problem(Browser(served).get("/v1/me", headers=plain), 401, "unauthenticated")
    twice = {"Cookie": f"{SESSION}={browser.session}; {SESSION}={browser.session}"}
    problem(Browser(served).get("/v1/me", headers=twice), 401, "unauthenticated")


def test_a_session_of_a_former_provider_is_over(served: Served, idp: Provider) -> None:
    browser = Browser(served)
    browser.log_in(idp)
    served.typist.sql("UPDATE memberships SET issuer = 'https://former.example'")
    problem(browser.get("/v1/me"), 401, "unauthenticated")


def test_a_token_of_a_former_provider_opens_nothing(served: Served, idp: Provider) -> None:
    """Who comes by the present one has another name, and could approve what they asked for."""
    Browser(served).log_in(idp)
    theirs = Visitor(served, make(served, [Role.VIEWER], owner="alice").text)
    machine = Visitor(served, make(served, [Role.VIEWER], owner="machine:ci").text)
    assert theirs.get("/v1/me").status_code == 200
    served.typist.sql("UPDATE memberships SET issuer = 'https://former.example'")
    assert "former.example" in problem(theirs.get("/v1/me"), 401, "unauthenticated")["because"]
    assert machine.get("/v1/me").status_code == 200


def test_without_tls_people_log_in_on_this_machine_alone(typist: Typist, idp: Provider) -> None:
    own = {
        "login_redirect": "http://localhost:8080/v1/login/callback",
        "unsafe_login_without_tls": "yes",
    }
    with serving(typist, **login_settings(idp.issuer.url, **own)) as served:
        # The client of tests is at the address `testclient`, which is not this machine.
        problem(Browser(served, "http://localhost:8080").get("/v1/login"), 403, "forbidden")
        browser = Browser(served, "http://supplychain.example")
        problem(browser.get("/v1/login"), 403, "forbidden")
        problem(browser.get("/v1/login/callback"), 403, "forbidden")
        cookie = {"Cookie": f"supplychain-session=scs_abcdefghijkl_{'a' * 43}"}
        problem(browser.get("/v1/me", headers=cookie), 403, "forbidden")


def test_strangers_begin_to_log_in_so_often_and_no_more(served: Served) -> None:
    browser = Browser(served)
    statuses = [browser.get("/v1/login").status_code for _ in range(40)]
    assert statuses[0] == 303
    assert statuses[-1] == 429


def test_a_login_that_nobody_finished_is_forgotten(served: Served) -> None:
    browser = Browser(served)
    browser.begin()
    browser.begin()
    assert len(rows(served, "login_attempts")) == 2
    later(served, 11 * MINUTE)
    browser.begin()
    assert len(rows(served, "login_attempts")) == 1
