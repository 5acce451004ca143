"""Who may what in one organisation."""

from __future__ import annotations

from sqlalchemy import Engine

from supplychain.records.audit import Notes
from supplychain.records.members import Members
from supplychain.records.sessions import Sessions
from supplychain.records.tenants import Projects
from supplychain.records.tokens import Tokens
from supplychain.records.trust import TrustRules


class Access:
    """Who may what in one organisation; `Record.access` gives it.

    Args:
        engine: The record's database.
        notes: Whose, and who acts.
    """

    def __init__(self, engine: Engine, notes: Notes) -> None:
        self._engine = engine
        self._notes = notes.of_all()

    @property
    def tokens(self) -> Tokens:
        """What machines and people come with."""
        return Tokens(self._engine, self._notes)

    @property
    def trust(self) -> TrustRules:
        """Whose jobs may have a token for a while."""
        return TrustRules(self._engine, self._notes)

    @property
    def members(self) -> Members:
        """The people."""
        return Members(self._engine, self._notes)

    @property
    def sessions(self) -> Sessions:
        """Those of them who are logged in."""
        return Sessions(self._engine, self._notes)

    @property
    def projects(self) -> Projects:
        """The projects."""
        return Projects(self._engine, self._notes)
