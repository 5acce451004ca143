"""From what other programs ignore to requests for waivers: never to anything that counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from supplychain.bootstrap.waivers import policies_about, scopes_of
from supplychain.errors import SupplyChainError
from supplychain.frozen import dataclass
from supplychain.model.waiver import WaiverScope, WaiverState, WaiverTerms

if TYPE_CHECKING:
    from supplychain.gate.waiver_terms import WaiverRules
    from supplychain.records.record import Record
    from supplychain.scan.ignores import Ignored
    from supplychain.settings import Settings

    _Policies = Mapping[str, WaiverRules | None]


@dataclass(frozen=True, slots=True)
class Asking:
    """What all requests of one import have in common.

    Attributes:
        environments: For which environments; empty for all.
        expires_at: When those end that do not say; None to refuse these.
        owner: Who looks after them.
        ticket: Where they are discussed.
        source: Where they come from, for people.
    """

    environments: tuple[str, ...]
    expires_at: datetime | None
    owner: str
    ticket: str
    source: str


@dataclass(frozen=True, slots=True)
class Item:
    """One request to be, or why it is none.

    Attributes:
        place: Where it stands in the file.
        what: What it is about, for people.
        terms: What to ask for; None where it cannot be asked for, or is already.
        problem: Why it cannot be asked for; "" where it can.
        asked: The waiver that says the same already; "" for none.
    """

    place: str
    what: str
    terms: WaiverTerms | None = None
    problem: str = ""
    asked: str = ""


def items_of(
    ignored: Iterable[Ignored], asking: Asking, record: Record, settings: Settings, *, at: datetime
) -> Iterator[Item]:
    """What is to be asked for, for each item of a file and each package that it is about."""
    open_ = {WaiverState.APPROVED, WaiverState.REQUESTED}
    asked = {w.scope: w.name for w in record.waivers.all(at=at) if w.state(at) in open_}
    policies = policies_about(settings, asking.environments)
    for one in ignored:
        if one.problem:
            yield Item(one.place, one.vulnerability, problem=one.problem)
            continue
        ends = one.expires_at or asking.expires_at
        if ends is None:
            yield Item(one.place, one.vulnerability, problem="it does not end: give --expires")
            continue
        for package in one.packages or ("",):
            scope = WaiverScope(
                vulnerability=one.vulnerability,
                package=package.partition("#")[0].partition("?")[0],
                environments=asking.environments,
            )
            reason = one.reason or f"ignored in {asking.source}, {one.place}"
            terms = WaiverTerms(scope, reason, ends, asking.owner, asking.ticket)
            for item in _items(one.place, terms, record, policies, at):
                name = asked.get(item.terms.scope, "") if item.terms else ""
                yield Item(item.place, item.what, asked=name) if name else item


def _items(
    place: str,
    terms: WaiverTerms,
    record: Record,
    policies: Mapping[str, WaiverRules | None],
    at: datetime,
) -> Iterator[Item]:
    from supplychain.gate.waiver_steps import require_bounds, require_terms

    try:
        for scoped in scopes_of(record, terms.scope, at=at):
            whole = replace(terms, scope=scoped.scope)
            require_terms(whole, at)
            require_bounds(whole, policies, scoped.severities, at)
            yield Item(place, str(whole.scope), whole)
    except SupplyChainError as error:
        said = f"{error}; {error.hint}" if error.hint else str(error)
        yield Item(place, terms.scope.vulnerability, problem=said)
