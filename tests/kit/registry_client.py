"""A registry client whose pauses are noted and not made, and how token services talk to it."""

from __future__ import annotations

import json

import pytest

from supplychain.errors import SupplyChainError
from supplychain.images.reference import Reference
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.repository import RegistryRepository
from supplychain.images.registry.retry import Clock
from tests.kit.misbehaving import ScriptedServer


def new_repository(
    reference: Reference, options: RegistryOptions, pauses: list[float]
) -> RegistryRepository:
    """A client that notes in `pauses` how long it would have waited."""
    return RegistryRepository(reference, options, clock=Clock(sleep=pauses.append))


def failure_of(error: type[SupplyChainError], repository: RegistryRepository) -> SupplyChainError:
    """The error, of exactly this type, in which resolving the tag `1` ends."""
    with pytest.raises(error) as caught:
        repository.resolve("1")
    assert type(caught.value) is error
    return caught.value


def bearer_challenge(tokens: ScriptedServer) -> str:
    """A challenge that names the token service at `/token`."""
    return f'Bearer realm="{tokens.url}/token",service="the service",scope="ignored"'


def token_document(value: str, **more: object) -> bytes:
    """What a token service answers."""
    return json.dumps({"token": value, **more}).encode()
