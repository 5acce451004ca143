"""A decision as people read it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from supplychain.cli.console import Paint, printable
from supplychain.cli.times import ago, span
from supplychain.model.decision import Decision, Outcome, RuleResult, Verdict, Violation
from supplychain.model.digest import Digest

_COLOUR = {Verdict.ALLOW: "green", Verdict.DENY: "red", Verdict.PENDING: "yellow"}
_MARK = {
    Outcome.PASSED: ("green", "\N{CHECK MARK}"),
    Outcome.VIOLATED: ("red", "\N{BALLOT X}"),
    Outcome.WAIVED: ("yellow", "~"),
    Outcome.WARNED: ("yellow", "!"),
    Outcome.NOT_APPLICABLE: ("dim", "-"),
}
# A denial over hundreds of findings is read from the top; `--all` and JSON hold every one.
_SHOWN = 12


def lines(
    decision: Decision,
    identity: Digest | None,
    paint: Paint,
    *,
    now: datetime,
    everything: bool = False,
) -> Iterator[str]:
    """The lines of a verdict: headline, rules, remedies, and how long it holds.

    Args:
        decision: The decision.
        identity: Digest of its document, by which the record knows it; None where nobody
            recorded it.
        paint: How to colour.
        now: The moment to which times are relative (aware).
        everything: Show every violation, not only the first dozen of each rule.
    """
    yield headline(decision, identity, paint)
    width = max((len(r.rule) for r in decision.results), default=0)
    for result in decision.results:
        yield from _rule(result, width, paint, everything=everything)
    if decision.remedies:
        shown = decision.remedies if everything else decision.remedies[:_SHOWN]
        yield paint("bold", "To allow it:")
        yield from (f"  {printable(remedy)}" for remedy in shown)
        yield from _more(len(decision.remedies) - len(shown))
    elif decision.verdict is Verdict.PENDING:
        yield paint("bold", "Evidence is on its way: ask again soon.")
    yield paint("dim", _footer(decision, now))


def headline(decision: Decision, identity: Digest | None, paint: Paint) -> str:
    """The verdict, about what it is, by which policy, and how the record knows it."""
    verdict = paint(_COLOUR[decision.verdict], decision.verdict.upper())
    policy = f"policy {decision.policy.short}" if decision.policy else "no policy"
    known = f"decision {identity.short}" if identity else "not recorded"
    return f"{verdict}  {printable(str(decision.subject))} in {decision.environment}\n" + paint(
        "dim", f"       {policy}    {known}"
    )


def mark_of(outcome: Outcome, paint: Paint) -> str:
    """The mark of an outcome, in its colour."""
    colour, mark = _MARK[outcome]
    return paint(colour, mark)


def _rule(result: RuleResult, width: int, paint: Paint, *, everything: bool) -> Iterator[str]:
    def label(outcome: Outcome) -> str:
        return f" {mark_of(outcome, paint)} {result.rule:<{width}}  "

    if not result.violations:
        summary = printable(result.summary)
        if result.outcome is Outcome.NOT_APPLICABLE:
            summary = paint("dim", f"not applicable: {summary}")
        yield label(result.outcome) + summary
        yield from _notes(result, paint, everything=everything)
        return
    # What denies comes first: it is what people look for.
    ordered = sorted(result.violations, key=lambda v: bool(v.waiver))
    shown = ordered if everything else ordered[:_SHOWN]
    for violation in shown:
        outcome = Outcome.WAIVED if violation.waiver else result.outcome
        yield label(outcome) + about(violation, paint) + bearing(result, violation)
        yield from (f"     {paint('dim', printable(note))}" for note in violation.notes)
    yield from _more(len(result.violations) - len(shown))
    yield from _notes(result, paint, everything=everything)


def _notes(result: RuleResult, paint: Paint, *, everything: bool) -> Iterator[str]:
    """What else a rule tells: whose claims cleared what."""
    shown = result.notes if everything else result.notes[:_SHOWN]
    yield from (f"   {paint('dim', printable(note))}" for note in shown)
    yield from _more(len(result.notes) - len(shown))


def bearing(result: RuleResult, violation: Violation) -> str:
    """That a violation only warns, and from when it denies; "" where it does, or is waived."""
    if violation.waiver or result.outcome is not Outcome.WARNED:
        return ""
    if result.bites_at is None:
        return "  only a warning"
    return f"  a warning, denies from {result.bites_at.isoformat().replace('+00:00', 'Z')}"


def about(violation: Violation, paint: Paint) -> str:
    """A violation on one line: what is wrong, where, since when it is known."""
    platform = printable(f"  [{violation.platform}]") if violation.platform else ""
    platform += f"  {paint('yellow', f'({violation.waiver})')}" if violation.waiver else ""
    if violation.finding is None:
        return printable(violation.message) + platform
    finding = violation.finding
    fix = f" \N{RIGHTWARDS ARROW} {finding.fixed_version}" if finding.fixed_version else ", no fix"
    path = f"  {paint('dim', printable(finding.path))}" if finding.path else ""
    known = ""
    if violation.first_seen_at and violation.evidence:
        at = violation.evidence.produced_at.timestamp() + violation.evidence.age_seconds
        known = f"  known {span(at - violation.first_seen_at.timestamp())}"
    what = (
        f"{finding.vulnerability_id}  {finding.severity}  "
        f"{finding.package} {finding.installed_version}{fix}"
    )
    beside = printable("".join(f", {word}" for word in violation.beside))
    return f"{printable(what)}{path}{known}{beside}{platform}"


def _more(count: int) -> Iterator[str]:
    if count > 0:
        yield f"   \N{HORIZONTAL ELLIPSIS} and {count} more (--all shows them)"


def _footer(decision: Decision, now: datetime) -> str:
    ages = [f"{e.kind} {ago(e.produced_at, now)}" for e in decision.evidence[:4]]
    evidence = "Evidence: " + (", ".join(ages) if ages else "none")
    if decision.holds_until is None:
        return evidence
    return f"{evidence}. Time alone changes this verdict {ago(decision.holds_until, now)}."
