"""What is on record at a server: decisions, images, what contains what, and who did what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from supplychain.client import reading
from supplychain.client.connection import JSON, Connection
from supplychain.client.refusals import each, understood
from supplychain.errors import NotFoundError
from supplychain.export.data import difference_data, rfc3339
from supplychain.frozen import dataclass
from supplychain.gate.comparison import Difference
from supplychain.gate.decision_document import from_document
from supplychain.model.decision import Decision, Verdict
from supplychain.model.digest import Digest

if TYPE_CHECKING:
    from supplychain.model.access import AuditEvent
    from supplychain.records.audit import AuditAsked
    from supplychain.records.chain import Verification
    from supplychain.records.decided import RecordedDecision
    from supplychain.records.found_images import FoundImage
    from supplychain.records.listing import ImageSummary

_ENDS = ("before", "after", "verdicts")


class Decisions:
    """Decisions at a server.

    Args:
        connection: To it.
        recorded: The digest of the image on record there that somebody means.
    """

    def __init__(self, connection: Connection, recorded: Callable[[str], str]) -> None:
        self._connection = connection
        self._recorded = recorded

    def list(
        self,
        *,
        image: str | None,
        environment: str | None,
        verdict: Verdict | None,
        since: datetime | None,
        limit: int,
        until: datetime | None = None,
    ) -> Sequence[RecordedDecision]:
        """Decisions, the newest first; see `bootstrap.here`."""
        asked = {
            "image": self._recorded(image) if image else None,
            "environment": environment,
            "verdict": verdict.value if verdict else None,
            "since": rfc3339(since) if since else None,
            "until": rfc3339(until) if until else None,
        }
        found = self._connection.pages("/v1/decisions", "decisions", asked, limit)
        return each(self._connection.where, found, reading.decision)

    def get(self, text: str) -> tuple[Decision, bytes, Digest]:
        """The decision that a whole or shortened ID means, with its document and its digest."""
        document = self._connection.verbatim(_decision(text), JSON)
        identity = Digest.of(document)
        with understood(self._connection.where):
            if not identity.hex.startswith(text.removeprefix("sha256:")):
                raise ValueError("the decision is not the one that was asked for")
            return from_document(document), document, identity

    def difference(self, earlier: str, later: str) -> Difference:
        """What is between two decisions; both are those that the server speaks of."""
        said = self._connection.get(f"{_decision(later)}/difference", since=earlier)
        before, after = self.get(earlier), self.get(later)
        with understood(self._connection.where):
            changes = tuple(map(reading.change, said["changes"]))
            found = Difference(before[0], after[0], (before[2], after[2]), changes)
            if any(difference_data(found)[name] != said[name] for name in _ENDS):
                raise ValueError("it compared other decisions")
        return found

    def replay(self, text: str) -> tuple[Decision, Digest]:
        """A decision that came out again byte for byte."""
        said = self._connection.get(f"{_decision(text)}/replay")
        decision, _, identity = self.get(text)
        with understood(self._connection.where):
            same = (said["decision"], said["verdict"], said["same"])
            if same != (str(identity), decision.verdict.value, True):
                raise ValueError("it judged another decision again")
        return decision, identity

    def verify(self, noted: Sequence[Digest]) -> Verification:
        """What comes of looking at the chain of decisions."""
        links = [str(digest) for digest in noted] or None
        said = self._connection.get("/v1/decisions/verification", link=links)
        with understood(self._connection.where):
            return reading.verification(said, "decisions")


@dataclass(frozen=True, slots=True)
class Images:
    """Images on record at a server.

    Attributes:
        connection: To it.
        recorded: The digest of the image there that somebody means.
    """

    connection: Connection
    recorded: Callable[[str], str]

    def list(self, *, limit: int, at: datetime) -> Sequence[ImageSummary]:
        """Images, the newest first."""
        del at
        found = self.connection.pages("/v1/images", "images", most=limit)
        return each(self.connection.where, found, reading.image)

    def get(self, text: str, *, at: datetime) -> ImageSummary:
        """One image."""
        del at
        said = self.connection.get(f"/v1/images/{self.recorded(text)}")
        with understood(self.connection.where):
            return reading.image(said)


@dataclass(frozen=True, slots=True)
class Search:
    """Questions over all that a server has on record; `at` is None for now.

    Attributes:
        connection: To it.
    """

    connection: Connection

    def component(
        self, package: str, versions: str, *, at: datetime | None
    ) -> Sequence[FoundImage]:
        """The images that had a package."""
        return self._found("components", at, purl=package, versions=versions)

    def vulnerability(self, name: str, *, at: datetime | None) -> Sequence[FoundImage]:
        """The images in which a vulnerability was found."""
        return self._found("vulnerabilities", at, id=name)

    def licence(self, expression: str, *, at: datetime | None) -> Sequence[FoundImage]:
        """The images with packages under a licence."""
        return self._found("licences", at, expression=expression)

    def _found(self, what: str, at: datetime | None, **query: str) -> Sequence[FoundImage]:
        asked = {**query, "at": rfc3339(at) if at else None}
        found = self.connection.pages(f"/v1/search/{what}", "images", asked)
        return each(self.connection.where, found, reading.found)


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit log of the organisation at a server.

    Attributes:
        connection: To it.
    """

    connection: Connection

    def list(self, asked: AuditAsked, *, limit: int) -> Sequence[AuditEvent]:
        """Events, the newest first."""
        query = {
            "who": asked.who,
            "what": asked.what,
            "about": asked.about,
            "since": rfc3339(asked.since) if asked.since else None,
        }
        found = self.connection.pages("/v1/audit", "events", query, limit)
        return each(self.connection.where, found, reading.audited)

    def verify(self, noted: Sequence[Digest]) -> Verification:
        """What comes of looking at the log, for each link that somebody noted."""
        links: Sequence[str | None] = [str(digest) for digest in noted] or [None]
        with understood(self.connection.where):
            looked = [
                reading.verification(self.connection.get("/v1/audit/verify", link=link), "events")
                for link in links
            ]
        return next((one for one in looked if one.breaks), looked[0])


def _decision(text: str) -> str:
    if not text.strip("/."):
        raise NotFoundError(f"there is no decision {text!r}")
    return f"/v1/decisions/{quote(text, safe=':')}"
