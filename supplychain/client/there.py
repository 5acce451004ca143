"""What commands ask, asked of a server; `bootstrap.here.Here` asks the record on this machine."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Self

from supplychain.client.address import address_of
from supplychain.client.connection import Connection
from supplychain.client.evidence import Evidence
from supplychain.client.exports import Exports
from supplychain.client.gates import Gates
from supplychain.client.handing_in import HandingIn
from supplychain.client.looking import Audit, Decisions, Images, Search
from supplychain.client.refusals import understood
from supplychain.client.reports import Reports
from supplychain.client.risks import Vex, Waivers
from supplychain.client.runs import Runs
from supplychain.errors import NotFoundError, SupplyChainError

if TYPE_CHECKING:
    from supplychain.client.access import Members, Projects, Tokens, Trust
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

    @cached_property
    def handing_in(self) -> HandingIn:
        """What is found out here; `Here` has no need of it."""
        return HandingIn(self._connection)

    @cached_property
    def runs(self) -> Runs:
        """What workers are asked to do."""
        return Runs(self._connection)

    @cached_property
    def decisions(self) -> Decisions:
        """What was decided."""
        return Decisions(self._connection, self._recorded)

    @cached_property
    def images(self) -> Images:
        """What is on record."""
        return Images(self._connection, self._recorded)

    @cached_property
    def search(self) -> Search:
        """What contains what."""
        return Search(self._connection)

    @cached_property
    def reports(self) -> Reports:
        """What runs where, and who said that it may."""
        return Reports(self._connection, self._by_digest)

    @cached_property
    def evidence(self) -> Evidence:
        """What is on record about an image, document by document."""
        return Evidence(self._connection, self._recorded)

    @cached_property
    def exports(self) -> Exports:
        """What others read."""
        return Exports(self._connection, self._recorded, self._by_digest)

    @cached_property
    def waivers(self) -> Waivers:
        """Risks accepted for a while."""
        return Waivers(self._connection, self._by_digest)

    @cached_property
    def vex(self) -> Vex:
        """Claims of fact."""
        return Vex(self._connection)

    @cached_property
    def tokens(self) -> Tokens:
        """What machines and people come to the service with."""
        from supplychain.client.access import Tokens

        return Tokens(self._connection)

    @cached_property
    def trust(self) -> Trust:
        """Whose CI jobs may have a token."""
        from supplychain.client.access import Trust

        return Trust(self._connection)

    @cached_property
    def members(self) -> Members:
        """The people."""
        from supplychain.client.access import Members

        return Members(self._connection)

    @cached_property
    def projects(self) -> Projects:
        """What the organisation keeps apart."""
        from supplychain.client.access import Projects

        return Projects(self._connection)

    @cached_property
    def audit(self) -> Audit:
        """Who did what."""
        return Audit(self._connection)

    def _recorded(self, text: str) -> str:
        """The digest of the image on record that somebody means; looked up here where none is."""
        if _DIGEST.fullmatch(text):
            return text
        try:
            return self._found(text)
        except NotFoundError as unknown:
            try:
                return str(self._resolve(text).digest)
            except SupplyChainError:
                raise unknown from None

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
