"""Identities that only resemble the one that is trusted, of images and of files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kit.cli import Desk, Outcome
from tests.kit.scene import Scene
from tests.kit.sigstore import GITHUB, Forge, Identity

FILE = b"what is in the file"
WORKFLOW = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main"
ISSUER = ("--certificate-oidc-issuer", GITHUB)
EXACTLY = ("--certificate-identity", WORKFLOW, *ISSUER)
# Cosign would find such an expression anywhere in a name; here it has to match the whole.
EXPRESSION = "https://github.com/acme/shop/.github/workflows/[a-z]+.yml@refs/heads/main"
MATCHING = ("--certificate-identity-regexp", EXPRESSION, *ISSUER)


@dataclass(frozen=True, slots=True)
class Door:
    """Somebody who verifies what a workflow signed.

    Attributes:
        desk: Where they type.
        forge: What they trust.
        scene: An image that nobody has signed.
        what: What was signed: a file, or the image.
    """

    desk: Desk
    forge: Forge
    scene: Scene
    what: str

    def verify(self, identity: Identity, *believed: str) -> Outcome:
        folder: Path = self.desk.folder
        (folder / "root.json").write_bytes(self.forge.trusted_root())
        if self.what == "an image":
            made = self.forge.attest(self.scene.statement, identity=identity)
            self.scene.attach(made.bundle())
            verify = ["verify", f"oci:{self.scene.layout.name}"]
        else:
            (folder / "file").write_bytes(FILE)
            bundle = self.forge.sign(FILE, identity=identity).bundle()
            (folder / "bundle.json").write_bytes(bundle)
            verify = ["verify-blob", "file", "--bundle", "bundle.json"]
        return self.desk.type(*verify, "--trusted-root", "root.json", *believed)


@pytest.fixture(params=["an image", "a file"])
def door(bare_desk: Desk, forge: Forge, scene: Scene, request: pytest.FixtureRequest) -> Door:
    return Door(bare_desk, forge, scene, request.param)


def test_the_whole_identity_is_believed(door: Door) -> None:
    door.verify(Identity.workflow(), *EXACTLY).ended(0)
    door.verify(Identity.workflow(), *MATCHING).ended(0)


@pytest.mark.parametrize(
    "name",
    [
        f"{WORKFLOW}-of-eve",
        f"https://evil.example.com/?{WORKFLOW}",
        WORKFLOW.replace("acme/shop", "acme/shop-of-eve"),
        WORKFLOW.replace("acme", "ACME"),
        f"{WORKFLOW}\n",
    ],
    ids=["more after it", "more before it", "another repository", "another case", "a line break"],
)
def test_an_identity_that_is_not_the_whole(door: Door, name: str) -> None:
    other = Identity.uri(name, issuer=GITHUB)
    believed = EXACTLY if door.what == "a file" else MATCHING
    door.verify(other, *believed).refused(1, "issued to somebody who is not trusted")


@pytest.mark.parametrize("half", [EXACTLY[:2], ISSUER], ids=["a name", "an issuer"])
def test_an_identity_by_half(door: Door, half: Sequence[str]) -> None:
    """A name of any issuer, or any name of an issuer: everybody has one of these."""
    door.verify(Identity.workflow(), *half).refused(2, "is missing")


def test_the_workflow_of_another_issuer(door: Door) -> None:
    """Anybody can run an issuer that says the same of its own workflows."""
    theirs = Identity.workflow(issuer="https://token.actions.githubusercontent.com.evil.example")
    door.verify(theirs, *EXACTLY).refused(1, "issued to somebody who is not trusted")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--certificate-github-workflow-repository", "acme/other"),
        ("--certificate-github-workflow-ref", "refs/heads/eve"),
        ("--certificate-github-workflow-trigger", "pull_request_target"),
        ("--certificate-github-workflow-sha", "0" * 40),
        ("--certificate-github-workflow-name", "another"),
    ],
)
def test_a_workflow_that_says_something_else(
    bare_desk: Desk, forge: Forge, scene: Scene, option: str, value: str
) -> None:
    """The name is ours; what the issuer said of the run is not what was asked for."""
    door = Door(bare_desk, forge, scene, "an image")
    done = door.verify(Identity.workflow(), *EXACTLY, option, value)
    done.refused(1, "issued to somebody who is not trusted")


def test_an_identity_that_writes_to_the_terminal(door: Door) -> None:
    """What is refused is shown with its reason, and that must not look like something else."""
    other = Identity.uri("https://x\r\n\x1b[2J\x1b[32mverified\x07", issuer=GITHUB)
    done = door.verify(other, *EXACTLY)
    done.refused(1, "issued to somebody who is not trusted")
    assert not {"\x1b", "\r", "\x07"} & set(done.stderr)
    assert not [line for line in done.stderr.splitlines() if line.startswith("verified")]
