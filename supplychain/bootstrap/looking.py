"""What is on record on this machine, as commands look at it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from supplychain.bootstrap import parts
from supplychain.bootstrap.over_record import OverRecord

if TYPE_CHECKING:
    from supplychain.gate.comparison import Difference
    from supplychain.model.decision import Decision, Verdict
    from supplychain.model.digest import Digest
    from supplychain.records.chain import Verification
    from supplychain.records.decided import RecordedDecision
    from supplychain.records.found_images import FoundImage
    from supplychain.records.listing import ImageSummary


class Decisions(OverRecord):
    """What was decided."""

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
        """Decisions, the newest first.

        Args:
            image: About this one, as somebody typed it.
            environment: In this environment.
            verdict: With this answer.
            since: Made then or later.
            limit: At most so many.
            until: Made then or earlier.
        """
        from supplychain.bootstrap.targets import recorded

        record = self._opened()
        return record.ledger.list(
            subject=recorded(self._settings, record, image) if image else None,
            environment=environment,
            verdict=verdict,
            since=since,
            until=until,
            limit=limit,
        )

    def get(self, text: str) -> tuple[Decision, bytes, Digest]:
        """The decision that a whole or shortened ID means, with its document and its digest."""
        from supplychain.bootstrap.decided import decided

        found = decided(self._opened(), text)
        return found.decision, found.document, found.identity

    def difference(self, earlier: str, later: str) -> Difference:
        """What is between two decisions, each by a whole or shortened ID."""
        from supplychain.bootstrap.decided import difference

        return difference(self._opened(), earlier, later)

    def replay(self, text: str) -> tuple[Decision, Digest]:
        """A decision that came out again byte for byte."""
        from supplychain.bootstrap.decided import replay_documents
        from supplychain.model.digest import Digest

        ledger = self._opened().ledger
        found = ledger.replayable(ledger.find(text))
        return replay_documents(found), Digest.of(found.document)

    def verify(self, noted: Sequence[Digest]) -> Verification:
        """What comes of looking at the chain of decisions."""
        return self._opened().ledger.verify(noted)


class Images(OverRecord):
    """What is on record."""

    def list(self, *, limit: int, at: datetime) -> Sequence[ImageSummary]:
        """Images, the newest first."""
        return self._opened().images.list(at=at, limit=limit)

    def get(self, text: str, *, at: datetime) -> ImageSummary:
        """One image, as somebody typed it."""
        from supplychain.bootstrap.targets import recorded

        record = self._opened()
        return record.images.show(recorded(self._settings, record, text), at=at)


class Search(OverRecord):
    """What contains what; `at` is None for now."""

    def component(
        self, package: str, versions: str, *, at: datetime | None
    ) -> Sequence[FoundImage]:
        """The images that had a package."""
        from supplychain.gate.packages import PackagePattern

        pattern = PackagePattern.parse(package, versions)
        return self._opened().search.component(pattern, at=at or parts.now())

    def vulnerability(self, name: str, *, at: datetime | None) -> Sequence[FoundImage]:
        """The images in which a vulnerability was found."""
        return self._opened().search.vulnerability(name, at=at or parts.now())

    def licence(self, expression: str, *, at: datetime | None) -> Sequence[FoundImage]:
        """The images with packages under a licence."""
        from supplychain.gate.licences import licence_query

        fits = licence_query(expression)
        return self._opened().search.licence(fits, at=at or parts.now())
