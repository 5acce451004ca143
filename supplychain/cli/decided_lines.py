"""Recorded decisions as people read them, and what is between two of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from supplychain.cli.console import Paint, printable
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.times import ago

if TYPE_CHECKING:
    from supplychain.gate.comparison import Change, Difference
    from supplychain.records.chain import Verification
    from supplychain.records.decided import RecordedDecision

COLOURS = {"allow": "green", "deny": "red", "pending": "yellow"}
_GOOD = {"waived", "reason_gone"}
_NEUTRAL = {"subject", "policy", "rule_added", "rule_removed"}
_NEUTRAL |= {"evidence_added", "evidence_removed"}
_WORDS = {
    "subject": "other image",
    "policy": "policy",
    "rule_added": "rule added",
    "rule_removed": "rule removed",
    "evidence_added": "evidence added",
    "evidence_removed": "evidence gone",
    "new_finding": "new finding",
    "waiver_ended": "waiver ended",
    "waived": "waived",
    "bites": "denies now",
    "reason_added": "new reason",
    "reason_aged": "time passed",
    "reason_gone": "no longer",
}


def listed(found: RecordedDecision, paint: Paint, now: datetime) -> str:
    """A decision on one line."""
    verdict = paint(COLOURS[found.verdict], f"{found.verdict.upper():<7}")
    where = f"{found.subject.name}@sha256:{found.subject.digest.short} in {found.environment}"
    return f"{found.digest.short}  {verdict} {printable(where)}  {ago(found.decided_at, now)}"


def compared(found: Difference, paint: Paint, now: datetime) -> Iterator[str]:
    """What is between two decisions."""
    ends = (("then", found.before, found.ids[0]), ("now", found.after, found.ids[1]))
    for which, decision, identity in ends:
        verdict = paint(COLOURS[decision.verdict], f"{decision.verdict.upper():<7}")
        where = printable(f"{decision.subject} in {decision.environment}")
        when = f"{ago(decision.decided_at, now)}, decision {identity.short}"
        yield f"{which:<4} {verdict} {where}  {paint('dim', when)}"
    if not found.changes:
        yield "Nothing is between them but time."
    for change in found.changes:
        yield _change(change, paint)


def _change(change: Change, paint: Paint) -> str:
    mark, colour = "+", "red"
    if change.cause in _GOOD:
        mark, colour = "-", "green"
    elif change.cause in _NEUTRAL:
        mark, colour = "*", "dim"
    rule = f"{change.rule}: " if change.rule else ""
    return f" {paint(colour, mark)} {_WORDS[change.cause]:<14} {printable(rule + change.what)}"


def show_chain(
    shared: Context, found: Verification, output: OutputFormat, *, counted: str, whole: str
) -> None:
    """Write what came of looking at a chain.

    Args:
        shared: How it is painted.
        found: What came of it.
        output: The form.
        counted: What it counts, as a field.
        whole: What is so where nothing is broken, for people.
    """
    if output is OutputFormat.JSON:
        from supplychain.export.data import verification_data

        write_json(verification_data(found, counted))
        return
    told = _chain_lines(found, f"{counted}, {whole}", shared.paint)
    write("\n".join(told) + "\n")


def _chain_lines(found: Verification, whole: str, paint: Paint) -> Iterator[str]:
    for one in found.breaks:
        place = f"number {one.sequence}: " if one.sequence else ""
        yield f"{paint('red', 'BROKEN')}  {place}{printable(one.what)}"
    if not found.breaks:
        yield f"{paint('green', 'whole')}  {found.count} {whole}"
    if found.head is not None:
        yield f"newest link  {found.head.digest}  (number {found.head.sequence})"
