"""Answers that are given again without judging: the very same ones, and only while they hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from supplychain.model.access import Role
from supplychain.model.digest import Digest
from supplychain.model.finding import Severity
from supplychain.model.subject import Subject
from supplychain.pipeline.answers import Judge
from supplychain.records import kept
from tests.kit.runs import manifest_run, scan_record
from tests.kit.scans import SUBJECT, make_finding
from tests.kit.serving import DECIDE, Served, problem, serving
from tests.kit.typist import Typist
from tests.kit.visitors import Visitor, make

ASKED = {"image": str(SUBJECT)}
TWICE = {"images": [str(SUBJECT), str(SUBJECT)]}
CRITICAL = "vulnerabilities: {severity: critical}"


class Counted:
    """How often somebody was really asked."""

    def __init__(self) -> None:
        self.times = 0


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Counts what reaches the judge."""
    counted, judge = Counted(), Judge.judge

    def counting(*given: object, **named: object) -> object:
        counted.times += 1
        return judge(*given, **named)  # type: ignore[arg-type]  # whatever it is

    monkeypatch.setattr(Judge, "judge", counting)
    monkeypatch.setattr(kept, "_QUIET", timedelta(0))
    return counted


@pytest.fixture
def here(typist: Typist, postgresql_database: str, judged: Counted) -> Iterator[Served]:
    """A server on PostgreSQL that allows an image, and has said so often enough to know it."""
    typist.policy(CRITICAL)
    with serving(typist, database=postgresql_database) as served:
        scanned(served)
        warm(served, judged)
        yield served


def scanned(served: Served, *severities: Severity, subject: Subject = SUBJECT) -> None:
    """Record a scan, as another process would."""
    findings = [make_finding(severity=severity) for severity in severities]
    report, now = f"{severities}".encode(), datetime.now(UTC)
    scan = scan_record(
        subject=subject, components=(), findings=findings, report=report, produced_at=now
    )
    served.service.store.record("default").save_run(manifest_run(subject, scan=scan), at=now)


def warm(served: Served, judged: Counted) -> None:
    """Ask until the answer is given without judging."""
    for _ in range(5):
        before = judged.times
        assert served.decide().status_code == 200
        if judged.times == before:
            return
    raise AssertionError("nobody keeps what was answered")


def verdict(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["decision"])


def test_it_is_the_very_answer_that_was_judged(here: Served, judged: Counted) -> None:
    before = judged.times
    quick = here.decide()
    both = here.post(f"{DECIDE}-batch", TWICE)
    assert judged.times == before
    # With a parameter, it goes the whole way.
    whole = here.post(f"{DECIDE}?project=default", ASKED)
    assert judged.times == before + 1
    assert quick.json() | {"decided_at": ""} == whole.json() | {"decided_at": ""}
    assert both.json() == {"decisions": [quick.json(), quick.json()]}
    assert quick.headers["content-type"] == whole.headers["content-type"]
    assert quick.headers["x-request-id"] != whole.headers["x-request-id"]


def test_what_clients_say_of_themselves_makes_no_difference(here: Served, judged: Counted) -> None:
    before = judged.times
    headers = {
        "Accept": "application/json, */*;q=0.5",
        "Accept-Encoding": "gzip, deflate, br",
        "User-Agent": "argo-rollouts/v1.8.3",
        "X-Request-Id": "ci-17",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    answer = here.post(DECIDE, ASKED, headers=headers)
    assert verdict(answer) == "allow"
    assert answer.headers["x-request-id"] == "ci-17"
    assert judged.times == before


def test_many_are_answered_in_their_order(here: Served, judged: Counted) -> None:
    other = Subject(SUBJECT.name, Digest.parse(f"sha256:{1:064x}"))
    scanned(here, Severity.CRITICAL, subject=other)
    images, before = [str(one) for one in (other, SUBJECT, other, other, SUBJECT)], 0
    for _ in range(5):
        before = judged.times
        told = here.post(f"{DECIDE}-batch", {"images": images}).json()["decisions"]
        assert [one["image"] for one in told] == images
        assert [one["decision"] for one in told] == ["deny", "allow", "deny", "deny", "allow"]
    assert judged.times == before, "nobody keeps what was answered"


@pytest.mark.parametrize(
    "images",
    [
        [f"{SUBJECT} {SUBJECT}"],
        [f"{SUBJECT} ", str(SUBJECT)],
        [str(SUBJECT), "shop:latest"],
        [str(SUBJECT), f"a,b@{SUBJECT.digest}"],
        [str(SUBJECT), 1],
        [[str(SUBJECT)]],
        [],
    ],
)
def test_one_that_is_no_image_has_all_of_them_refused(here: Served, images: list[object]) -> None:
    assert here.post(f"{DECIDE}-batch", {"images": images}).status_code in {404, 422}


def test_a_connection_that_is_lost_costs_no_verdict(
    here: Served, judged: Counted, postgresql_database: str
) -> None:
    assert verdict(here.decide()) == "allow"
    with psycopg.connect(postgresql_database, autocommit=True) as operator:
        operator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    # The routes' own connections were lost, too: each fails once at most.
    for _ in range(20):
        if here.decide().status_code == 200:
            break
    warm(here, judged)


def test_what_is_scanned_is_seen_by_the_very_next_question(here: Served, judged: Counted) -> None:
    scanned(here, Severity.CRITICAL)
    assert verdict(here.decide()) == "deny"
    warm(here, judged)
    assert verdict(here.decide()) == "deny"


def test_another_policy_is_seen_by_the_very_next_question(here: Served) -> None:
    here.typist.policy("sbom: {}")
    assert verdict(here.decide()) == "deny"


def test_a_policy_that_is_gone_allows_nothing(here: Served) -> None:
    here.typist.policy(CRITICAL).unlink()
    assert verdict(here.decide()) == "deny"


def test_one_image_that_is_unknown_has_all_of_them_judged(here: Served, judged: Counted) -> None:
    before = judged.times
    unknown = f"{SUBJECT.name}@sha256:{'0' * 64}"
    answer = here.post(f"{DECIDE}-batch", {"images": [str(SUBJECT), unknown]})
    assert [one["decision"] for one in answer.json()["decisions"]] == ["allow", "deny"]
    assert judged.times == before + 2


def test_another_name_of_the_image_is_another_question(here: Served, judged: Counted) -> None:
    before = judged.times
    assert here.decide(f"elsewhere.test/web@{SUBJECT.digest}").status_code == 200
    assert judged.times == before + 1


def test_a_token_that_is_revoked_gets_no_answer(here: Served, judged: Counted) -> None:
    made = make(here, [Role.VIEWER])
    alice = Visitor(here, made.text)
    assert verdict(alice.post(DECIDE, ASKED)) == "allow"
    before = judged.times
    assert verdict(alice.post(DECIDE, ASKED)) == "allow"
    assert judged.times == before, "they were answered at once"

    access = here.service.store.record("default").access
    access.tokens.revoke(made.token.identifier, by="ada", at=datetime.now(UTC))
    problem(alice.post(DECIDE, ASKED), 401, "unauthenticated")


@pytest.mark.parametrize(
    "token", ["", "Bearer sct_aaaaaaaaaaaa_" + "a" * 43, "Basic YTpi", "Bearer sct_"]
)
def test_who_is_nobody_gets_no_answer(here: Served, token: str) -> None:
    answer = here.post(DECIDE, ASKED, headers={"Authorization": token})
    problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize(
    "body",
    [
        b'{"image": "x", "image": "%s"}' % str(SUBJECT).encode(),
        b'{"image": "%s", "more": 1}' % str(SUBJECT).encode(),
        b'{"images": ["%s"]}' % str(SUBJECT).encode(),
        b'{"image": "%s\\u0000"}' % str(SUBJECT).encode(),
        b'["%s"]' % str(SUBJECT).encode(),
        b'{"image": "shop:latest"}',
        b"{",
    ],
)
def test_a_body_that_is_refused_is_refused_as_ever(here: Served, body: bytes) -> None:
    answer = here.client.post(DECIDE, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}, answer.text


def test_who_asks_too_often_is_told_so(here: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here.service.rates, "_most", 1.0)
    monkeypatch.setattr(here.service.rates, "_per_second", 1 / 60)
    assert verdict(here.decide()) == "allow"
    problem(here.decide(), 429, "rate")


def test_a_database_that_fails_gives_no_verdict(
    here: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "_ANSWERS", "SELECT nothing FROM nowhere")
    monkeypatch.setattr(kept, "_BEGIN", "SELECT nothing FROM nowhere")
    assert here.decide().status_code == 503
