"""Images that were never seen: a question starts a run where the policy wants it, and only then."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from supplychain.errors import ToolError
from supplychain.model.access import Role
from supplychain.model.digest import Digest
from supplychain.model.runs import Bounds, Duty, Priority, Run, RunRequest, RunState
from supplychain.records.record import Record
from supplychain.records.run_queue import RunQueue
from tests.kit.runs import manifest_run, scan_record
from tests.kit.scans import AT, SUBJECT
from tests.kit.serving import DECIDE, Served
from tests.kit.typist import HOUR, Typist
from tests.kit.visitors import visitor

IMAGE = str(SUBJECT)
SECOND = timedelta(seconds=1)
REGISTRY = "registry.test/shop"
ALLOWED = {"registry_allowed": REGISTRY}
HERE = pytest.mark.parametrize("served", [ALLOWED], indirect=True)


def wanting(typist: Typist, unseen: str = "{start_run: submitters}", *rules: str) -> None:
    path = typist.policy("sbom: {}", *rules)
    path.write_text(path.read_text() + f"unseen: {unseen}\n")


def runs(typist: Typist) -> tuple[Run, ...]:
    with typist.record() as record:
        return record.runs.list()


def failed(typist: Typist, ago: timedelta = timedelta()) -> None:
    """Let a worker fail over the run that waits."""
    queue = RunQueue.open(f"sqlite:///{typist.data / 'supplychain.db'}")
    at = typist.now - ago
    queue.enrol("one", tuple(Duty), at=at)
    claimed = queue.claim("one", tuple(Duty), Bounds(9, 9), at=at)
    assert claimed is not None
    error = ToolError("the scanner gave up", because="it has no database")
    queue.end(claimed[1], RunState.FAILED, at=at, error=error)
    queue.close()


def message(told: dict[str, Any]) -> str:
    [reason] = told["reasons"]
    return str(reason["message"])


@HERE
def test_the_first_question_starts_one_run_that_goes_before_others(served: Served) -> None:
    wanting(served.typist)
    told = served.decide().json()

    [run] = runs(served.typist)
    assert told["decision"] == "pending"
    assert f"run {run.id}, queued" in message(told)
    assert run.request == RunRequest(IMAGE, "", "prod", True, Priority.GATE)
    assert (run.digest, run.requested_by) == (SUBJECT.digest, "ada")
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(lambda _: served.decide().json()["decision"], range(8)))
    assert set(again) == {"pending"}
    assert len(runs(served.typist)) == 1
    [noted] = served.get("/v1/audit", params={"what": "run.submitted"}).json()["events"]
    assert noted["who"] == "ada"


@HERE
def test_a_run_that_waits_behind_others_goes_first_once_somebody_waits_for_a_verdict(
    served: Served,
) -> None:
    def submit(image: str, digest: Digest | None = None, *, at: datetime) -> str:
        asked = RunRequest(image, priority=Priority.BULK)
        with served.typist.record() as record:
            return record.runs.submit(
                asked, registry="registry.test", requested_by="ci", at=at, digest=digest
            ).id

    now = served.typist.now
    others = [submit(f"{REGISTRY}:{n}", at=now - HOUR + n * SECOND) for n in range(3)]
    mine = submit(IMAGE, SUBJECT.digest, at=now - HOUR + 9 * SECOND)

    # Who asks may not have anything looked at.
    viewer = visitor(served, Role.VIEWER)
    served.typist.policy("sbom: {}")
    assert viewer.post(DECIDE, {"image": IMAGE}).json()["decision"] == "pending"
    wanting(served.typist)
    assert viewer.post(DECIDE, {"image": IMAGE}).json()["decision"] == "pending"
    assert {run.request.priority for run in runs(served.typist)} == {Priority.BULK}

    for _ in range(2):
        told = served.decide().json()
        assert told["decision"] == "pending"
        assert f"run {mine}, queued" in message(told)

    found = {run.id: run.request.priority for run in runs(served.typist)}
    assert found == dict.fromkeys(others, Priority.BULK) | {mine: Priority.GATE}
    with served.typist.record() as record:
        kinds = [(event.kind, event.text) for event in record.runs.events(mine)]
    assert kinds[1:] == [("goes_first", "ada waits for a verdict")]


@HERE
def test_a_rescan_that_waits_goes_first_once_somebody_waits_for_a_verdict(served: Served) -> None:
    served.typist.policy("sbom: {}")
    with served.typist.record() as record:
        record.save_run(manifest_run(scan=scan_record(), sbom=None), at=served.typist.now - HOUR)
    assert served.decide().json()["decision"] == "deny"
    with served.typist.record() as record:
        waits = record.runs.submit(
            RunRequest(IMAGE, priority=Priority.BULK),
            registry="registry.test",
            requested_by="ci",
            at=served.typist.now,
            digest=SUBJECT.digest,
        )
    viewer = visitor(served, Role.VIEWER)
    assert viewer.post(DECIDE, {"image": IMAGE}).json()["decision"] == "pending"
    assert [run.request.priority for run in runs(served.typist)] == [Priority.BULK]

    assert served.decide().json()["decision"] == "pending"
    assert [run.request.priority for run in runs(served.typist)] == [Priority.GATE]
    with served.typist.record() as record:
        assert record.runs.events(waits.id)[-1].kind == "goes_first"


@HERE
def test_who_may_not_submit_fills_no_queue_with_digests_that_are_made_up(served: Served) -> None:
    served.typist.patch.setenv("SUPPLYCHAIN_RUNS_FOR_ANYBODY", "3")
    wanting(served.typist, "{start_run: anybody}")
    made_up = [f"{REGISTRY}@{Digest.of(b'%d' % number)}" for number in range(8)]
    viewer = visitor(served, Role.VIEWER)

    def ask(image: str) -> dict[str, Any]:
        told: dict[str, Any] = viewer.post(DECIDE, {"image": image}).json()
        return told

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(ask, made_up))
    denied = [one for one in told if one["decision"] == "deny"]
    assert (len(denied), len(runs(served.typist))) == (5, 3)
    why = "no run was started: 3 that go first wait already (runs_for_anybody)"
    assert all(why in message(one) for one in denied)
    # One that waits is still told of, and who may submit runs starts one all the same.
    pending = next(one["image"] for one in told if one["decision"] == "pending")
    assert ask(pending)["decision"] == "pending"
    assert served.decide().json()["decision"] == "pending"
    # What is over makes room, and then the same question starts one.
    failed(served.typist)
    failed(served.typist)
    assert ask(denied[0]["image"])["decision"] == "pending"
    assert len(runs(served.typist)) == 5


@HERE
def test_what_was_decided_comes_out_again(served: Served) -> None:
    wanting(served.typist)
    pending = served.decide().json()["decision_id"]
    failed(served.typist)
    denied = served.decide().json()["decision_id"]
    elsewhere = served.decide(f"other.test/shop@{Digest.of(b'x')}").json()["decision_id"]
    for decision in (pending, denied, elsewhere):
        assert served.typist.type("decisions", "replay", decision).code == 0
    assert len(runs(served.typist)) == 1


@HERE
def test_a_run_that_fails_is_the_reason_and_starts_no_other_too_soon(served: Served) -> None:
    wanting(served.typist, "{start_run: submitters, again_after: 2h}")
    assert served.decide().json()["decision"] == "pending"
    failed(served.typist, ago=HOUR)

    for _ in range(3):
        told = served.decide().json()
        assert told["decision"] == "deny"
        assert "failed: the scanner gave up: it has no database" in message(told)
        assert "asking starts no other before" in message(told)
        assert told["expires_at"] is not None
    assert len(runs(served.typist)) == 1

    wanting(served.typist, "{start_run: submitters, again_after: 30m}")
    assert served.decide().json()["decision"] == "pending"
    assert len(runs(served.typist)) == 2


@HERE
@pytest.mark.parametrize(
    ("image", "why"),
    [
        (f"other.test/shop@{SUBJECT.digest}", "other.test/shop is not a place"),
        (f"registry.test/shopping@{SUBJECT.digest}", "registry.test/shopping is not a place"),
        (str(SUBJECT.digest), "nobody says in which registry the image is"),
    ],
)
def test_nothing_is_started_from_where_nobody_may_be_sent(
    served: Served, image: str, why: str
) -> None:
    wanting(served.typist, "{start_run: anybody}")
    told = served.decide(image).json()
    assert told["decision"] == "deny"
    assert f"no run was started: {why}" in message(told)
    assert runs(served.typist) == ()


def test_without_registries_that_are_allowed_nothing_is_started(served: Served) -> None:
    wanting(served.typist, "{start_run: anybody}")
    assert "is not a place that images may be taken from" in message(served.decide().json())
    assert runs(served.typist) == ()


@HERE
def test_who_may_not_submit_starts_nothing_unless_the_policy_lets_anybody(served: Served) -> None:
    wanting(served.typist)
    viewer = visitor(served, Role.VIEWER)
    asked = {"image": IMAGE}
    told = viewer.post("/v1/gates/prod/decide", asked).json()
    assert told["decision"] == "deny"
    assert "no run was started: whoever asks may not submit runs" in message(told)
    assert runs(served.typist) == ()
    # What was answered to one caller is not what the next one is told.
    submitter = visitor(served, Role.SUBMITTER, owner="bob")
    assert submitter.post("/v1/gates/prod/decide", asked).json()["decision"] == "pending"
    assert viewer.post("/v1/gates/prod/decide", asked).json()["decision"] == "pending"

    other = f"registry.test/shop/api@{Digest.of(b'another')}"
    wanting(served.typist, "{start_run: anybody, sign: false}")
    told = viewer.post("/v1/gates/prod/decide-batch", {"images": [other, IMAGE]}).json()
    assert [one["decision"] for one in told["decisions"]] == ["pending", "pending"]
    assert [run.request.sign for run in runs(served.typist)] == [False, True]


@HERE
def test_what_is_never_allowed_is_not_worth_a_look(served: Served) -> None:
    wanting(served.typist, "{start_run: anybody}", f"images: {{digests: ['{SUBJECT.digest}']}}")
    assert served.decide().json()["decision"] == "deny"
    assert runs(served.typist) == ()


@HERE
def test_without_the_option_nothing_is_started(served: Served) -> None:
    served.typist.policy("sbom: {}")
    assert message(served.decide().json()) == "nothing is recorded about this digest"
    assert served.decide(environment="nowhere").json()["decision"] == "deny"
    assert runs(served.typist) == ()


def test_the_command_line_starts_one_and_says_that_nobody_is_there_to_do_it(
    typist: Typist,
) -> None:
    typist.patch.setenv("SUPPLYCHAIN_REGISTRY_ALLOWED", REGISTRY)
    typist.policy("sbom: {}", name="old")
    wanting(typist)
    for reading in (
        ("gate", IMAGE, "-e", "prod", "--explain"),
        ("gate", IMAGE, "-e", "prod", "--at", "1h"),
        ("policy", "diff", "policies/old.yaml", "policies/prod.yaml", "--recorded"),
    ):
        assert typist.type(*reading).code in {0, 10}
    assert runs(typist) == ()

    told = typist.type("gate", IMAGE, "-e", "prod")
    assert told.code == 11
    assert told.stdout.startswith("PENDING")
    assert "the run waits, for no worker is at work on this record" in told.stderr
    assert f"supplychain run {IMAGE}" in told.stderr
    assert typist.type("gate", IMAGE, "-e", "prod").code == 11
    [run] = runs(typist)

    assert typist.type("runs", "cancel", run.id).code == 0
    told = typist.type("gate", IMAGE, "-e", "prod", "-o", "json")
    assert told.code == 10
    [result] = json.loads(told.stdout)["results"]
    assert f"run {run.id} was cancelled by" in result["summary"]


def test_where_workers_may_go_nowhere_the_command_line_says_so(typist: Typist) -> None:
    wanting(typist)
    told = typist.type("gate", IMAGE, "-e", "prod")
    assert told.code == 10
    assert "no run was started: registry.test/shop/web is not a place" in told.stdout
    assert runs(typist) == ()


def start(record: Record, *, late: timedelta = timedelta()) -> None:
    record.runs.start(
        RunRequest(IMAGE),
        registry="registry.test",
        requested_by="ann",
        digest=SUBJECT.digest,
        at=AT + late,
        unless_since=AT + late - HOUR,
    )


def test_however_many_ask_at_once_it_is_one_run(record: Record) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: start(record), range(16)))
    [run] = record.runs.list()

    # What nobody believes in any more is not started anew either: it still waits.
    start(record, late=5 * HOUR)
    dossier = record.dossier(SUBJECT.digest, at=AT + 5 * HOUR)
    assert dossier is not None
    assert dossier.attempt is not None
    assert (dossier.attempt.run, dossier.attempt.at) == (run.id, AT + HOUR)

    record.runs.cancel(run.id, by="ann", at=AT + 5 * HOUR)
    start(record, late=6 * HOUR - timedelta(seconds=1))
    assert len(record.runs.list()) == 1
    start(record, late=6 * HOUR)
    assert len(record.runs.list()) == 2


@pytest.mark.parametrize(
    "unseen", ["{}", "{start_run: somebody}", "{start_run: anybody, again_after: 30s}"]
)
def test_what_is_no_such_option_is_refused(typist: Typist, unseen: str) -> None:
    wanting(typist, unseen)
    told = typist.type("policy", "check", "policies/prod.yaml")
    assert told.code == 2
    assert "prod.yaml:5" in told.stderr
