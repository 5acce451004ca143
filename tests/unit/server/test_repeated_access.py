"""What is said about a whole organisation under an `Idempotency-Key`: once, and no secret kept."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import pytest

from supplychain.model.access import Role
from tests.kit.records import row_counts
from tests.kit.serving import Served, problem
from tests.kit.visitors import ISSUER, LOGIN, Visitor, organisation, person, visitor

KEY = {"Idempotency-Key": "k-1"}
SCOPE = {"roles": ["viewer"], "projects": None}
ASKED: dict[str, dict[str, object]] = {
    "/v1/projects": {"name": "shop"},
    "/v1/members": {
        "name": "bob@example.com", "issuer": ISSUER, "subject": "s-bob", "email": "", **SCOPE,
    },
    "/v1/trust": {
        "name": "shop", "issuer": "https://token.actions.githubusercontent.com",
        "audience": "supplychain", "claims": {"repository_id": ["1234"]},
        "lifetime_seconds": 900, **SCOPE,
    },
}  # fmt: skip
TOKEN: dict[str, object] = {"name": "ci", "owner": "machine:ci", **SCOPE}


def _admin(served: Served, **rest: str) -> Visitor:
    return visitor(served, Role.ADMIN, owner="root", **rest)


def _done(served: Served) -> dict[str, int]:
    """How many rows there are of what was done."""
    counts = row_counts(f"sqlite:///{served.typist.data / 'supplychain.db'}")
    return {table: counts[table] for table in counts if table != "idempotent_answers"}


@pytest.mark.parametrize("path", ASKED)
def test_what_is_sent_again_is_done_once_and_answered_the_same(served: Served, path: str) -> None:
    admin = _admin(served)
    first = admin.post(path, ASKED[path], headers=KEY)
    assert first.status_code == 201, first.text
    before = _done(served)

    second = admin.post(path, ASKED[path], headers=KEY)

    assert (second.status_code, second.content) == (201, first.content)
    assert second.headers["idempotency-replayed"] == "true"
    other = ASKED[path] | {"name": "another"}
    told = problem(admin.post(path, other, headers=KEY), 422, "input")
    assert "used for another request" in told["detail"]
    assert _done(served) == before
    # Without the key it is asked for anew, and there already.
    problem(admin.post(path, ASKED[path]), 409, "conflict")


def test_a_token_is_made_once_shown_once_and_kept_nowhere(served: Served) -> None:
    admin = _admin(served)
    made = admin.post("/v1/tokens", TOKEN, headers=KEY).json()
    before = _done(served)

    told = problem(admin.post("/v1/tokens", TOKEN, headers=KEY), 409, "conflict")

    assert not told["retryable"]
    assert made["id"] in told["because"]
    assert made["token"] not in str(told)
    problem(admin.post("/v1/tokens", TOKEN | {"name": "x"}, headers=KEY), 422, "input")
    assert _done(served) == before
    secret = made["token"].rpartition("_")[2].encode()
    with closing(sqlite3.connect(served.typist.data / "supplychain.db")) as connection:
        [(kept,)] = connection.execute("SELECT body FROM idempotent_answers").fetchall()
        assert made["id"].encode() in kept
        assert secret not in "\n".join(connection.iterdump()).encode()
    # Whoever lost it revokes it, and has another one.
    assert admin.ask("DELETE", f"/v1/tokens/{made['id']}").status_code == 200
    again = admin.post("/v1/tokens", TOKEN, headers={"Idempotency-Key": "k-2"})
    assert again.json()["token"] != made["token"]


def test_what_was_refused_may_be_asked_for_again_under_its_key(served: Served) -> None:
    wanted = TOKEN | {"projects": ["shop"]}
    admin = _admin(served)
    problem(admin.post("/v1/tokens", wanted, headers=KEY), 404, "not_found")
    assert admin.post("/v1/projects", {"name": "shop"}).status_code == 201
    assert admin.post("/v1/tokens", wanted, headers=KEY).status_code == 201


def test_keys_are_their_callers_own_in_their_organisation(served: Served) -> None:
    organisation(served)
    callers = (_admin(served), visitor(served, Role.ADMIN), _admin(served, organisation="bank"))
    made = [one.post("/v1/tokens", TOKEN, headers=KEY) for one in callers]
    assert [one.status_code for one in made] == [201, 201, 201]
    # Whoever may not is told that, and nothing of what others asked for under it.
    problem(visitor(served, Role.VIEWER).post("/v1/projects", {"name": "x"}, headers=KEY), 403,
            "forbidden")  # fmt: skip


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_a_key_that_is_none_is_refused(served: Served, key: str) -> None:
    admin, before = _admin(served), _done(served)
    answer = admin.post("/v1/projects", {"name": "shop"}, headers={"Idempotency-Key": key})
    problem(answer, 422, "input")
    assert _done(served)["projects"] == before["projects"]


def test_of_many_at_once_one_is_done(served: Served) -> None:
    admin = _admin(served)

    def ask(_: int) -> httpx.Response:
        return admin.post("/v1/tokens", TOKEN, headers=KEY)

    with ThreadPoolExecutor(8) as pool:
        codes = sorted(answer.status_code for answer in pool.map(ask, range(12)))
    assert codes == [201] + [409] * 11
    assert len(admin.get("/v1/tokens?owner=machine:ci").json()["tokens"]) == 1


@pytest.mark.parametrize("served", [LOGIN], indirect=True)
def test_each_session_that_is_logged_out_is_over_whatever_the_key(served: Served) -> None:
    for one in (person(served, Role.VIEWER), person(served, Role.VIEWER)):
        assert one.ask("POST", "/v1/logout", headers=KEY).status_code == 204
        assert one.get("/v1/me").status_code == 401
