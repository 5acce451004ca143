"""What the tests of trust share: one genuine Sigstore, and one that nobody trusts."""

from __future__ import annotations

import pytest

from tests.kit.sigstore import Forge


@pytest.fixture(scope="session")
def forge() -> Forge:
    """The genuine one."""
    return Forge.create()


@pytest.fixture(scope="session")
def other() -> Forge:
    """A foreign one."""
    return Forge.create()
