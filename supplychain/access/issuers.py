"""The keys of issuers: found by discovery, kept for a while, and asked for anew when they turn.

An issuer that is down for a moment does not lock everybody out: its keys hold for an hour after
they were fetched. A token with a key that nobody knows makes us ask again, but not more often than
every half minute, or strangers could let us ask without end.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from supplychain.access.trust import require_url
from supplychain.errors import IdentityProviderError, InputError

Key = Mapping[str, Any]
Get = Callable[[str], Mapping[str, Any]]

_FRESH = timedelta(minutes=10)
_USABLE = timedelta(hours=1)
_PAUSE = timedelta(seconds=30)
_MOST_KEYS, _MOST_ISSUERS = 100, 200


@dataclass(slots=True)
class _Known:
    """What is known of an issuer."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: tuple[Key, ...] = ()
    fetched_at: datetime | None = None
    tried_at: datetime | None = None


class Issuers:
    """The keys of issuers that somebody trusts; threads may share one.

    Args:
        get: Gives the JSON object at a URL.
    """

    def __init__(self, get: Get) -> None:
        self._get = get
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()
        self._lock = threading.Lock()

    def keys(
        self, issuer: str, jwks_url: str = "", *, kid: str | None, at: datetime
    ) -> Sequence[Key]:
        """The keys that a token of an issuer may be signed with.

        Args:
            issuer: The issuer, which somebody trusts: nobody else is ever asked.
            jwks_url: Where its keys are; "" to ask itself.
            kid: Which key; None where the token names none.
            at: The instant (aware, UTC).

        Raises:
            IdentityProviderError: It does not say, or not in time, and what it said last is over.
        """
        known = self._of(issuer, jwks_url)
        with known.lock:
            if self._wants(known, kid, at):
                known.tried_at = at
                try:
                    known.keys, known.fetched_at = self._fetch(issuer, jwks_url), at
                except IdentityProviderError:
                    if not _usable(known, at) or not _has(known, kid):
                        raise
            if not _usable(known, at):
                raise IdentityProviderError(
                    f"{issuer} could not be asked for its keys a moment ago",
                    hint="try again in half a minute",
                )
            return [key for key in known.keys if kid is None or key.get("kid") == kid]

    def discovered(self, issuer: str) -> Mapping[str, Any]:
        """What an issuer says of itself.

        Raises:
            IdentityProviderError: It does not, or calls itself otherwise.
        """
        said = self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if said.get("issuer") != issuer:
            raise IdentityProviderError(
                f"{issuer} says that it is another issuer",
                because=f"it calls itself {str(said.get('issuer'))[:200]!r}",
                retryable=False,
            )
        return said

    def _of(self, issuer: str, jwks_url: str) -> _Known:
        with self._lock:
            found = self._known.setdefault((issuer, jwks_url), _Known())
            self._known.move_to_end((issuer, jwks_url))
            if len(self._known) > _MOST_ISSUERS:
                self._known.popitem(last=False)
        return found

    @staticmethod
    def _wants(known: _Known, kid: str | None, at: datetime) -> bool:
        if known.tried_at is not None and timedelta(0) <= at - known.tried_at < _PAUSE:
            return False
        is_fresh = known.fetched_at is not None and at - known.fetched_at < _FRESH
        return not is_fresh or not _has(known, kid)

    def _fetch(self, issuer: str, jwks_url: str) -> tuple[Key, ...]:
        url = jwks_url or self.discovered(issuer).get("jwks_uri")
        try:
            require_url(str(url), "the place of its keys")
        except InputError as error:
            raise IdentityProviderError(
                f"{issuer} names no place of its keys", because=str(error), retryable=False
            ) from error
        keys = self._get(str(url)).get("keys")
        if not isinstance(keys, list) or not 0 < len(keys) <= _MOST_KEYS:
            raise IdentityProviderError(f"{issuer} gives no list of keys")
        return tuple(key for key in keys if isinstance(key, dict))


def _has(known: _Known, kid: str | None) -> bool:
    return kid is None or any(key.get("kid") == kid for key in known.keys)


def _usable(known: _Known, at: datetime) -> bool:
    return known.fetched_at is not None and at - known.fetched_at < _USABLE
