"""Keys, signatures and attestations, from the command line and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kit.cli import Desk
from tests.kit.registry import RunningRegistry
from tests.kit.shop import attached_to, digest_of, push

REVIEW = "https://example.com/review/v1"
SIGNATURE = "https://sigstore.dev/cosign/sign/v1"


def test_a_signature_holds_with_its_key_and_with_no_other(
    desk: Desk, repaired: Path, debian_registry: RunningRegistry
) -> None:
    reference = debian_registry.fresh()
    digest = push(repaired, reference)
    image = f"{reference}:1.0"
    _key(desk, "other")

    desk.type("verify", image, "--key", "release.pub").refused(
        1, digest, "there is none of this type"
    )
    signed = desk.type("sign", image, "-o", "json").ended(0).json()
    assert [one["subject"] for one in signed["verified"]] == [digest]
    held = desk.type("verify", image, "--key", "release.pub").ended(0)
    assert held.stdout.startswith(f"{digest}  signature  sha256:")
    desk.type("verify", image, "--key", "other.pub", "--key", "release.pub").ended(0)
    refused = desk.type("verify", image, "--key", "other.pub").ended(1)
    assert refused.stdout == ""
    assert "refused" in refused.stderr
    desk.type("verify", image, "--key", "release.pub", "--type", "cyclonedx").ended(1)


def test_signing_twice_adds_nothing(desk: Desk, repaired: Path) -> None:
    for _ in range(2):
        desk.type("sign", f"oci:{repaired}").ended(0)
    assert attached_to(repaired) == 1
    _key(desk, "other")
    desk.type("sign", f"oci:{repaired}", "--key", "other.key").ended(0)
    assert attached_to(repaired) == 2


def test_what_somebody_states_is_signed_byte_for_byte(desk: Desk, repaired: Path) -> None:
    predicate = desk.folder / "review.json"
    predicate.write_text('{"reviewed":  "by Ann",\n "twice": true}')

    attest = ("attest", f"oci:{repaired}", "--type", REVIEW, "--predicate", "review.json")
    made = desk.type(*attest, "-o", "json").ended(0).json()["verified"]
    assert [one["predicate_type"] for one in made] == [REVIEW]
    # A statement about an image is no signature of it.
    desk.type("verify", f"oci:{repaired}", "--key", "release.pub").ended(1)
    desk.type("sign", f"oci:{repaired}").ended(0)
    desk.type("verify", f"oci:{repaired}", "--key", "release.pub", "--type", REVIEW).ended(0)


def test_a_signature_and_statements_are_made_in_one_run(desk: Desk, repaired: Path) -> None:
    (desk.folder / "review.json").write_text('{"reviewed": true}')
    image = f"oci:{repaired}"
    stated = ("--attest", f"{REVIEW}=review.json", "--attest", f"{REVIEW}?of=2=review.json")

    made = desk.type("sign", image, *stated, "-o", "json").ended(0).json()["verified"]
    assert {one["predicate_type"] for one in made} == {SIGNATURE, REVIEW, f"{REVIEW}?of=2"}
    desk.type("verify", image, "--key", "release.pub", "--type", REVIEW).ended(0)
    for wrong in ("review.json", "=review.json", f"{REVIEW}="):
        desk.type("sign", image, "--attest", wrong).refused(2, "TYPE=FILE")
    desk.type("sign", image, "--attest", f"{REVIEW}=gone.json").refused(1, "gone.json")


def test_what_is_not_recorded_is_signed_and_no_gate_sees_it(desk: Desk, repaired: Path) -> None:
    desk.policy("signature: {keys: [../release.pub]}")
    desk.type("scan", f"oci:{repaired}").ended(0)

    desk.type("sign", f"oci:{repaired}", "--no-record").ended(0)
    desk.type("verify", f"oci:{repaired}", "--key", "release.pub").ended(0)
    desk.type("gate", digest_of(repaired), "-e", "prod").ended(10)
    desk.type("sign", f"oci:{repaired}").ended(0)
    desk.type("gate", digest_of(repaired), "-e", "prod").ended(0)


def test_an_sbom_that_somebody_attests_has_to_be_the_recorded_one(
    desk: Desk, repaired: Path
) -> None:
    desk.policy("sbom: {keys: [../release.pub]}")
    desk.type("sbom", f"oci:{repaired}", "--output-file", "shop.cdx.json").ended(0)
    own = json.loads((desk.folder / "shop.cdx.json").read_text())
    (desk.folder / "edited.cdx.json").write_text(json.dumps(own))
    attest = ("attest", f"oci:{repaired}", "--type", "cyclonedx", "--predicate")

    desk.type(*attest, "edited.cdx.json").ended(0)
    desk.type("gate", digest_of(repaired), "-e", "prod").ended(10)
    desk.type(*attest, "shop.cdx.json").ended(0)
    desk.type("gate", digest_of(repaired), "-e", "prod").ended(0)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--type", "cyclonedx", "--predicate", "gone.json"), 1, ("gone.json",)),
        (("--type", "cyclonedx", "--predicate", "release.pub"), 2, ("JSON",)),
        (("--type", "nonsense", "--predicate", "shop.json"), 2, ("nonsense",)),
        (("--type", "cyclonedx", "--predicate", "shop.json"), 2, ("CycloneDX",)),
    ],
    ids=["no-file", "no-json", "no-type", "no-sbom"],
)
def test_nothing_is_signed_that_is_not_what_it_is_called(
    desk: Desk, repaired: Path, arguments: tuple[str, ...], code: int, words: tuple[str, ...]
) -> None:
    (desk.folder / "shop.json").write_text('{"shop": 1}')

    with desk.nothing_changes(repaired):
        done = desk.type("attest", f"oci:{repaired}", *arguments)
    done.refused(code, *words)


def test_a_signature_by_somebody_else_is_recorded_where_the_policy_asks_for_it(
    desk: Desk, repaired: Path
) -> None:
    """Two keys on two desks: the builder's, and the security team's."""
    _key(desk, "team")
    desk.policy("signature: {keys: [../release.pub]}", "signature: {keys: [../team.pub]}")

    alone = desk.type("run", f"oci:{repaired}", "-e", "prod").ended(10)
    assert "not signed with ../team.pub" in alone.stdout
    desk.type("sign", f"oci:{repaired}", "--key", "team.key").ended(0)
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)


def test_keys_are_not_overwritten_by_accident(desk: Desk) -> None:
    before = desk.key.read_bytes()
    generate = ("keys", "generate", "--output-key-prefix", "release")

    desk.type(*generate).refused(1, "release.key exists already", "try: choose another name")
    assert desk.key.read_bytes() == before
    made = desk.type(*generate, "--force").ended(0)
    assert desk.key.read_bytes() != before
    assert made.stdout.startswith("sha256:")
    assert desk.key.stat().st_mode & 0o777 == 0o600


def test_a_password_in_a_file(desk: Desk, repaired: Path) -> None:
    (desk.folder / "password").write_text("from a file\n")
    environ = {"SUPPLYCHAIN_KEY_PASSWORD": "", "SUPPLYCHAIN_KEY_PASSWORD_FILE": "password"}

    desk.type("keys", "generate", "--output-key-prefix", "filed", **environ).ended(0)
    desk.type("sign", f"oci:{repaired}", "--key", "filed.key", **environ).ended(0)
    cosign = {"SUPPLYCHAIN_KEY_PASSWORD": "", "COSIGN_PASSWORD": "from a file"}
    desk.type("sign", f"oci:{repaired}", "--key", "filed.key", **cosign).ended(0)
    gone = {"SUPPLYCHAIN_KEY_PASSWORD": "", "SUPPLYCHAIN_KEY_PASSWORD_FILE": "gone"}
    desk.type("sign", f"oci:{repaired}", "--key", "filed.key", **gone).refused(2, "gone")


@pytest.mark.parametrize(
    ("environ", "key", "code", "words"),
    [
        ({"SUPPLYCHAIN_KEY_PASSWORD": "wrong"}, "release.key", 2, ("password", "release.key")),
        ({"SUPPLYCHAIN_KEY_PASSWORD": ""}, "release.key", 2, ("SUPPLYCHAIN_KEY_PASSWORD_FILE",)),
        ({}, "gone.key", 1, ("there is no key file gone.key", "try: ")),
        ({}, "release.pub", 2, ("release.pub",)),
        ({}, "policies", 1, ("policies is a folder",)),
    ],
    ids=["wrong", "none", "no-file", "public", "folder"],
)
def test_a_key_that_cannot_sign(
    desk: Desk,
    repaired: Path,
    environ: dict[str, str],
    key: str,
    code: int,
    words: tuple[str, ...],
) -> None:
    for command in (("run", f"oci:{repaired}", "-e", "prod"), ("sign", f"oci:{repaired}")):
        with desk.nothing_changes(repaired):
            done = desk.type(*command, "--key", key, **environ)
        done.refused(code, *words)
        # It is looked at first, so that a mistyped password costs no scan.
        assert "scan" not in done.stderr


def test_a_run_without_a_key_says_how_to_get_one(desk: Desk, repaired: Path) -> None:
    with desk.nothing_changes(repaired):
        done = desk.type("run", f"oci:{repaired}", "-e", "prod", SUPPLYCHAIN_KEY="")
    done.refused(2, "there is no key to sign with", "supplychain keys generate", "--no-sign")


def _key(desk: Desk, name: str) -> None:
    desk.type("keys", "generate", "--output-key-prefix", name, "--quiet").ended(0)
