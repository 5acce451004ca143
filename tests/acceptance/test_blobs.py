"""Files, from the command line: signed, stated about, and whatever bundle put before it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.kit.cli import Desk
from tests.kit.sigstore.mock import MockSigstore
from tests.kit.sigstore.oidc import DEVELOPER

VECTORS = Path(__file__).parents[1] / "integration" / "signing" / "vectors"
WORKFLOW = "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main"
GITHUB = "https://token.actions.githubusercontent.com"
NPM = (
    "sha512:46d4e2f74c4877316640000a6fdf8a8b59f1e0847667973e9859f774dd31b8f1"
    "e0937813b777fb66a2ac67d50540fe34640966eee9fc2ccca387082b4c85cd3c"
)


@pytest.fixture
def file(desk: Desk) -> str:
    (desk.folder / "shop.tar").write_bytes(b"what is in the file" * 1000)
    return "shop.tar"


def test_a_file_is_signed_with_a_key_and_verified(desk: Desk, file: str) -> None:
    digest = desk.type("sign-blob", file, "--bundle", "b.json").ended(0)
    assert digest.stdout == ""
    verify = ("verify-blob", file, "--bundle", "b.json")
    held = desk.type(*verify, "--key", "release.pub").ended(0)
    assert held.stdout.split()[1] == "signature"
    named = held.stdout.split()[0]
    desk.type("verify-blob", named, "--bundle", "b.json", "--key", "release.pub").ended(0)
    other = f"sha256:{'a' * 64}"
    desk.type("verify-blob", other, "--bundle", "b.json", "--key", "release.pub").refused(
        1, "about another file"
    )
    (desk.folder / file).write_bytes(b"another")
    desk.type(*verify, "--key", "release.pub").refused(1, "about another file")


def test_without_a_file_to_write_the_bundle_is_the_result(desk: Desk, file: str) -> None:
    made = desk.type("sign-blob", file, "--quiet").ended(0)
    assert set(json.loads(made.stdout)) == {"mediaType", "verificationMaterial", "messageSignature"}
    assert made.stderr == ""


def test_something_is_stated_about_a_file(desk: Desk, file: str) -> None:
    (desk.folder / "review.json").write_text('{"by": "Ann"}')
    stated = ("--type", "https://example.com/review/v1", "--predicate", "review.json")
    desk.type("sign-blob", file, *stated, "--bundle", "b.json").ended(0)
    verify = ("verify-blob", file, "--bundle", "b.json", "--key", "release.pub")
    found = desk.type(*verify, *stated[:2], "-o", "json").ended(0).json()
    assert found["verified"][0]["predicate_type"] == stated[1]
    desk.type(*verify, "--type", "slsaprovenance1").refused(1, "states no")
    desk.type("sign-blob", file, *stated[:2]).refused(2, "--type and --predicate")
    desk.type("sign-blob", file, *stated[2:]).refused(2, "--type and --predicate")


def test_a_file_is_signed_by_an_identity(
    desk: Desk, file: str, mock_sigstore: MockSigstore
) -> None:
    documents = mock_sigstore.sigstore()
    shutil.copy(documents.trusted_root, desk.folder / "root.json")
    shutil.copy(documents.signing_config, desk.folder / "services.json")
    (desk.folder / "token").write_text(documents.token())
    root = ("--trusted-root", "root.json")
    flags = ("--keyless", "--identity-token", "token", *root, "--signing-config", "services.json")
    desk.type("sign-blob", file, *flags, "--bundle", "b.json").ended(0)

    verify = ("verify-blob", file, "--bundle", "b.json")
    name = ("--certificate-identity", DEVELOPER)
    issuer = ("--certificate-oidc-issuer", documents.issuer)
    [held] = desk.type(*verify, *name, *issuer, *root, "-o", "json").ended(0).json()["verified"]
    assert held["identity"]["name"] == DEVELOPER
    assert held["identity"]["issuer"] == documents.issuer
    assert len(held["log_entries"]) == len(held["times"]) == 1
    regexps = ("--certificate-identity-regexp", r".*@example\.com")
    desk.type(*verify, *regexps, *issuer, *root).ended(0)
    substring = ("--certificate-identity-regexp", "dev")
    desk.type(*verify, *substring, *issuer, *root).refused(1, "who is not trusted")
    anybody = ("--certificate-oidc-issuer-regexp", ".*")
    desk.type(*verify, *name, *anybody, *root).refused(2, "takes any issuer")
    broken = ("--certificate-identity-regexp", "(")
    desk.type(*verify, *broken, *issuer, *root).refused(2, "is not a pattern")
    desk.type(*verify, *name, *broken, *issuer, *root).refused(2, "both given")
    desk.type(*verify, "--certificate-identity", "", *issuer, *root).refused(2, "is empty")
    desk.type(*verify, *name, *issuer).refused(1)  # the public root does not know it
    desk.type(*verify, *name, *root).refused(2, "--certificate-oidc-issuer is missing")
    desk.type(*verify, *issuer, *root).refused(2, "--certificate-identity is missing")
    desk.type(*verify, *name, *issuer, "--key", "release.pub").refused(2, "both given")
    desk.type(*verify, *root).refused(2, "no key was given to verify with, and no identity")


def test_a_bundle_of_the_field_is_put_before_us(desk: Desk) -> None:
    bundle = VECTORS / "github.provenance.bundle.json"
    who = ("--certificate-identity", WORKFLOW, "--certificate-oidc-issuer", GITHUB)
    held = desk.type("verify-blob", NPM, "--bundle", bundle, *who).ended(0)
    assert "https://slsa.dev/provenance/" in held.stdout
    assert WORKFLOW in held.stdout
    other = NPM.replace("46d4", "46d5")
    desk.type("verify-blob", other, "--bundle", bundle, *who).refused(1, "about another file")


def test_what_is_no_file_and_no_bundle_is_told(desk: Desk, file: str) -> None:
    key = ("--key", "release.pub")
    desk.type("sign-blob", "gone").refused(1, "there is no file gone")
    desk.type("sign-blob", ".").refused(2, "is a folder")
    desk.type("sign-blob", "sha256:abc").refused(2, "is not a digest")
    desk.type("sign-blob", f"sha512:{'a' * 128}").refused(2, "not enough to know the file by")
    desk.type("verify-blob", file, "--bundle", "gone", *key).refused(1, "gone")
    for text in ("", "{}", "[]", '{"mediaType":"text/plain"}'):
        (desk.folder / "b.json").write_text(text)
        desk.type("verify-blob", file, "--bundle", "b.json", *key).refused(2)
