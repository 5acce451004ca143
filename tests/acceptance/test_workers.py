"""Runs that workers do: as users submit and follow them, on each engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.cli import Desk
from tests.kit.shop import attached_to, digest_of

# The images lie in folders.
ANY = ("--unsafe-any-source",)


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, desk: Desk) -> Desk:
    """A desk whose record is on each engine."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgresql_database")
        desk.environ["SUPPLYCHAIN_DATABASE"] = url
    desk.environ["SUPPLYCHAIN_WORKER_GRACE"] = "10s"
    return desk


def _submit(desk: Desk, *arguments: str | Path) -> str:
    told = desk.type("runs", "submit", *arguments, "-o", "json").ended(0).json()
    assert told["state"] == "queued"
    return str(told["id"])


def test_a_worker_takes_an_image_the_whole_way(office: Desk, vulnerable: Path) -> None:
    run = _submit(office, f"oci:{vulnerable}", "-e", "prod")

    office.type("worker", "--until-idle", *ANY, "--key", office.key).ended(0)

    told = office.type("runs", "show", run, "-o", "json").ended(0).json()
    assert (told["state"], told["digest"]) == ("succeeded", digest_of(vulnerable))
    assert told["error"] is None
    office.type("gate", f"oci:{vulnerable}", "-e", "prod").ended(10)
    office.type("decisions", "show", told["decision"]).ended(0)
    followed = office.type("runs", "follow", run).ended(0).stdout.splitlines()
    assert [int(line.split()[0]) for line in followed] == list(range(1, len(followed) + 1))
    assert "succeeded" in followed[-1]


def test_what_scans_needs_no_key_and_what_signs_scans_nothing(
    office: Desk, vulnerable: Path
) -> None:
    run = _submit(office, f"oci:{vulnerable}")

    office.type("worker", "--role", "scan", "--until-idle", *ANY).ended(0)

    between = office.type("runs", "show", run, "-o", "json").ended(0).json()
    assert (between["state"], attached_to(vulnerable)) == ("queued", 0)
    assert office.recorded() == []

    environ = {"SUPPLYCHAIN_TRIVY": "/nowhere"}
    office.type(
        "worker", "--role", "sign", "--until-idle", *ANY, "--key", office.key, **environ
    ).ended(0)

    assert office.type("runs", "show", run, "-o", "json").json()["state"] == "succeeded"
    assert office.recorded() == [digest_of(vulnerable)]
    assert attached_to(vulnerable) > 0


def test_a_run_done_again_signs_nothing_twice(office: Desk, vulnerable: Path) -> None:
    first = _submit(office, f"oci:{vulnerable}", "--idempotency-key", "build-17")
    same = office.type(
        "runs", "submit", f"oci:{vulnerable}", "--idempotency-key", "build-17", "-o", "json"
    )
    assert same.ended(0).json()["id"] == first
    office.type("worker", "--until-idle", *ANY, "--key", office.key).ended(0)
    signed = attached_to(vulnerable)

    again = office.type("runs", "again", first, "-o", "json").ended(0).json()
    office.type("worker", "--until-idle", *ANY, "--key", office.key).ended(0)

    assert again["again_of"] == first
    assert (
        office.type("runs", "show", str(again["id"]), "-o", "json").json()["state"] == "succeeded"
    )
    # Of the four statements about an image those of the scan and its provenance are new.
    assert attached_to(vulnerable) - signed == 2


def test_a_worker_that_is_to_sign_begins_with_a_key_or_not_at_all(desk: Desk) -> None:
    refused = desk.type("worker", "--role", "sign", SUPPLYCHAIN_KEY="")
    refused.refused(2, "there is no key to sign with")


def test_what_cannot_be_done_fails_at_once_and_says_why(office: Desk, vulnerable: Path) -> None:
    run = _submit(office, f"oci:{vulnerable}", "--platform", "linux/s390x")

    office.type("worker", "--until-idle", *ANY, "--key", office.key).ended(0)

    told = office.type("runs", "show", run, "-o", "json").ended(0).json()
    assert (told["state"], told["error"]["code"]) == ("failed", "not_found")
    office.type("runs", "follow", run).ended(1)


def test_a_run_is_judged_by_the_policy_of_its_own_organisation(
    office: Desk, vulnerable: Path
) -> None:
    office.policy("sbom: {}")
    bank = office.folder / "policies" / "bank" / "prod.yaml"
    bank.parent.mkdir()
    bank.write_text(
        "schemaVersion: 1\nenvironment: prod\nrules:\n"
        f"  - images: {{digests: ['{digest_of(vulnerable)}']}}\n"
    )
    office.type("db", "upgrade").ended(0)
    office.type("organisations", "create", "bank").ended(0)
    mine = {"SUPPLYCHAIN_ORGANISATION": "bank", "SUPPLYCHAIN_POLICIES": str(bank.parent)}
    told = office.type(
        "runs", "submit", f"oci:{vulnerable}", "-e", "prod", "-o", "json", **mine
    ).ended(0)

    # A worker works for everybody, with the settings of whoever runs it.
    office.type("worker", "--until-idle", *ANY, "--key", office.key).ended(0)

    run = office.type("runs", "show", told.json()["id"], "-o", "json", **mine).ended(0).json()
    assert run["state"] == "succeeded"
    decision = office.type("decisions", "show", run["decision"], "-o", "json", **mine).ended(0)
    assert decision.json()["verdict"] == "deny"
