"""The loop that the product is for: denied, repaired, allowed, and what was touched is refused."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from demo.images import flip_byte
from tests.kit.cli import Desk
from tests.kit.registry import running_registry
from tests.kit.shop import attached_to, digest_of, push

NOWHERE = "sha256:" + 64 * "0"


def test_a_vulnerable_image_is_denied_with_its_reasons(desk: Desk, vulnerable: Path) -> None:
    done = desk.type("run", f"oci:{vulnerable}", "-e", "prod").ended(10)

    assert done.stdout.startswith(f"DENY  vulnerable@{digest_of(vulnerable)} in prod\n")
    assert "CVE-2019-10906  high  Jinja2 2.10 → 2.10.1" in done.stdout
    assert "site-packages/Jinja2-2.10.dist-info/METADATA" in done.stdout
    assert "To allow it:\n" in done.stdout
    assert "Evidence: attestation" in done.stdout
    assert "scan      linux/amd64: 2 components, " in done.stderr


def test_the_repaired_successor_is_allowed(desk: Desk, repaired: Path) -> None:
    done = desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)

    assert done.stdout.startswith(f"ALLOW  repaired@{digest_of(repaired)} in prod\n")
    assert "signed with ../release.pub" in done.stdout
    assert "2 components, CycloneDX 1.6, attested" in done.stdout
    assert "Time alone changes this verdict in 23 h" in done.stdout
    assert desk.recorded() == [digest_of(repaired)]
    assert attached_to(repaired) == 4
    assert desk.leftovers() == []


def test_one_changed_byte_is_refused_and_nothing_recorded(desk: Desk, repaired: Path) -> None:
    changed = flip_byte(repaired)

    with desk.nothing_changes(repaired):
        done = desk.type("run", f"oci:{repaired}", "-e", "prod")

    done.refused(1, f"layer 1 of 1 (sha256:{changed.name})")
    assert desk.recorded() == []


def test_a_denial_tells_what_would_turn_it_and_that_turns_it(
    desk: Desk, vulnerable: Path, repaired: Path
) -> None:
    denied = desk.type("run", f"oci:{vulnerable}", "-e", "prod", "-o", "json").ended(10).json()
    remedies = " ".join(denied["remedies"])
    assert "Jinja2" in remedies
    assert "urllib3" in remedies

    allowed = desk.type("run", f"oci:{repaired}", "-e", "prod", "-o", "json").ended(0).json()
    assert allowed["verdict"] == "allow"
    assert allowed["remedies"] == []


def test_the_gate_needs_the_record_alone(desk: Desk, repaired: Path, tmp_path: Path) -> None:
    with running_registry(tmp_path / "registry") as registry:
        reference = registry.fresh()
        digest = push(repaired, reference)
        desk.type("run", f"{reference}:1.0", "-e", "prod").ended(0)
        asked = desk.type("gate", f"{reference}:1.0", "-e", "prod").ended(0)
        assert asked.stdout.startswith(f"ALLOW  {reference}@{digest} in prod")

    for image in (f"{reference}@{digest}", digest, f"docker://{reference}:1.0@{digest}"):
        asked = desk.type("gate", image, "-e", "prod").ended(0)
        assert asked.stdout.startswith(f"ALLOW  {reference}@{digest} in prod")
        assert asked.stderr == ""
    before = desk.rows()
    desk.type("gate", f"{reference}:1.0", "-e", "prod").refused(1, registry.address, "try: ")
    assert desk.rows() == before


def test_the_gate_decides_without_the_image(desk: Desk, repaired: Path) -> None:
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)
    digest = digest_of(repaired)
    repaired.rename(repaired.with_name("gone"))

    desk.type("gate", digest, "-e", "prod", SUPPLYCHAIN_TRIVY="/nowhere").ended(0)


@pytest.mark.parametrize("image", [NOWHERE, f"registry.example/shop@{NOWHERE}"])
def test_an_unknown_digest_is_denied(desk: Desk, repaired: Path, image: str) -> None:
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)

    asked = desk.type("gate", image, "-e", "prod").ended(10)
    assert "nothing is recorded about this digest" in asked.stdout
    assert "supplychain run" in asked.stdout


def test_without_a_policy_nothing_is_allowed(desk: Desk, repaired: Path) -> None:
    ran = desk.type("run", f"oci:{repaired}", "-e", "staging").ended(10)
    asked = desk.type("gate", digest_of(repaired), "-e", "staging").ended(10)

    for done in (ran, asked):
        assert "there is no usable policy for staging" in done.stdout
        assert "write a policy for staging" in done.stdout


def test_a_policy_for_another_environment_does_not_count(desk: Desk, repaired: Path) -> None:
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)
    policy = desk.policy(environment="staging")

    asked = desk.type("gate", digest_of(repaired), "-e", "prod", "--policy", policy).ended(10)
    assert "the one given is for staging" in asked.stdout


def test_without_an_environment_there_is_no_verdict(desk: Desk, repaired: Path) -> None:
    for command in ("run", "gate"):
        with desk.nothing_changes(repaired):
            done = desk.type(command, f"oci:{repaired}")
        done.refused(2, "no environment was given", "try: name it: --environment prod")


def test_an_empty_policy_is_wrong_usage(desk: Desk, repaired: Path) -> None:
    file = desk.folder / "policies" / "prod.yaml"
    for text in ("", "schemaVersion: 1\nenvironment: prod\nrules: []\n"):
        file.write_text(text)
        for command in ("run", "gate"):
            with desk.nothing_changes(repaired):
                done = desk.type(command, f"oci:{repaired}", "-e", "prod")
            done.refused(2, "policies/prod.yaml:")


def test_a_scan_gets_stale(desk: Desk, repaired: Path) -> None:
    desk.policy("freshness: {scan: 1s}")
    desk.type("scan", f"oci:{repaired}").ended(0)
    time.sleep(timedelta(seconds=1.1).total_seconds())

    asked = desk.type("gate", digest_of(repaired), "-e", "prod").ended(10)
    assert "scanned 1 s ago, limit 1 s" in asked.stdout or "ago, limit 1 s" in asked.stdout
    assert "supplychain scan" in asked.stdout or "supplychain run" in asked.stdout


def test_a_scan_with_a_database_too_old_for_the_policy_is_denied(
    desk: Desk, repaired: Path
) -> None:
    desk.policy("freshness: {database: 30m}")

    done = desk.type("run", f"oci:{repaired}", "-e", "prod").ended(10)
    assert "vulnerability database 1 h" in done.stdout
    assert "limit 30 min" in done.stdout
    assert "supplychain vulndb pull" in done.stdout


def test_what_was_recorded_without_a_signature_is_not_allowed(desk: Desk, repaired: Path) -> None:
    done = desk.type("run", f"oci:{repaired}", "-e", "prod", "--no-sign").ended(10)

    assert "not signed with ../release.pub" in done.stdout
    assert "the SBOM is not attested with ../release.pub" in done.stdout
    assert attached_to(repaired) == 0
