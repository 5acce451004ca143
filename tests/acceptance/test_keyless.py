"""Signing as an identity, from the command line and back."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kit.cli import Desk
from tests.kit.misbehaving import reply
from tests.kit.shop import attached_to, digest_of
from tests.kit.sigstore.mock import SERVICES, MockSigstore
from tests.kit.sigstore.oidc import DEVELOPER


@dataclass(frozen=True, slots=True)
class Office:
    """A desk with a private Sigstore next to it.

    Attributes:
        desk: The desk.
        mock: The Sigstore.
        flags: What makes a command sign with it.
    """

    desk: Desk
    mock: MockSigstore
    flags: tuple[str, ...]

    def token(self, email: str = DEVELOPER) -> str:
        """Put an identity token where the flags say."""
        token = self.mock.issuers.token(email)
        (self.desk.folder / "token").write_text(token)
        return token

    def asked(self, service: str) -> int:
        """How often a service was asked."""
        return len(self.mock.asked(service))

    @property
    def untouched(self) -> bool:
        """Whether nobody was asked anything."""
        return not any(map(self.asked, SERVICES))


@pytest.fixture
def office(desk: Desk, mock_sigstore: MockSigstore) -> Office:
    documents = mock_sigstore.sigstore()
    shutil.copy(documents.trusted_root, desk.folder / "root.json")
    shutil.copy(documents.signing_config, desk.folder / "services.json")
    where = ("--trusted-root", "root.json", "--signing-config", "services.json")
    office = Office(desk, mock_sigstore, ("--keyless", "--identity-token", "token", *where))
    office.token()
    return office


def test_a_github_job_needs_no_token_of_its_own(office: Office, repaired: Path) -> None:
    flags = (office.flags[0], *office.flags[3:])
    environ = office.mock.issuers.github_environ()
    office.desk.type("sign", f"oci:{repaired}", *flags, **environ).ended(0)
    assert attached_to(repaired) == 1


def test_an_image_is_signed_by_who_the_token_says(office: Office, repaired: Path) -> None:
    image = f"oci:{repaired}"
    signed = office.desk.type("sign", image, *office.flags, "-o", "json").ended(0).json()
    [one] = signed["verified"]
    assert one["subject"] == digest_of(repaired)
    assert one["predicate_type"] == "https://sigstore.dev/cosign/sign/v1"
    assert attached_to(repaired) == 1
    # The policy's key has signed nothing.
    office.desk.type("verify", image, "--key", "release.pub").ended(1)
    root = ("--trusted-root", "root.json")
    issuer = ("--certificate-oidc-issuer", office.mock.issuers.people)
    verify = ("verify", image, *root, *issuer, "--certificate-identity")
    assert DEVELOPER in office.desk.type(*verify, DEVELOPER).ended(0).stdout
    office.desk.type(*verify, "eve@example.com").ended(1)


def test_what_an_identity_has_said_it_does_not_say_again(office: Office, repaired: Path) -> None:
    for _ in range(2):
        office.desk.type("sign", f"oci:{repaired}", *office.flags).ended(0)
    assert attached_to(repaired) == 1
    assert office.asked("rekor 2") == 1
    office.token("bob@example.com")
    office.desk.type("sign", f"oci:{repaired}", *office.flags).ended(0)
    assert attached_to(repaired) == 2


def test_an_identity_takes_an_image_the_whole_way_with_one_certificate(
    office: Office, repaired: Path
) -> None:
    issuer = office.mock.issuers.people
    somebody = f"identities: [{{identity: {DEVELOPER}, issuer: '{issuer}'}}]"
    whom = f"{somebody}, transparency_log: required, timestamp: required"
    office.desk.policy(f"signature: {{{whom}}}", f"sbom: {{{whom}}}")
    run = ("run", f"oci:{repaired}", "-e", "prod")
    office.desk.type(*run, *office.flags).ended(0)
    assert office.asked("fulcio") == 1
    assert office.asked("rekor 2") == attached_to(repaired) >= 3
    office.desk.type("gate", digest_of(repaired), "-e", "prod").ended(0)

    office.token()
    gate = ("gate", f"oci:{repaired}", "-e", "prod", "--attest")
    before = attached_to(repaired)
    office.desk.type(*gate, *office.flags).ended(0)
    assert attached_to(repaired) == before + 1


def test_what_another_identity_signs_is_denied(office: Office, repaired: Path) -> None:
    issuer = office.mock.issuers.people
    office.desk.policy(
        f"signature: {{identities: [{{identity: {DEVELOPER}, issuer: '{issuer}'}}]}}"
    )
    office.token("eve@example.com")
    run = ("run", f"oci:{repaired}", "-e", "prod")
    denied = office.desk.type(*run, *office.flags).ended(10)
    assert "eve@example.com" in denied.stdout


def test_settings_make_a_project_sign_so(office: Office, repaired: Path) -> None:
    (office.desk.folder / "supplychain.toml").write_text('keyless = "yes"\n')
    environ = {
        "SUPPLYCHAIN_TRUSTED_ROOT": "root.json",
        "SUPPLYCHAIN_SIGNING_CONFIG": "services.json",
        "SIGSTORE_ID_TOKEN": office.token(),
    }
    office.desk.type("sign", f"oci:{repaired}", **environ).ended(0)
    assert office.asked("rekor 2") == 1
    # A key that is named where the command is typed goes before.
    office.desk.type("sign", f"oci:{repaired}", "--key", "release.key", **environ).ended(0)
    assert office.asked("rekor 2") == 1
    assert attached_to(repaired) == 2


def test_doctor_looks_at_what_an_identity_would_sign_with(office: Office) -> None:
    environ = {"SUPPLYCHAIN_KEYLESS": "yes", "SUPPLYCHAIN_TRUSTED_ROOT": "root.json"}
    named = {"SUPPLYCHAIN_SIGNING_CONFIG": "services.json"}
    assert "services.json" in office.desk.type("doctor", **environ, **named).ended(0).stdout
    missing = office.desk.type("doctor", **environ).ended(0).stdout
    assert "signing_config is not set" in missing
    (office.desk.folder / "services.json").write_text("{}")
    broken = office.desk.type("doctor", **environ, **named).ended(0).stdout
    assert "the signing config cannot be used" in broken
    assert office.untouched


@pytest.mark.parametrize("content", ['signing_config = "a.json"', 'identity_token = "eyJ"'])
def test_a_project_does_not_say_where_tokens_go(
    office: Office, repaired: Path, content: str
) -> None:
    (office.desk.folder / "supplychain.toml").write_text(f"{content}\n")
    office.desk.type("sign", f"oci:{repaired}", *office.flags).refused(2, "supplychain.toml")


def test_nobody_signs_in_a_form_that_nobody_could_verify(office: Office, repaired: Path) -> None:
    sign = ("sign", f"oci:{repaired}", *office.flags)
    with office.desk.nothing_changes(repaired):
        office.desk.type(*sign, SUPPLYCHAIN_SIGNATURE_FORMATS="legacy").refused(
            2, "an identity's statements have no legacy form"
        )
    assert office.untouched


def test_what_is_missing_or_contradicts_itself_is_told(office: Office, repaired: Path) -> None:
    sign = ("sign", f"oci:{repaired}")
    token = ("--identity-token", "token")
    config, root = ("--signing-config", "services.json"), ("--trusted-root", "root.json")
    expired = office.mock.issuers.token(exp=1_700_000_000, iat=1_699_999_000)
    desk = office.desk
    with desk.nothing_changes(repaired):
        desk.type(*sign, "--keyless", *token, *root).refused(2, "--signing-config public")
        desk.type(*sign, "--keyless", *token, *config).refused(2, "--trusted-root FILE")
        desk.type(*sign, "--keyless", *config, *root).refused(2, "nothing here says who signs")
        desk.type(*sign, *office.flags, "--key", "release.key").refused(2, "both given")
        desk.type(*sign, "--keyless", "--identity-token", "gone", *config, *root).refused(1, "gone")
        desk.type(*sign, "--keyless", *config, *root, SIGSTORE_ID_TOKEN=expired).refused(
            2, "environment SIGSTORE_ID_TOKEN", "it expired at 2023-11-14T22:13:20"
        )
        desk.type(*sign, SUPPLYCHAIN_KEYLESS="maybe").refused(2, "neither yes nor no")
    assert office.untouched


def test_the_public_services_are_used_only_where_they_say_how(
    office: Office, repaired: Path
) -> None:
    sign = ("sign", f"oci:{repaired}", "--keyless", "--identity-token", "token")
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}
    with office.desk.nothing_changes(repaired):
        office.desk.type(*sign, "--signing-config", "public", **nowhere).refused(
            1, "the public Sigstore does not say", "tuf-repo-cdn.sigstore.dev"
        )


def test_a_token_is_shown_nowhere(office: Office, repaired: Path) -> None:
    token = office.token()
    said = json.dumps({"message": f"what is {token}?"}).encode()
    office.mock.misbehave("fulcio", reply(401, said, kind="application/json"), always=True)
    sign = ("sign", f"oci:{repaired}", "--verbose")
    for arguments in (
        (*sign, *office.flags[:1], *office.flags[3:]),
        (*sign, *office.flags[:2], token, *office.flags[3:]),
    ):
        outcome = office.desk.type(*arguments, SIGSTORE_ID_TOKEN=token)
        assert outcome.code in {1, 2}
        assert "eyJ" not in outcome.stdout + outcome.stderr
    shown = office.desk.type("config", "show", SIGSTORE_ID_TOKEN=token).ended(0)
    assert "eyJ" not in shown.stdout


def test_services_that_are_down_leave_nothing_behind(office: Office, repaired: Path) -> None:
    office.mock.misbehave("rekor 2", reply(400), always=True)
    with office.desk.nothing_changes(repaired):
        office.desk.type("sign", f"oci:{repaired}", *office.flags).refused(
            1, "the transparency log", "status 400"
        )


def test_what_is_stored_names_no_secret(office: Office, repaired: Path) -> None:
    office.desk.type("sign", f"oci:{repaired}", *office.flags).ended(0)
    token = (office.desk.folder / "token").read_text()
    for path in repaired.rglob("*"):
        assert path.is_dir() or token.encode() not in path.read_bytes()
    bundles = [json.loads(p.read_bytes()) for p in repaired.rglob("*") if _is_bundle(p)]
    assert [set(one["verificationMaterial"]) for one in bundles] == [
        {"certificate", "tlogEntries", "timestampVerificationData"}
    ]


def _is_bundle(path: Path) -> bool:
    return path.is_file() and b'"verificationMaterial"' in path.read_bytes()[:200]
