"""What commands ask, asked of the record on this machine; `client.there.There` asks a server.

Both have the same attributes, and what these are called with and give back is the same: a command
takes either, and mypy holds it against both.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Self

from supplychain.bootstrap import parts

if TYPE_CHECKING:
    from supplychain.bootstrap.access import Members, Tokens, Trust
    from supplychain.bootstrap.evidence import Evidence
    from supplychain.bootstrap.exports import Exports
    from supplychain.bootstrap.gates import Gates
    from supplychain.bootstrap.looking import Decisions, Images, Search
    from supplychain.bootstrap.reports import Reports
    from supplychain.bootstrap.risks import Vex, Waivers
    from supplychain.bootstrap.runs import Runs
    from supplychain.records.audit import AuditLog
    from supplychain.records.record import Record
    from supplychain.records.tenants import Projects
    from supplychain.settings import Settings


class Here:
    """The record that the settings name, opened once something of it is asked.

    What it is asked for is loaded when it is asked for: a command needs one or two of its parts.

    Args:
        settings: All settings.
        create: Make a SQLite record where there is none yet.
    """

    def __init__(self, settings: Settings, *, create: bool = False) -> None:
        self._settings = settings
        self._create = create
        self._record: Record | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._record is not None:
            self._record.close()

    def _opened(self) -> Record:
        if self._record is None:
            self._record = parts.open_record(self._settings, create=self._create)
        return self._record

    @cached_property
    def gates(self) -> Gates:
        """The gate."""
        from supplychain.bootstrap.gates import Gates

        return Gates(self._settings, self._opened)

    @cached_property
    def runs(self) -> Runs:
        """What workers are asked to do."""
        from supplychain.bootstrap.runs import Runs

        return Runs(self._settings, self._opened)

    @cached_property
    def decisions(self) -> Decisions:
        """What was decided."""
        from supplychain.bootstrap.looking import Decisions

        return Decisions(self._settings, self._opened)

    @cached_property
    def images(self) -> Images:
        """What is on record."""
        from supplychain.bootstrap.looking import Images

        return Images(self._settings, self._opened)

    @cached_property
    def search(self) -> Search:
        """What contains what."""
        from supplychain.bootstrap.looking import Search

        return Search(self._settings, self._opened)

    @cached_property
    def reports(self) -> Reports:
        """What runs where, and who said that it may."""
        from supplychain.bootstrap.reports import Reports

        return Reports(self._settings, self._opened)

    @cached_property
    def evidence(self) -> Evidence:
        """What is on record about an image, document by document."""
        from supplychain.bootstrap.evidence import Evidence

        return Evidence(self._settings, self._opened)

    @cached_property
    def exports(self) -> Exports:
        """What others read."""
        from supplychain.bootstrap.exports import Exports

        return Exports(self._settings, self._opened)

    @cached_property
    def waivers(self) -> Waivers:
        """Risks accepted for a while."""
        from supplychain.bootstrap.risks import Waivers

        return Waivers(self._settings, self._opened)

    @cached_property
    def vex(self) -> Vex:
        """Claims of fact."""
        from supplychain.bootstrap.risks import Vex

        return Vex(self._settings, self._opened)

    @cached_property
    def tokens(self) -> Tokens:
        """What machines and people come to the service with."""
        from supplychain.bootstrap.access import Tokens

        return Tokens(self._settings, self._opened)

    @cached_property
    def trust(self) -> Trust:
        """Whose CI jobs may have a token."""
        from supplychain.bootstrap.access import Trust

        return Trust(self._settings, self._opened)

    @cached_property
    def members(self) -> Members:
        """The people."""
        from supplychain.bootstrap.access import Members

        return Members(self._settings, self._opened)

    @property
    def projects(self) -> Projects:
        """What the organisation keeps apart."""
        return self._opened().access.projects

    @property
    def audit(self) -> AuditLog:
        """Who did what."""
        return self._opened().audit
