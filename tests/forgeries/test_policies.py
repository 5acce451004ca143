"""What holds by itself and still is not what a policy asked for, judged by `verify --policy`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Unpack

import pytest

from supplychain.images.layout import OciLayout
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from tests.kit import forging
from tests.kit.cli import Desk, Outcome
from tests.kit.scene import Scene
from tests.kit.shop import digest_of
from tests.kit.sigstore import AT, GITHUB, Forge, Identity, Signed
from tests.kit.sigstore.forge import Recipe
from tests.kit.sigstore.keys import public_pem

WORKFLOW = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main"
TRUSTED = f"identity: {WORKFLOW}, issuer: {GITHUB}"
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Gatekeeper:
    """Somebody with a policy and an image.

    Attributes:
        desk: Where they type.
        scene: The image.
        forge: What they trust.
    """

    desk: Desk
    scene: Scene
    forge: Forge

    def attach(self, **recipe: Unpack[Recipe]) -> Signed:
        """Sign the image, as the workflow where the recipe says nothing else."""
        recipe.setdefault("identity", Identity.workflow())
        made = self.forge.attest(self.scene.statement, **recipe)
        self.scene.attach(made.bundle())
        return made

    def judge(self, rule: str) -> Outcome:
        """What a policy of one rule says of what is attached."""
        (self.desk.folder / "root.json").write_bytes(self.forge.trusted_root())
        self.desk.policy(rule)
        verify = ("verify", f"oci:{self.scene.layout.name}", "--policy", "policies/prod.yaml")
        return self.desk.type(*verify, SUPPLYCHAIN_TRUSTED_ROOT="root.json")

    def key(self, made: Signed) -> None:
        """Put the key that signed where policies name it."""
        (self.desk.folder / "signer.pub").write_bytes(public_pem(made.key))


@pytest.fixture
def keeper(bare_desk: Desk, forge: Forge, tmp_path: Path) -> Gatekeeper:
    folder = forging.forge(tmp_path / "image")
    scene = Scene(OciLayout(folder), Subject("image", Digest.parse(digest_of(folder))))
    return Gatekeeper(bare_desk, scene, forge)


def test_what_is_asked_for_is_allowed(keeper: Gatekeeper) -> None:
    keeper.attach()
    allowed = keeper.judge(f"signature: {{identities: [{{{TRUSTED}}}]}}").ended(0)
    assert f"signature  {WORKFLOW} ({GITHUB})" in allowed.stdout
    assert "source_repository_ref: refs/heads/main" in allowed.stdout
    assert "  entry " in allowed.stdout


@pytest.mark.parametrize(
    "claim",
    [
        "source_repository_ref: refs/tags/v1",
        "source_repository_uri: https://github.com/acme/shop-of-eve",
        "source_repository_uri: https://github.com/acme",
        "build_signer_uri: https://github.com/acme/shop",
        "github_workflow_repository: acme/other",
        "deployment_environment: prod",
    ],
)
def test_a_workflow_that_claims_something_else(keeper: Gatekeeper, claim: str) -> None:
    keeper.attach()
    denied = keeper.judge(f"signature: {{identities: [{{{TRUSTED}, claims: {{{claim}}}}}]}}")
    assert "not signed by" in denied.ended(10).stdout
    good = "{source_repository_ref: refs/heads/main, github_workflow_repository: acme/shop}"
    keeper.judge(f"signature: {{identities: [{{{TRUSTED}, claims: {good}}}]}}").ended(0)


def test_an_identity_whose_signature_is_in_no_log(keeper: Gatekeeper) -> None:
    """A timestamp says when, and nobody who watches the log ever hears of it."""
    keeper.attach(log=None)
    denied = keeper.judge(f"signature: {{identities: [{{{TRUSTED}}}]}}").ended(10)
    assert "is in no transparency log" in denied.stdout
    optional = f"signature: {{identities: [{{{TRUSTED}}}], transparency_log: optional}}"
    keeper.judge(optional).ended(0)


def test_a_key_whose_signature_is_in_no_log(keeper: Gatekeeper) -> None:
    keeper.key(made := keeper.attach(keyed=True, log=None))
    for demand in ("transparency_log: required", "timestamp: required"):
        denied = keeper.judge(f"signature: {{keys: [../signer.pub], {demand}}}").ended(10)
        assert "does not count" not in denied.stdout
        assert "--logged" in denied.stdout
    keeper.judge("signature: {keys: [../signer.pub]}").ended(0)
    keeper.attach(keyed=True, key=made.key)
    both = "transparency_log: required, timestamp: required"
    keeper.judge(f"signature: {{keys: [../signer.pub], {both}}}").ended(0)


def test_a_key_that_signed_after_its_time(keeper: Gatekeeper) -> None:
    keeper.key(keeper.attach(keyed=True))

    def rule(until: timedelta) -> str:
        end = (AT + until).isoformat()
        return f'signature: {{keys: [{{file: ../signer.pub, not_after: "{end}"}}]}}'

    keeper.judge(rule(DAY)).ended(0)
    denied = keeper.judge(rule(-DAY)).ended(10)
    assert "was signed at 2025-06-02T12:00:00Z, and the key counts until" in denied.stdout


def test_a_retired_key_that_nobody_can_tell_when_it_signed(keeper: Gatekeeper) -> None:
    """Whoever finds an old key signs with it today, and logs nothing."""
    keeper.key(keeper.attach(keyed=True, log=None))
    end = (AT + DAY).isoformat()
    denied = keeper.judge(f'signature: {{keys: [{{file: ../signer.pub, not_after: "{end}"}}]}}')
    assert "first verified at" in denied.ended(10).stdout


def test_an_identity_outside_of_its_time(keeper: Gatekeeper) -> None:
    keeper.attach()
    for limit, code in (
        (f'not_after: "{(AT + DAY).isoformat()}"', 0),
        (f'not_after: "{(AT - DAY).isoformat()}"', 10),
        (f'not_before: "{(AT - DAY).isoformat()}"', 0),
        (f'not_before: "{(AT + DAY).isoformat()}"', 10),
        ("revoked: true", 10),
    ):
        keeper.judge(f"signature: {{identities: [{{{TRUSTED}, {limit}}}]}}").ended(code)


def test_a_certificate_for_the_very_key_that_is_trusted(keeper: Gatekeeper) -> None:
    """Whoever has a key certified in a name of their own signs in that name, and not as the key."""
    made = keeper.attach(identity=Identity.email("eve@example.com"))
    keeper.key(made)
    denied = keeper.judge("signature: {keys: [../signer.pub]}").ended(10)
    assert "not signed with ../signer.pub" in denied.stdout


def test_one_signature_for_two_that_are_asked_for(keeper: Gatekeeper) -> None:
    keeper.attach()
    own, other = f"{{identities: [{{{TRUSTED}}}]}}", "{identities: [{identity: a@b.c, issuer: %s}]}"
    both = f"signature: {{all_of: [{own}, {other % GITHUB}]}}"
    assert (
        f"not signed by a@b.c ({GITHUB}), only by {WORKFLOW}" in keeper.judge(both).ended(10).stdout
    )
    keeper.judge(f"signature: {{any_of: [{own}, {other % GITHUB}]}}").ended(0)


def test_rules_that_only_warn_are_nothing_to_judge_by(keeper: Gatekeeper) -> None:
    """Else an image that nobody signed would be shown with an allow."""
    (keeper.desk.folder / "root.json").write_bytes(keeper.forge.trusted_root())
    keeper.desk.policy(
        f"{{warn: true, signature: {{identities: [{{{TRUSTED}}}]}}}}",
        "vulnerabilities: {severity: high}",
    )
    verify = ("verify", f"oci:{keeper.scene.layout.name}", "--policy", "policies/prod.yaml")
    keeper.desk.type(*verify, SUPPLYCHAIN_TRUSTED_ROOT="root.json").refused(
        2, "what the policy for prod says of signatures and attestations only warns", "gate"
    )
