"""What commands ask, asked of a server; `bootstrap.here.Here` asks the record on this machine."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Self

from supplychain.client.address import address_of
from supplychain.client.connection import Connection
from supplychain.client.gates import Gates
from supplychain.client.refusals import understood

if TYPE_CHECKING:
    from supplychain.model.subject import Subject
    from supplychain.settings import Settings

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# As people copy it from a verdict; nobody names a repository like this.
_SHORT_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{12,64}")


class There:
    """A server, with the same attributes as `Here`.

    Args:
        settings: All settings, of which one names the server.
        resolve: What a reference stands for, looked up where it lies.

    Raises:
        ConfigurationError: The address cannot be used, or no token is set.
    """

    def __init__(self, settings: Settings, resolve: Callable[[str], Subject]) -> None:
        self._connection = Connection(address_of(settings))
        self._resolve = resolve

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @cached_property
    def gates(self) -> Gates:
        """The gate."""
        return Gates(self._connection, self._by_digest)

    def _by_digest(self, text: str) -> str:
        """What somebody typed, by its digest: a tag is resolved here, and never by the server."""
        if _DIGEST.fullmatch(text):
            return text
        return self._found(text) if _SHORT_DIGEST.fullmatch(text) else str(self._resolve(text))

    def _found(self, text: str) -> str:
        """The digest of the recorded image that is called so, or whose digest begins so."""
        found = self._connection.get("/v1/images", called=text)
        with understood(self._connection.where):
            return str(found["images"][0]["digest"])
