"""Waivers as people and programs read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from supplychain.cli.console import Paint, printable
from supplychain.cli.context import Context, OutputFormat, rfc3339, write, write_json
from supplychain.cli.times import ago
from supplychain.export.data import waiver_data
from supplychain.model.digest import Digest
from supplychain.model.waiver import EndsWithFix, Waiver, WaiverEvent, WaiverState

_COLOUR = {WaiverState.APPROVED: "green", WaiverState.REQUESTED: "yellow"}
_ENDS = {
    EndsWithFix.NEVER: "",
    EndsWithFix.FINDING: "ends for a finding that can be repaired",
    EndsWithFix.ALL: "ends when any of it can be repaired",
}


def present(shared: Context, waiver: Waiver, now: datetime, output: OutputFormat) -> None:
    """Show what became of a waiver."""
    if output is OutputFormat.JSON:
        write_json(waiver_data(waiver, now))
        return
    write("".join(f"{text}\n" for text in details(waiver, shared.paint, now)))


def line(waiver: Waiver, paint: Paint, now: datetime) -> str:
    """One line of a list."""
    state = waiver.state(now)
    shown = paint(_COLOUR.get(state, "dim"), f"{state:<9}")
    until = f"until {rfc3339(waiver.terms.expires_at)} ({ago(waiver.terms.expires_at, now)})"
    return f"{waiver.name:<6} {shown}  {printable(str(waiver.scope))}  {until}"


def details(waiver: Waiver, paint: Paint, now: datetime) -> Iterator[str]:
    """All of a waiver on the terms of one request."""
    terms = waiver.terms
    yield line(waiver, paint, now)
    said = [
        ("reason", terms.reason),
        ("owner", terms.owner),
        ("ticket", terms.ticket),
        ("fix", _ENDS[terms.ends_with_fix]),
        ("asked by", f"{', '.join(waiver.requested_by)}, {ago(waiver.requested_at, now)}"),
        ("approved", _who(waiver.approved_by, waiver.approved_at, now)),
        (str(waiver.ended or ""), _who(waiver.ended_by, waiver.ended_at, now)),
        ("request", str(waiver.document)),
    ]
    yield from (f"  {name:<9} {printable(text)}" for name, text in said if text)


def history(events: Sequence[WaiverEvent], now: datetime) -> Iterator[str]:
    """What was done to a waiver, the first first."""
    for event in events:
        why = event.reason or (event.terms.reason if event.terms else "")
        told = f"{event.step} by {event.actor}, {ago(event.at, now)}" + (f": {why}" if why else "")
        yield f"  {printable(told)}"


def decisions_line(decisions: Sequence[Digest]) -> str:
    """Which decisions rest on a waiver."""
    if not decisions:
        return "  no decision rests on it"
    return f"  decisions that rest on it: {', '.join(digest.short for digest in decisions)}"


def _who(name: str, moment: datetime | None, now: datetime) -> str:
    return f"{name}, {ago(moment, now)}" if moment is not None else ""
