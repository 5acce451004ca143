"""Whom to believe, from the command line: an identity with its issuer, and nothing near it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.kit.cli import Desk
from tests.kit.shop import digest_of
from tests.kit.sigstore.mock import MockSigstore
from tests.kit.sigstore.oidc import DEVELOPER

REVIEW = "https://example.com/review/v1"


@pytest.fixture
def believed(desk: Desk, repaired: Path, mock_sigstore: MockSigstore) -> tuple[str, ...]:
    """What is typed to believe the developer, who signed and reviewed an image."""
    sigstore = mock_sigstore.sigstore()
    shutil.copy(sigstore.trusted_root, desk.folder / "root.json")
    shutil.copy(sigstore.signing_config, desk.folder / "services.json")
    (desk.folder / "token").write_text(mock_sigstore.issuers.token(DEVELOPER))
    (desk.folder / "review.json").write_text("{}")
    root = ("--trusted-root", "root.json")
    signing = ("--keyless", "--identity-token", "token", "--signing-config", "services.json", *root)
    elsewhere = {"SUPPLYCHAIN_DATA_DIR": str(desk.folder / "elsewhere")}
    desk.type("sign", f"oci:{repaired}", *signing, **elsewhere).ended(0)
    stated = ("--type", REVIEW, "--predicate", "review.json")
    desk.type("attest", f"oci:{repaired}", *stated, *signing, **elsewhere).ended(0)
    name = ("--certificate-identity", DEVELOPER)
    return *name, "--certificate-oidc-issuer", sigstore.issuer, *root


def test_who_signed_is_believed_and_shown(
    desk: Desk, repaired: Path, believed: tuple[str, ...]
) -> None:
    verify = ("verify", f"oci:{repaired}", *believed, "--type", REVIEW)
    shown = desk.type(*verify).ended(0).stdout
    assert f"{digest_of(repaired)}  signature  {DEVELOPER} (" in shown
    assert "  entry " in shown
    held = desk.type(*verify, "-o", "json").ended(0).json()["verified"]
    assert {one["identity"]["name"] for one in held} == {DEVELOPER}
    assert all(one["log_entries"] and one["times"] for one in held)


def test_what_an_identity_stated_is_listed_and_recorded(
    desk: Desk, repaired: Path, believed: tuple[str, ...]
) -> None:
    image = f"oci:{repaired}"
    listed = desk.type("attestations", "list", image, *believed, "-o", "json").ended(0).json()
    assert {one["state"] for one in listed["attestations"]} == {"verified"}
    done = desk.type("attestations", "record", image, *believed, "-o", "json").ended(0).json()
    assert {one["identity"]["name"] for one in done["verified"]} == {DEVELOPER}
    assert desk.rows()["attestations"] == 2


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--certificate-identity", "alice@example.co"),
        ("--certificate-oidc-issuer", "https://issuer.example"),
    ],
)
def test_nobody_else_is_believed(
    desk: Desk, repaired: Path, believed: tuple[str, ...], flag: str, value: str
) -> None:
    asked = list(believed)
    asked[asked.index(flag) + 1] = value
    with desk.nothing_changes(repaired):
        desk.type("verify", f"oci:{repaired}", *asked).refused(1, "that anybody trusted signed")
        desk.type("attestations", "record", f"oci:{repaired}", *asked).refused(1, "verifies")


@pytest.mark.parametrize("missing", ["--certificate-identity", "--certificate-oidc-issuer"])
def test_a_name_means_nothing_without_its_issuer(
    desk: Desk, repaired: Path, believed: tuple[str, ...], missing: str
) -> None:
    at = believed.index(missing)
    asked = (*believed[:at], *believed[at + 2 :])
    for command in (("verify",), ("attestations", "list"), ("attestations", "record")):
        desk.type(*command, f"oci:{repaired}", *asked).refused(2, f"{missing} is missing")


@pytest.mark.parametrize("command", [("verify",), ("attestations", "record")])
def test_somebody_has_to_be_named(desk: Desk, repaired: Path, command: tuple[str, ...]) -> None:
    desk.type(*command, f"oci:{repaired}").refused(2, "no key was given", "--certificate-identity")


def test_a_key_and_an_identity_are_not_mixed(
    desk: Desk, repaired: Path, believed: tuple[str, ...]
) -> None:
    done = desk.type("verify", f"oci:{repaired}", *believed, "--key", "release.pub")
    done.refused(2, "a key and an identity were both given")
