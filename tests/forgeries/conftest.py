"""The scene of each forgery, and two forges: the genuine one and the usual foreigner."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.scene import Scene
from tests.kit.sigstore import Forge


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """An image that nobody has signed."""
    return Scene.create(tmp_path / "layout")


@pytest.fixture(scope="package")
def forge() -> Forge:
    """The Sigstore that is trusted."""
    return Forge.create()


@pytest.fixture(scope="package")
def other() -> Forge:
    """A Sigstore that nobody trusts."""
    return Forge.create()
