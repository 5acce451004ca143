"""From settings to a service that can be served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from supplychain.bootstrap import parts
from supplychain.bootstrap.policies import Policies
from supplychain.server.fixed_token import FixedToken, token_in
from supplychain.server.rates import Rates
from supplychain.server.service import Service
from supplychain.settings import Settings

# As many as threads that handlers run in (anyio's default): none waits for a connection.
_CONNECTIONS = 40


def token_file(settings: Settings) -> Path:
    """Where the token of a server on one's own machine is."""
    return settings.data_dir / "server.token"


@contextmanager
def embedded(settings: Settings) -> Iterator[Service]:
    """A service for one machine: its record and its token are made if need be.

    Args:
        settings: All settings.

    Raises:
        SupplyChainError: As `parts.open_store`, and as `token_in`.
    """
    authenticator = FixedToken(token_in(token_file(settings)), parts.actor(settings))
    store = parts.open_store(settings, create=True, connections=_CONNECTIONS)
    try:
        rates = Rates(settings.count("rate_limit"))
        yield Service(settings, store, Policies(settings), authenticator, rates)
    finally:
        store.close()
