"""Identities that only resemble the one that is trusted, asked by `supplychain verify-blob`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kit.cli import Desk, Outcome
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
    """Somebody who verifies a file that a workflow signed.

    Attributes:
        desk: Where they type.
        forge: What they trust.
    """

    desk: Desk
    forge: Forge

    def verify(self, identity: Identity, believed: Sequence[str]) -> Outcome:
        folder: Path = self.desk.folder
        (folder / "file").write_bytes(FILE)
        (folder / "root.json").write_bytes(self.forge.trusted_root())
        (folder / "bundle.json").write_bytes(self.forge.sign(FILE, identity=identity).bundle())
        verify = ("verify-blob", "file", "--bundle", "bundle.json", "--trusted-root", "root.json")
        return self.desk.type(*verify, *believed)


@pytest.fixture
def door(bare_desk: Desk, forge: Forge) -> Door:
    return Door(bare_desk, forge)


def test_the_whole_identity_is_believed(door: Door) -> None:
    door.verify(Identity.workflow(), EXACTLY).ended(0)
    door.verify(Identity.workflow(), MATCHING).ended(0)


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
    door.verify(other, EXACTLY).refused(1, "issued to somebody who is not trusted")
    door.verify(other, MATCHING).refused(1, "issued to somebody who is not trusted")


@pytest.mark.parametrize("half", [EXACTLY[:2], ISSUER], ids=["a name", "an issuer"])
def test_an_identity_by_half(door: Door, half: Sequence[str]) -> None:
    """A name of any issuer, or any name of an issuer: everybody has one of these."""
    door.verify(Identity.workflow(), half).refused(2, "is missing")
