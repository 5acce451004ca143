from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from supplychain.errors import ConflictError, InputError
from supplychain.model.digest import Digest
from supplychain.records.repeats import GivenAnswer
from tests.kit.scans import SUBJECT
from tests.kit.serving import Served, problem
from tests.unit.server.test_people import WANTED, vulnerable

ONE, OTHER = Digest.of(b"one"), Digest.of(b"other")
HOUR = timedelta(hours=1)


def ask(served: Served, key: str, **changes: str) -> httpx.Response:
    return served.post("/v1/waivers", WANTED | changes, headers={"Idempotency-Key": key})


def waivers(served: Served) -> int:
    return len(served.get("/v1/waivers").json()["waivers"])


def test_what_is_sent_twice_is_done_once_and_answered_the_same(served: Served) -> None:
    vulnerable(served)
    first, second = ask(served, "k-1"), ask(served, "k-1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second.headers["location"] == first.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert waivers(served) == 1
    assert ask(served, "k-2").json()["waiver"] == "WV-2"


def test_a_key_that_was_used_for_something_else_is_refused(served: Served) -> None:
    vulnerable(served)
    ask(served, "k")
    problem(ask(served, "k", reason="another"), 422, "input")
    report = {"image": str(SUBJECT), "environment": "prod", "event": "started"}
    answer = served.post("/v1/deployments", report, headers={"Idempotency-Key": "k"})
    problem(answer, 422, "input")
    assert waivers(served) == 1
    assert served.get("/v1/deployments").json()["deployments"] == []


def test_what_was_refused_may_be_tried_again(served: Served) -> None:
    problem(ask(served, "k"), 404, "not_found")
    vulnerable(served)
    assert ask(served, "k").status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\u00e4".encode()])
def test_a_key_that_is_none_is_refused(served: Served, key: str) -> None:
    vulnerable(served)
    problem(ask(served, key), 422, "input")
    assert waivers(served) == 0


def test_of_many_at_once_one_is_done(served: Served) -> None:
    vulnerable(served)
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: ask(served, "k").status_code, range(16)))
    assert set(codes) <= {201, 409}
    assert waivers(served) == 1
    assert ask(served, "k").status_code == 201


def test_a_question_needs_no_key_and_is_answered_anew(served: Served) -> None:
    headers = {"Idempotency-Key": "k"}
    served.typist.policy("sbom: {}")
    body = {"image": str(SUBJECT)}
    assert served.post("/v1/gates/prod/decide", body, headers=headers).json()["decision"] == "deny"
    served.typist.examined()
    assert served.post("/v1/gates/prod/decide", body, headers=headers).json()["decision"] == "allow"


def test_keys_are_their_callers_own_and_go_after_a_day(served: Served) -> None:
    now = served.typist.now
    with served.typist.record() as record:
        mine, others = record.repeats("ada"), record.repeats("grace")
        assert mine.claim("k", ONE, at=now) is None
        assert others.claim("k", OTHER, at=now) is None
        given = GivenAnswer(201, "/v1/waivers/WV-1", b"{}")
        mine.keep("k", given)
        assert mine.claim("k", ONE, at=now + 23 * HOUR) == given
        assert mine.claim("k", OTHER, at=now + 25 * HOUR) is None


def test_of_what_was_left_in_the_middle_nobody_knows_and_it_is_not_done_again(
    served: Served,
) -> None:
    now = served.typist.now
    with served.typist.record() as record:
        mine = record.repeats("ada")
        mine.claim("k", ONE, at=now)
        with pytest.raises(ConflictError) as under_way:
            mine.claim("k", ONE, at=now)
        assert under_way.value.retryable
        with pytest.raises(ConflictError, match="nobody knows") as lost:
            mine.claim("k", ONE, at=now + HOUR)
        assert not lost.value.retryable
        with pytest.raises(InputError):
            mine.claim("k", OTHER, at=now)
        mine.give_up("k")
        assert mine.claim("k", OTHER, at=now) is None
