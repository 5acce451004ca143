"""Unsigned documents from the hand that gives them to the verdict that rests on them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from supplychain.model.access import Role
from supplychain.model.digest import Digest
from supplychain.records.record import Record
from supplychain.records.retention import Rules, apply, plan
from tests.kit.reports import document
from tests.kit.runs import attestation_record, index_run, manifest_run
from tests.kit.sboms import changed, make_sbom
from tests.kit.scans import SUBJECT
from tests.kit.serving import Served
from tests.kit.typist import HOUR, Typist
from tests.kit.visitors import visitor

BINARY = {"Content-Type": "application/octet-stream"}
CI = "machine:shop-ci"


def report(served: Served, ago: timedelta = HOUR, **changes: Any) -> bytes:
    """A report of Trivy about the image, with nothing that is critical in it."""
    made = {**document(), "CreatedAt": (served.typist.now - ago).isoformat(), **changes}
    return json.dumps(made).encode()


def sbom(served: Served, ago: timedelta = HOUR) -> bytes:
    return make_sbom(made_at=(served.typist.now - ago).replace(microsecond=0))


def hand_in(
    served: Served, body: bytes, kind: str, digest: Digest = SUBJECT.digest, by: str = CI
) -> dict[str, Any]:
    token = visitor(served, Role.SUBMITTER, owner=by)
    answer: httpx.Response = token.ask(
        "POST",
        f"/v1/images/{digest}/evidence",
        content=body,
        params={"kind": kind},
        headers=BINARY,
    )
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    return told


def taking(typist: Typist, *rules: str, by: str = CI) -> None:
    """A policy that takes the word of somebody."""
    path = typist.policy(*(rules or ("freshness: {scan: 24h}", "sbom: {}")))
    path.write_text(path.read_text() + f"claims: [{{by: ['{by}'], kinds: [scan, sbom]}}]\n")


@pytest.fixture
def known(served: Served) -> Served:
    """A server that knows an image, of which nobody verified more than a signature."""
    with served.typist.record() as record:
        run = manifest_run(attestations=(attestation_record(),))
        record.save_run(run, at=served.typist.now - 3 * HOUR)
    return served


def test_what_ci_hands_in_counts_where_the_policy_takes_its_word(known: Served) -> None:
    taking(known.typist)
    assert known.decide().json()["decision"] == "deny"
    for kind, body in (("scan", report(known)), ("sbom", sbom(known))):
        told = hand_in(known, body, kind)
        assert (told["claimed_by"], told["unread"]) == (CI, "")

    answer = known.decide().json()

    assert answer["decision"] == "allow", answer
    decision = answer["decision_id"]
    shown = known.typist.type("gate", str(SUBJECT), "-e", "prod")
    assert shown.code == 0
    assert f"the scan is claimed by {CI}, unsigned, handed in" in shown.stdout
    assert f"the SBOM is claimed by {CI}, unsigned, handed in" in shown.stdout
    assert known.typist.type("decisions", "replay", decision).code == 0
    before = known.typist.type("gate", str(SUBJECT), "-e", "prod", "--at", "1h")
    assert before.code == 10
    explained = known.typist.type("gate", str(SUBJECT), "-e", "prod", "--explain")
    assert f"claimed by {CI}, unsigned" in explained.stdout
    noted = known.get("/v1/audit", params={"what": "claim.handed-in"}).json()["events"]
    assert [(one["who"], one["about"]) for one in noted] == [(CI, str(SUBJECT.digest))] * 2


def test_what_another_policy_would_say_is_told_before_it_counts(known: Served) -> None:
    known.typist.policy("freshness: {scan: 24h}", "sbom: {}", name="old")
    taking(known.typist)
    hand_in(known, report(known), "scan")
    hand_in(known, sbom(known), "sbom")
    told = known.typist.type(
        "policy", "diff", "policies/old.yaml", "policies/prod.yaml", "--recorded"
    )
    assert told.code == 10
    assert "deny" in told.stdout.lower()
    assert "allow" in told.stdout.lower()


def test_a_claim_of_somebody_else_counts_for_nothing(known: Served) -> None:
    taking(known.typist, by="machine:other")
    before = known.decide().json()
    hand_in(known, report(known), "scan")
    hand_in(known, sbom(known), "sbom")
    assert known.decide().json()["decision_id"] == before["decision_id"]


def test_what_a_claim_finds_is_denied_with_its_author(known: Served) -> None:
    taking(known.typist, "vulnerabilities: {severity: high}")
    hand_in(known, report(known), "scan")
    told = known.decide().json()
    assert told["decision"] == "deny"
    assert "CVE-2023-0286" in {reason["vulnerability"] for reason in told["reasons"]}
    known.typist.examined()
    # What was verified is clean, and the stricter of the two holds.
    assert known.decide().json()["decision"] == "deny"
    shown = known.typist.type("gate", str(SUBJECT), "-e", "prod", "--all")
    assert f"claimed by {CI}, unsigned" in shown.stdout


def test_a_later_claim_of_the_same_caller_takes_the_place_of_the_former(known: Served) -> None:
    taking(known.typist, "freshness: {scan: 24h}")
    hand_in(known, report(known, ago=40 * HOUR), "scan")
    assert known.decide().json()["decision"] == "deny"
    hand_in(known, report(known), "scan")
    assert known.decide().json()["decision"] == "allow"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"CreatedAt": None}, "it does not say when it was made"),
        ({"CreatedAt": "yesterday"}, "it does not say when it was made"),
        ({"CreatedAt": "2026-01-01T00:00:00"}, "it does not say when it was made"),
        ({"CreatedAt": "2999-01-01T00:00:00Z"}, "it says that it was made in the future"),
        ({"SchemaVersion": 3}, "Trivy's report cannot be read"),
        ({"Metadata": {}}, "Trivy's report cannot be read"),
    ],
)
def test_what_cannot_count_is_kept_and_says_why(
    known: Served, changes: dict[str, Any], why: str
) -> None:
    taking(known.typist, "freshness: {scan: 24h}")
    told = hand_in(known, report(known, **changes), "scan")
    assert why in told["unread"]
    [listed] = known.get(f"/v1/images/{SUBJECT.digest}/claims").json()["claims"]
    assert listed["unread"] == told["unread"]
    assert known.decide().json()["decision"] == "deny"


def test_a_report_about_another_image_counts_for_nothing(served: Served) -> None:
    served.typist.examined()
    with served.typist.record() as record:
        dossier = record.dossier(SUBJECT.digest, at=served.typist.now)
    assert dossier is not None
    metadata = document()["Metadata"]
    metadata["ImageConfig"] = {"architecture": "s390x", "os": "linux"}
    told = hand_in(served, report(served, Metadata=metadata), "scan")
    assert "the report is about an image for linux/s390x" in told["unread"]


def test_a_broken_sbom_counts_for_nothing(known: Served) -> None:
    taking(known.typist, "sbom: {}")
    undated = changed(sbom(known), lambda parsed: parsed["metadata"].pop("timestamp"))
    assert "does not say when" in hand_in(known, undated, "sbom")["unread"]
    broken = changed(sbom(known), lambda parsed: parsed.update(components=7))
    assert hand_in(known, broken, "sbom")["unread"]
    assert known.decide().json()["decision"] == "deny"


def test_of_an_index_each_platform_needs_its_own(served: Served) -> None:
    run = index_run()
    bare = tuple(
        replace(one, scan=None, attestations=(attestation_record(subject=one.subject),))
        for one in run.platforms
    )
    with served.typist.record() as record:
        record.save_run(replace(run, platforms=bare), at=served.typist.now - HOUR)
    taking(served.typist, "freshness: {scan: 24h}")
    told = hand_in(served, report(served), "scan", run.subject.digest)
    assert "it is about an index" in told["unread"]
    for one in run.platforms:
        metadata = document()["Metadata"]
        metadata["ImageConfig"] = {"architecture": one.platform.architecture, "os": "linux"}
        body = report(served, Metadata=metadata)
        assert hand_in(served, body, "scan", one.subject.digest)["unread"] == ""
    assert served.decide(str(run.subject)).json()["decision"] == "allow"


def test_a_restored_record_judges_the_same(known: Served) -> None:
    taking(known.typist)
    hand_in(known, report(known), "scan")
    hand_in(known, sbom(known), "sbom")
    typist = known.typist
    assert typist.type("backup", "record.tar").code == 0
    assert typist.type("restore", "record.tar", "--data-dir", "restored").code == 0
    assert typist.type("verify-store", "--data-dir", "restored").code == 0
    told = typist.type("gate", str(SUBJECT), "-e", "prod", "--data-dir", "restored")
    assert told.code == 0
    assert f"claimed by {CI}, unsigned" in told.stdout


def test_what_a_claim_says_is_missed_where_it_is_gone(known: Served) -> None:
    taking(known.typist)
    hand_in(known, report(known), "scan")
    with closing(sqlite3.connect(known.typist.data / "supplychain.db")) as connection:
        [(reading,)] = connection.execute("SELECT reading FROM unsigned_claims").fetchall()
    [file] = known.typist.data.rglob(reading.removeprefix("sha256:"))
    file.unlink()
    assert known.typist.type("verify-store").code == 1
    assert known.decide().status_code != 200


def test_retention_leaves_what_a_claim_could_take_the_place_of(served: Served) -> None:
    served.typist.examined(ago=timedelta(days=500))
    rules = Rules(timedelta(days=30), timedelta(days=90))
    at = served.typist.now
    with served.typist.record() as record:
        planned = plan(record._engine, record.content, rules, at=at)
    assert planned.scans == 1
    hand_in(served, report(served), "scan")
    with served.typist.record() as record:
        assert isinstance(record, Record)
        assert apply(record._engine, record.content, rules, at=at).scans == 0
