"""Policies that trust identities: from the signature to the verdict, with and without a record."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.images import Layer
from tests.kit.cli import Desk, Outcome
from tests.kit.shop import digest_of, pack_index
from tests.kit.sigstore.mock import MockSigstore
from tests.kit.sigstore.oidc import DEVELOPER

CERTIFICATE = ("--certificate-identity", "--certificate-oidc-issuer")


@dataclass(frozen=True, slots=True)
class Team:
    """A desk where a developer signs with a private Sigstore, which settings name.

    Attributes:
        desk: The desk.
        issuer: Who vouches for the developer.
        mock: The Sigstore.
        image: The image that it is all about.
    """

    desk: Desk
    issuer: str
    mock: MockSigstore
    image: str

    def type(self, *arguments: str, **environ: str) -> Outcome:
        """Type a command with the settings of this Sigstore."""
        named = {"SUPPLYCHAIN_TRUSTED_ROOT": "root.json"}
        return self.desk.type(*arguments, **named, **environ)

    def keyless(self, *arguments: str) -> Outcome:
        """Type a command that signs as the developer."""
        flags = ("--keyless", "--identity-token", "token", "--signing-config", "services.json")
        return self.type(*arguments, *flags)

    def trusts(self, name: str = DEVELOPER, issuer: str = "", also: str = "") -> str:
        """An identity as policies name it."""
        return f"{{identity: {name}, issuer: {issuer or self.issuer}{also}}}"


@pytest.fixture
def team(desk: Desk, mock_sigstore: MockSigstore, repaired: Path) -> Team:
    documents = mock_sigstore.sigstore()
    shutil.copy(documents.trusted_root, desk.folder / "root.json")
    shutil.copy(documents.signing_config, desk.folder / "services.json")
    (desk.folder / "token").write_text(documents.token())
    return Team(desk, documents.issuer, mock_sigstore, f"oci:{repaired}")


def test_a_run_by_an_identity_is_allowed_where_the_policy_trusts_it(team: Team) -> None:
    trusted = f"identities: [{team.trusts()}]"
    team.desk.policy(
        f"signature: {{{trusted}, timestamp: required}}",
        f"sbom: {{{trusted}}}",
        f"attestation: {{type: vuln, max_age: 1d, {trusted}}}",
        "vulnerabilities: {severity: critical}",
    )
    run = team.keyless("run", team.image, "-e", "prod").ended(0)
    assert f"signed by {DEVELOPER} ({team.issuer}), " in run.stdout
    assert " ago (timestamp authority http" in run.stdout
    assert re.search(r"; entry \d+ of http", run.stdout)

    # From the record alone, by others; and by whoever has only the image.
    digest = team.image.removeprefix("oci:")
    team.type("gate", digest_of(Path(digest)), "-e", "prod").ended(0)
    with team.desk.nothing_changes(Path(digest)):
        seen = team.type("verify", team.image, "--policy", "policies/prod.yaml").ended(0)
    assert "ALLOW" in seen.stdout
    assert f"signature  {DEVELOPER} ({team.issuer})" in seen.stdout
    assert "timestamp authority" in seen.stdout
    assert " - vulnerabilities  not applicable: not judged here" in seen.stdout


def test_others_are_denied_and_told_why(team: Team) -> None:
    policy = team.desk.policy(f"signature: {{identities: [{team.trusts()}]}}")
    team.keyless("sign", team.image).ended(0)
    verify = ("verify", team.image, "--policy", str(policy))
    team.type(*verify).ended(0)

    for entry, said in (
        (team.trusts("eve@example.com"), "not signed by eve@example.com"),
        (team.trusts(issuer="https://evil.example"), "not signed by"),
        (team.trusts(also=", claims: {source_repository_ref: refs/heads/main}"), "not signed by"),
    ):
        team.desk.policy(f"signature: {{identities: [{entry}]}}")
        denied = team.type(*verify).ended(10)
        assert said in denied.stdout
        assert "supplychain sign" in denied.stdout
        assert "issued to somebody who is not trusted" in denied.stderr
    team.desk.policy(f"signature: {{identities: [{team.trusts(also=', revoked: true')}]}}")
    assert "the identity is revoked" in team.type(*verify).ended(10).stdout
    team.desk.policy(
        f"signature: {{all_of: [{{identities: [{team.trusts()}]}}, {{keys: [../release.pub]}}]}}"
    )
    assert "not signed with ../release.pub" in team.type(*verify).ended(10).stdout
    team.type("sign", team.image).ended(0)
    team.type(*verify).ended(0)


def test_what_is_recorded_tells_who_signed_to_the_next_gate(team: Team) -> None:
    team.desk.policy(f"signature: {{identities: [{team.trusts()}]}}")
    team.keyless("sign", team.image).ended(0)
    gate = ("gate", digest_of(Path(team.image.removeprefix("oci:"))), "-e", "prod")
    team.type("scan", team.image).ended(0)
    team.type(*gate).ended(0)

    team.desk.policy(f"signature: {{identities: [{team.trusts(issuer='https://evil.example')}]}}")
    denied = team.type(*gate).ended(10)
    assert f"the issuer is {team.issuer}, not https://evil.example" in denied.stdout


def test_nothing_is_recorded_that_a_gate_could_not_tell_from_what_was_published(team: Team) -> None:
    who = (CERTIFICATE[0], DEVELOPER, CERTIFICATE[1], team.issuer)
    team.type("attestations", "record", team.image, *who, "--insecure-ignore-sct").refused(
        2, "what is recorded counts for every gate"
    )


def test_a_policy_judges_what_is_attached_as_data(team: Team) -> None:
    team.desk.policy("signature: {keys: [../release.pub]}", "sbom: {keys: [../release.pub]}")
    verify = ("verify", team.image, "--policy", "policies/prod.yaml", "-o", "json")
    denied = team.type(*verify).ended(10).json()
    assert denied["verdict"] == "deny"
    assert denied["verified"] == []

    team.type("run", team.image, "-e", "prod").ended(0)
    allowed = team.type(*verify).ended(0).json()
    assert allowed["verdict"] == "allow"
    assert {r["rule"]: r["outcome"] for r in allowed["results"]} == {
        "platforms": "passed",
        "signature": "passed",
        "sbom": "passed",
    }
    assert {one["identity"] for one in allowed["verified"]} == {None}
    assert len(allowed["verified"]) >= 3


def test_every_platform_of_an_index_is_judged_by_what_is_attached_to_it(
    desk: Desk, repaired_layer: Layer, tmp_path: Path
) -> None:
    image = tmp_path / "shop"
    digests = pack_index(image, dict.fromkeys(("linux/amd64", "linux/arm64"), repaired_layer))
    key = "{keys: [../release.pub]}"
    desk.policy(f"signature: {key}", f"sbom: {key}", f"attestation: {{type: vuln, {key[1:]}")
    verify = ("verify", f"oci:{image}", "--policy", "policies/prod.yaml")
    desk.type("run", f"oci:{image}", "-e", "prod", "--platform", "linux/amd64").ended(10)
    denied = desk.type(*verify).ended(10)
    assert "no SBOM is recorded  [linux/arm64]" in denied.stdout
    desk.type(*verify, "--platform", "linux/amd64").ended(0)
    desk.type("run", f"oci:{image}", "-e", "prod").ended(0)
    judged = desk.type(*verify, "-o", "json").ended(0).json()
    assert {one["subject"] for one in judged["verified"]} == set(digests.values())


def test_the_sbom_is_one_by_somebody_whom_the_rule_trusts(team: Team) -> None:
    """Though another one is there whose signer another rule trusts."""
    generate = ("keys", "generate", "--output-key-prefix")
    team.type(*generate, "other").ended(0)
    document = team.type("sbom", team.image).ended(0).stdout
    (team.desk.folder / "own.json").write_text(document)
    (team.desk.folder / "other.json").write_text(document.rstrip() + " ")
    attest = ("attest", team.image, "--type", "cyclonedx", "--predicate")
    both = "signature: {keys: [../release.pub, ../other.pub]}"
    team.desk.policy(both, "sbom: {keys: [../release.pub]}")
    verify = ("verify", team.image, "--policy", "policies/prod.yaml")

    team.type("sign", team.image).ended(0)
    team.type(*attest, "other.json", "--key", "other.key").ended(0)
    denied = team.type(*verify).ended(10)
    assert "the SBOM is not attested with ../release.pub, only with key" in denied.stdout
    team.type(*attest, "own.json").ended(0)
    team.type(*verify).ended(0)
    team.desk.policy(both, "sbom: {keys: [../other.pub]}")
    team.type(*verify).ended(0)
    team.desk.policy(both, "sbom: {all_of: [{keys: [../other.pub]}, {keys: [../release.pub]}]}")
    team.type(*verify).ended(10)


def test_a_policy_stands_alone(team: Team) -> None:
    verify = ("verify", team.image, "--policy", "policies/prod.yaml")
    for also in (
        ("--key", "release.pub"),
        ("--certificate-identity", DEVELOPER),
        ("--type", "cyclonedx"),
        ("--insecure-ignore-tlog",),
    ):
        team.type(*verify, *also).refused(2, "--policy stands beside other demands")
    team.type("verify", team.image, "--key", "release.pub", "--all").refused(2, "for --policy")
    team.desk.policy("vulnerabilities: {severity: high}", "sbom: {}")
    team.type(*verify).refused(2, "the policy names nobody whose word counts")
    team.type("verify", team.image, "--policy", "gone.yaml").refused(1, "gone.yaml")


def test_a_workflow_is_narrowed_down_as_cosign_does_it(team: Team) -> None:
    environ = team.mock.issuers.github_environ()
    flags = ("--keyless", "--signing-config", "services.json")
    made = team.type("sign", team.image, *flags, "-o", "json", **environ).ended(0).json()
    [signed] = [one["identity"] for one in made["verified"]]
    repository = signed["claims"]["github_workflow_repository"]
    who = (CERTIFICATE[0], signed["name"], CERTIFICATE[1], signed["issuer"])
    claim = "--certificate-github-workflow-repository"

    held = team.type("verify", team.image, *who, claim, repository).ended(0)
    assert f"github_workflow_repository: {repository}" in held.stdout
    other = team.type("verify", team.image, *who, claim, f"{repository}-of-eve").ended(1)
    assert "not trusted" in other.stderr
    team.type("verify", team.image, claim, repository).refused(2, "is missing")
    team.type("verify", team.image, *who, claim, "").refused(2, "says nothing")
    anybody = ("--certificate-identity-regexp", ".*", "--certificate-oidc-issuer-regexp", ".*")
    team.type("verify", team.image, *anybody).refused(2, "takes any issuer")
