"""From settings to a service that can be served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from supplychain.access.fetching import Fetching
from supplychain.access.issuers import Issuers
from supplychain.bootstrap import parts
from supplychain.server.bearer import RecordedTokens
from supplychain.server.fixed_token import FixedToken, token_in
from supplychain.server.login import login_from
from supplychain.server.rates import Rates
from supplychain.server.routes.gates import MOST
from supplychain.server.service import THREADS, Owns, Service
from supplychain.settings import Settings


def token_file(settings: Settings) -> Path:
    """Where the token of a server on one's own machine is."""
    return settings.data_dir / "server.token"


@contextmanager
def embedded(settings: Settings) -> Iterator[Service]:
    """A service for one machine: its record and its token are made if need be.

    Args:
        settings: All settings.

    Raises:
        SupplyChainError: As `parts.open_store`, as `login_from`, and as `token_in`.
    """
    fixed = FixedToken(token_in(token_file(settings)), parts.actor(settings))
    with _opened(settings, fixed, create=True) as service:
        yield service


@contextmanager
def shared(settings: Settings) -> Iterator[Service]:
    """A service for many: who comes has a token on record, or logs in.

    Args:
        settings: All settings.

    Raises:
        SupplyChainError: As `parts.open_store`, and as `login_from`.
    """
    with _opened(settings, None, create=False) as service:
        yield service


@contextmanager
def _opened(settings: Settings, fixed: FixedToken | None, *, create: bool) -> Iterator[Service]:
    asking = fetching(settings)
    login = login_from(settings, asking)
    per_minute = settings.count("rate_limit")
    # No thread waits for a connection.
    store = parts.open_store(settings, create=create, connections=THREADS)
    try:
        yield Service(
            settings,
            store,
            Owns(settings),
            Issuers(asking.get),
            RecordedTokens(store.entry, fixed, login.client.issuer if login else None),
            Rates(per_minute),
            Rates(per_minute, what="images that were never asked about", at_once=MOST),
            login,
        )
    finally:
        store.close()


def fetching(settings: Settings) -> Fetching:
    """What asks issuers.

    Raises:
        ConfigurationError: `oidc_private` names what is no host.
    """
    return Fetching(settings.names("oidc_private"), settings.path("oidc_cacert"))
