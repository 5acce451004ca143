"""What a record consists of: each section with its own questions and its own writing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Engine

from supplychain.records.audit import AuditLog, Notes
from supplychain.records.content import ContentStore
from supplychain.records.feeds import Feeds
from supplychain.records.ledger import Ledger
from supplychain.records.vex import Vex
from supplychain.records.waivers import WaiverBook

if TYPE_CHECKING:
    from supplychain.records.access import Access
    from supplychain.records.evidence import Documents
    from supplychain.records.handed_in import HandedIn
    from supplychain.records.history import History
    from supplychain.records.images import Images
    from supplychain.records.repeats import Repeats
    from supplychain.records.runs import Runs
    from supplychain.records.search import Search


class Sections:
    """The sections of one project's record.

    A section is loaded when it is asked for: a command needs few of them.
    """

    _engine: Engine
    _content: ContentStore
    _project: int
    _notes: Notes

    @property
    def images(self) -> Images:
        """The images on record, and how to find them."""
        from supplychain.records.images import Images

        return Images(self._engine, self._content, self._project)

    @property
    def runs(self) -> Runs:
        """What workers are asked to do."""
        from supplychain.records.runs import Runs

        return Runs(self._engine, self._project, self._notes)

    @property
    def history(self) -> History:
        """What happened to images: deployments, approvals, work under way."""
        from supplychain.records.history import History

        return History(self._engine, self._content, self._project, self._notes)

    @property
    def feeds(self) -> Feeds:
        """What feeds say of vulnerabilities: EPSS, KEV."""
        return Feeds(self._engine, self._content, self._project, self._notes)

    @property
    def search(self) -> Search:
        """What contains what, over everything recorded."""
        from supplychain.records.search import Search

        return Search(self._engine, self._project)

    @property
    def ledger(self) -> Ledger:
        """What was decided, in a chain."""
        return Ledger(self._engine, self._content, self._project)

    @property
    def waivers(self) -> WaiverBook:
        """What risks are accepted, and by whom."""
        return WaiverBook(self._engine, self._content, self._project, self._notes)

    @property
    def vex(self) -> Vex:
        """Claims of fact about vulnerabilities, and who accepted which."""
        return Vex(self._engine, self._content, self._project, self._notes)

    @property
    def handed_in(self) -> HandedIn:
        """What callers claim without a signature; it counts where a policy says so."""
        from supplychain.records.handed_in import HandedIn

        return HandedIn(self._engine, self._content, self._project, self._notes)

    @property
    def documents(self) -> Documents:
        """What is on record about images, document by document."""
        from supplychain.records.evidence import Documents

        return Documents(self._engine, self._content, self._project)

    def repeats(self, caller: str) -> Repeats:
        """The answers to requests that a caller may send again."""
        from supplychain.records.repeats import Repeats

        return Repeats(self._engine, self._project, caller)

    @property
    def access(self) -> Access:
        """Who may what in the organisation that the project is of."""
        from supplychain.records.access import Access

        return Access(self._engine, self._notes)

    @property
    def audit(self) -> AuditLog:
        """Who did what in the organisation that the project is of."""
        return AuditLog(self._engine, self._notes)
