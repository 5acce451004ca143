"""What another policy changes, as people and programs read it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from supplychain.cli.console import Paint, printable, say
from supplychain.cli.decided_lines import COLOURS

if TYPE_CHECKING:
    from supplychain.gate.policy import Policy
    from supplychain.pipeline.simulate import Shift

    Pairs = Sequence[tuple[Policy, Policy]]

# Enough to see what it is about; JSON has every one.
_SHOWN = 3


class Counter:
    """Says from time to time how far a simulation is."""

    _PATIENCE_SECONDS = 2.0

    def __init__(self, *, quiet: bool) -> None:
        self.total = 0
        self._quiet = quiet
        self._said_at = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """So many are done."""
        self.total = total
        now = time.monotonic()
        if not self._quiet and now - self._said_at > self._PATIENCE_SECONDS:
            self._said_at = now
            say(f"simulate  {done:,} of {total:,} images")


def told(pairs: Pairs, shifts: Sequence[Shift] | None, total: int, paint: Paint) -> Iterator[str]:
    """The lines for people."""
    for old, new in pairs:
        gone, come = _rules(old, new)
        if old.digest == new.digest:
            yield f"{new.environment}: the same policy"
            continue
        yield f"{new.environment}: policy {old.digest.short} becomes {new.digest.short}"
        yield from (f" {paint('dim', '-')} {printable(text)}" for text in gone)
        yield from (f" {paint('dim', '+')} {printable(text)}" for text in come)
    if shifts is None:
        return
    for shift in shifts:
        verdicts = " → ".join(
            paint(COLOURS[one], one.upper()) for one in (shift.before, shift.after)
        )
        yield f"{verdicts}  {printable(str(shift.subject))} in {printable(shift.environment)}"
        yield from (f"   {rule}: {printable(why)}" for rule, why in shift.reasons[:_SHOWN])
        if len(shift.reasons) > _SHOWN:
            yield f"   … and {len(shift.reasons) - _SHOWN} more"
    yield f"{len(shifts):,} of {total:,} verdicts would change"


def as_data(pairs: Pairs, shifts: Sequence[Shift] | None, total: int) -> dict[str, object]:
    """The same for programs."""
    policies = []
    for old, new in pairs:
        gone, come = _rules(old, new)
        policies.append(
            {
                "environment": new.environment,
                "old": str(old.digest),
                "new": str(new.digest),
                "removed": gone,
                "added": come,
            }
        )
    if shifts is None:
        return {"policies": policies}
    changes = [
        {
            "name": shift.subject.name,
            "digest": str(shift.subject.digest),
            "environment": shift.environment,
            "before": shift.before.value,
            "after": shift.after.value,
            "reasons": [{"rule": rule, "what": what} for rule, what in shift.reasons],
        }
        for shift in shifts
    ]
    return {"policies": policies, "judged": total, "changes": changes}


def _rules(old: Policy, new: Policy) -> tuple[list[str], list[str]]:
    """The rules that only the old one has, and those that only the new one has."""
    from supplychain.gate.comparison import rules_as_text

    before, after = rules_as_text(old), rules_as_text(new)
    gone = [text for text in before if text not in after]
    return gone, [text for text in after if text not in before]
