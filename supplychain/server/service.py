"""Everything that handlers work with, made once for a process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import field
from datetime import datetime

from supplychain.access.issuers import Issuers
from supplychain.bootstrap.parts import now
from supplychain.bootstrap.policies import Policies, of_organisation
from supplychain.frozen import dataclass
from supplychain.pipeline.answers import Judge
from supplychain.records.record import Record
from supplychain.records.store import Store
from supplychain.server.alone import Alone
from supplychain.server.bearer import RecordedTokens
from supplychain.server.login import Login
from supplychain.server.pace import Pace
from supplychain.server.rates import Rates
from supplychain.settings import Settings

# So many requests are worked on at once, each on a thread.
THREADS = 40
# Whoever guesses at tokens is slowed down.
_FAILED_PER_MINUTE = 120
# Who follows runs: a look takes a few milliseconds of a thread, which others need, too.
_LOOK_SECONDS = 0.5
_LOOKS_TOGETHER = 50


class Judges:
    """One judge per record, so that each remembers what it answered; threads may share them."""

    def __init__(self) -> None:
        self._judges: dict[int, tuple[Record, Judge]] = {}
        self._lock = threading.Lock()

    def of(self, record: Record) -> Judge:
        """The judge over a record."""
        with self._lock:
            # The record is kept beside its judge, or its number could become another one's.
            _, judge = self._judges.setdefault(id(record), (record, Judge(record)))
        return judge


@dataclass(frozen=True, slots=True)
class Own:
    """What an organisation has for itself.

    Attributes:
        settings: All settings, as they are for it.
        policies: What its environments demand.
    """

    settings: Settings
    policies: Policies


class Owns:
    """What each organisation has for itself; threads may share one.

    Args:
        settings: All settings, of which `of_organisation` makes those of each.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, Own] = {}
        self._lock = threading.Lock()

    def of(self, organisation: str) -> Own:
        """What an organisation has; it has to be one."""
        with self._lock:
            if organisation not in self._known:
                settings = of_organisation(self._settings, organisation)
                self._known[organisation] = Own(settings, Policies(settings))
            return self._known[organisation]


@dataclass(frozen=True, slots=True)
class Service:
    """What a server has.

    Attributes:
        settings: All settings.
        store: Every project's record.
        owns: What each organisation has for itself.
        issuers: The keys of those who vouch for jobs and people.
        authenticator: What tells who is calling.
        rates: How often callers ask.
        firsts: How often they ask what nobody asked before: each such question is a decision on
            record for good, also of a batch that is one request.
        login: How people log in; None where nobody can.
        failed: How often strangers of one address try to be somebody.
        clock: The one reading of the clock that a request judges by (aware, UTC).
        judges: What was answered, while it holds.
        following: How often whoever follows a run looks at it.
        verifying: Whoever has a chain verified.
        ending: Whether it was told to end: what would go on for long comes to its end by itself.
    """

    settings: Settings
    store: Store
    owns: Owns
    issuers: Issuers
    authenticator: RecordedTokens
    rates: Rates
    firsts: Rates
    login: Login | None = None
    failed: Rates = field(default_factory=lambda: Rates(_FAILED_PER_MINUTE))
    clock: Callable[[], datetime] = now
    judges: Judges = field(default_factory=Judges)
    following: Pace = field(default_factory=lambda: Pace(_LOOK_SECONDS, _LOOKS_TOGETHER))
    verifying: Alone = field(default_factory=Alone)
    ending: threading.Event = field(default_factory=threading.Event)
