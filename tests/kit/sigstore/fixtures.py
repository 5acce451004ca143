"""Sigstores that answer, for tests that ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.sigstore.mock import MockSigstore, serving
from tests.kit.sigstore.private import PrivateSigstore
from tests.kit.sigstore.real import running


@pytest.fixture
def mock_sigstore(tmp_path: Path) -> Iterator[MockSigstore]:
    """A mock of a Sigstore's protocol that behaves, until it is told not to."""
    with serving(tmp_path / "mock-sigstore") as mock:
        yield mock


@pytest.fixture(scope="session")
def private_sigstore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateSigstore]:
    """The real programs: Fulcio, a CT log, Rekor v2 and a timestamp authority."""
    with running(tmp_path_factory.mktemp("sigstore")) as sigstore:
        yield sigstore
