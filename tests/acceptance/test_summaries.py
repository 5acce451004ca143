"""Verdicts beside an image: signed, attached, and exported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.kit.cli import Desk
from tests.kit.registry import RunningRegistry
from tests.kit.shop import attached_to, digest_of, push

TYPE = "https://slsa.dev/verification_summary/v1"


def _summaries(desk: Desk, image: str) -> list[dict[str, Any]]:
    done = desk.type("verify", image, "--key", "release.pub", "-o", "json").ended(0)
    return [one for one in done.json()["verified"] if one["predicate_type"] == TYPE]


def test_a_verdict_is_attached_where_the_gate_is_asked_to(
    desk: Desk, repaired: Path, debian_registry: RunningRegistry
) -> None:
    reference = debian_registry.fresh()
    digest = push(repaired, reference)
    image = f"{reference}:1.0"
    desk.type("run", image, "-e", "prod").ended(0)
    assert _summaries(desk, image) == []

    done = desk.type("gate", image, "-e", "prod", "--attest", "-o", "json").ended(0)
    assert done.json()["verdict"] == "allow"
    (summary,) = _summaries(desk, image)
    assert summary["subject"] == digest
    said = json.loads(desk.type("export", "vsa", digest, "-e", "prod").ended(0).stdout)
    assert said["verificationResult"] == "PASSED"
    assert said["policy"]["digest"]["sha256"] == done.json()["policy"].removeprefix("sha256:")
    desk.type("verify", image, "--key", "release.pub", "--type", "vsa").ended(0)


def test_a_denial_is_attached_too_and_stays_one(desk: Desk, vulnerable: Path) -> None:
    desk.type("run", f"oci:{vulnerable}", "-e", "prod").ended(10)
    desk.type("gate", f"oci:{vulnerable}", "-e", "prod", "--attest").ended(10)
    assert len(_summaries(desk, f"oci:{vulnerable}")) == 1
    exported = desk.type("export", "vsa", digest_of(vulnerable), "-e", "prod").ended(0)
    assert json.loads(exported.stdout)["verificationResult"] == "FAILED"


def test_a_verdict_that_cannot_be_attached_is_not_given(desk: Desk, repaired: Path) -> None:
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)
    with desk.nothing_changes(repaired):
        done = desk.type("gate", digest_of(repaired), "-e", "prod", "--attest")
    done.refused(2, "where it lies", "gate NAME@sha256:")
    with desk.nothing_changes(repaired):
        done = desk.type("gate", f"oci:{repaired}", "-e", "prod", "--attest", SUPPLYCHAIN_KEY="")
    done.refused(2, "there is no key to sign with")


def test_an_exported_verdict_is_attested_by_hand(desk: Desk, repaired: Path) -> None:
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)
    before = attached_to(repaired)
    exported = ("export", "vsa", digest_of(repaired), "-e", "prod")
    desk.type(*exported, "--output-file", "shop.vsa.json").ended(0)
    attest = ("attest", f"oci:{repaired}", "--type", "vsa", "--predicate", "shop.vsa.json")
    for _ in range(2):
        desk.type(*attest).ended(0)
    assert attached_to(repaired) == before + 1
    assert len(_summaries(desk, f"oci:{repaired}")) == 1


def test_there_is_no_summary_of_what_was_never_decided(desk: Desk, repaired: Path) -> None:
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)
    done = desk.type("export", "vsa", digest_of(repaired), "-e", "staging")
    done.refused(1, "in staging", "supplychain gate")
