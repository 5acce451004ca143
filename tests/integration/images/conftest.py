"""A registry that misbehaves, and a client of it that does not really wait."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.repository import RegistryRepository
from tests.kit.misbehaving import ScriptedServer, scripted_server
from tests.kit.registry_client import new_repository


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def tokens() -> Iterator[ScriptedServer]:
    """A token service: another host than the registry, as most are."""
    with scripted_server() as running:
        yield running


@pytest.fixture
def elsewhere() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def pauses() -> list[float]:
    """The pauses between repetitions, which are noted and not made."""
    return []


@pytest.fixture
def options(tmp_path: Path) -> RegistryOptions:
    """Impatient, and nothing of this machine's own Docker."""
    return RegistryOptions(docker_config=tmp_path, connect_timeout=2.0, read_timeout=0.3, retries=3)


@pytest.fixture
def repository(
    server: ScriptedServer, options: RegistryOptions, pauses: list[float]
) -> RegistryRepository:
    return new_repository(server.repository, options, pauses)
