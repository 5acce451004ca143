"""What is reported of images to a server: what runs where, who approves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from supplychain.client import reading
from supplychain.client.connection import Connection
from supplychain.client.refusals import understood
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest

if TYPE_CHECKING:
    from supplychain.model.history import Approval, Deployment, Event, Report

_DEPLOYMENTS, _APPROVALS = "/v1/deployments", "/v1/approvals"


@dataclass(frozen=True, slots=True)
class Reports:
    """What runs where, and who said that it may; see `bootstrap.reports`.

    Attributes:
        connection: To the server.
        by_digest: What somebody typed, with its digest: a tag is resolved here.
    """

    connection: Connection
    by_digest: Callable[[str], str]

    def deployment(
        self, event: Event, image: str, environment: str, *, reason: str, at: datetime
    ) -> Report:
        """Report that an image began or ceased to run somewhere."""
        del at
        return self._reported(_DEPLOYMENTS, event, image, environment, reason)[0]

    def approval(
        self, event: Event, image: str, environment: str, *, reason: str, at: datetime
    ) -> tuple[Report, Digest]:
        """Approve an image, or take that back; what was said, and the document of it."""
        del at
        said, told = self._reported(_APPROVALS, event, image, environment, reason)
        with understood(self.connection.where):
            return said, Digest.parse(told["document"])

    def deployments(
        self, environment: str | None, *, ended: bool, at: datetime
    ) -> Sequence[Deployment]:
        """What runs where, the newest first."""
        del at
        asked = {"environment": environment, "ended": "true" if ended else None}
        found = self.connection.pages(_DEPLOYMENTS, "deployments", asked)
        with understood(self.connection.where):
            return [reading.deployment(one) for one in found]

    def approvals(self, image: str, *, at: datetime) -> tuple[Digest, Sequence[Approval]]:
        """The digest of an image, and who approved it, the newest first."""
        del at
        digest = Digest.parse(self.by_digest(image).rpartition("@")[2])
        found = self.connection.pages(_APPROVALS, "approvals", {"image": str(digest)})
        with understood(self.connection.where):
            return digest, [reading.approval(one, digest) for one in found]

    def _reported(
        self, path: str, event: Event, image: str, environment: str, reason: str
    ) -> tuple[Report, reading.Document]:
        """What is on record now, which has to be what was said."""
        asked = self.by_digest(image)
        body = {
            "image": asked,
            "environment": environment,
            "event": event.value,
            "reason": reason,
        }
        told = self.connection.post(path, body)
        with understood(self.connection.where):
            said = reading.report(told, reason)
            about = (said.event, str(said.subject.digest), said.environment)
            if about != (event, asked.rpartition("@")[2], environment):
                raise ValueError("it recorded something else")
        return said, told
