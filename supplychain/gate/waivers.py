"""Which waivers bear which reasons to deny, at one instant: judged here, and nowhere else.

A waiver counts for a reason where it is about it; somebody approved exactly what was asked for,
whom the policy lets approve and who never asked for it; its time has not ended, and is no longer
than the policy allows; and it does not end with a repair that is known. Whatever the record says
is judged anew: that a waiver is in it proves none of this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from supplychain.gate.case import MOMENT, Case, Judgement
from supplychain.gate.durations import span
from supplychain.gate.entry import RuleEntry
from supplychain.gate.waiver_scope import concerns, covers, is_here
from supplychain.gate.waiver_terms import WaiverRules
from supplychain.gate.windows import rfc3339
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.evidence import EvidenceKind
from supplychain.model.finding import Severity
from supplychain.model.waiver import EndsWithFix, Waiver, WaiverState

# As many approvers as a note names.
_SHOWN = 3


class Waivers:
    """The waivers of one case, under one policy.

    Args:
        case: The case, with every waiver that could be meant.
        rules: What the policy says of waivers; None where it lets none count.
    """

    def __init__(self, case: Case, rules: WaiverRules | None) -> None:
        self._case = case
        self._rules = rules
        self._by_vulnerability: dict[str, list[Waiver]] = defaultdict(list)
        for waiver in case.dossier.waivers:
            if is_here(waiver.scope, case):
                self._by_vulnerability[waiver.scope.vulnerability].append(waiver)
        self._longest: dict[Severity | None, timedelta | None] = {}
        if rules is not None and self._by_vulnerability:
            self._longest = {severity: rules.longest(severity) for severity in (None, *Severity)}

    def bear(self, entry: RuleEntry, said: Judgement) -> Judgement:
        """What a rule says, with the waiver in every reason that one bears.

        The judgement rests on the waivers that it needs, and holds no longer than they do.
        """
        if not said.violations or not self._by_vulnerability:
            return said
        judged = [(v, *self._judged(entry, v)) for v in said.violations]
        used = {waiver for _, waiver, _ in judged if waiver is not None}
        ends = [said.holds_until] if said.holds_until is not None else []
        if entry.denies(self._case.environment, self._case.at):
            ends += [last_moment(waiver) for waiver in used]
        return replace(
            said,
            violations=tuple(_with(v, waiver, notes) for v, waiver, notes in judged),
            evidence=(*said.evidence, *(self._cite(waiver) for waiver in used)),
            holds_until=min(ends, default=None),
        )

    def _judged(
        self, entry: RuleEntry, violation: Violation
    ) -> tuple[Waiver | None, tuple[str, ...]]:
        """The waiver that bears a reason the longest; or why those that are about it do not."""
        counting: list[Waiver] = []
        refused: list[tuple[int, str]] = []
        for waiver in self._about(entry, violation):
            why_not = self._why_not(waiver, entry, violation)
            if why_not is None:
                counting.append(waiver)
            else:
                refused.append((waiver.number, f"{waiver.name} {why_not}"))
        if not counting:
            return None, tuple(note for _, note in sorted(refused))
        best = max(counting, key=lambda w: (w.terms.expires_at, -w.number, str(w.document)))
        until = rfc3339(best.terms.expires_at)
        return best, (f"waived by {best.approved_by} until {until}: {best.terms.reason}",)

    def _about(self, entry: RuleEntry, violation: Violation) -> Iterator[Waiver]:
        finding = violation.finding
        names = (finding.vulnerability_id, *finding.aliases) if finding else ()
        for name in dict.fromkeys(("", *names)):
            for waiver in self._by_vulnerability.get(name, ()):
                if covers(waiver.scope, entry.rule.name, violation, self._case):
                    yield waiver

    def _why_not(self, waiver: Waiver, entry: RuleEntry, violation: Violation) -> str | None:
        """Why a waiver that is about a reason does not bear it; None where it does."""
        if not entry.rule.waivable:
            return f"does not count: rule {entry.rule.name} cannot be waived"
        return (
            self._not_in_force(waiver)
            or self._elsewhere(waiver)
            or self._not_approved(waiver)
            or self._too_long(waiver, violation)
            or self._repaired(waiver, violation)
        )

    def _not_in_force(self, waiver: Waiver) -> str | None:
        at, terms = self._case.at, waiver.terms
        if waiver.ended is not None:
            when = f", {span(at - waiver.ended_at)} ago" if waiver.ended_at else ""
            return f"was {waiver.ended} by {waiver.ended_by}{when}"
        if waiver.state(at) is WaiverState.EXPIRED:
            return f"expired {span(at - terms.expires_at)} ago"
        if waiver.approved_at is None or not waiver.approved_by:
            return f"is not approved{self._whom_to_ask(waiver)}"
        if waiver.approved_at > at:
            return f"counts only from {rfc3339(waiver.approved_at)}"
        return None

    def _elsewhere(self, waiver: Waiver) -> str | None:
        """Why what the image is called does not make it one of the waiver's repository."""
        name, dossier = waiver.scope.repository, self._case.dossier
        if not name or name in dossier.repositories:
            return None
        image = f"{name}@{dossier.subject.digest}"
        return f"does not count: no registry is known to have it there: supplychain run {image}"

    def _whom_to_ask(self, waiver: Waiver) -> str:
        rules = self._rules
        approvers = rules.approvers if rules is not None else ()
        others = [name for name in approvers if not same_person(name, waiver.requested_by)]
        shown = [*others[:_SHOWN], *(["others"] if len(others) > _SHOWN else [])]
        return f": ask {' or '.join(shown)}" if shown else ""

    def _not_approved(self, waiver: Waiver) -> str | None:
        where = self._case.environment
        if self._rules is None:
            return f"does not count: the policy for {where} lets nobody waive anything"
        if same_person(waiver.approved_by, waiver.requested_by):
            return f"is approved by its requester, {waiver.approved_by}"
        if waiver.approved_by not in self._rules.approvers:
            return f"is approved by {waiver.approved_by}, no approver of the policy for {where}"
        return None

    def _too_long(self, waiver: Waiver, violation: Violation) -> str | None:
        """Why its time is more than the policy allows for how bad the reason is."""
        if self._rules is None or waiver.approved_at is None:
            return "does not count"
        severity = violation.finding.severity if violation.finding else None
        longest, lasts = self._longest[severity], waiver.terms.expires_at - waiver.approved_at
        if longest is not None and lasts <= longest:
            return None
        what = "what is not about a finding" if severity is None else f"what is {severity}"
        if longest is None:
            return f"does not count: the policy lets nobody waive {what}"
        return f"lasts {span(lasts)}, and the policy allows {span(longest)} for {what}"

    def _repaired(self, waiver: Waiver, violation: Violation) -> str | None:
        """Why it ended with a repair."""
        ends, finding = waiver.terms.ends_with_fix, violation.finding
        if ends is EndsWithFix.NEVER:
            return None
        if finding is not None and finding.fixable:
            return f"ended: {finding.fixed_version} repairs {finding.package}"
        if ends is EndsWithFix.ALL:
            everything = (r.finding for p in self._case.platforms for r in p.findings)
            fixed = {f for f in everything if f.fixable and concerns(waiver.scope, f)}
            if fixed:
                first = min(fixed, key=lambda f: (f.vulnerability_id, f.package, f.fixed_version))
                return f"ended: {first.vulnerability_id} of {first.package} can be repaired"
        return None

    def _cite(self, waiver: Waiver) -> EvidenceReference:
        made_at = waiver.approved_at or waiver.requested_at
        document = waiver.approval or waiver.document
        return self._case.cite_document(EvidenceKind.WAIVER, document, made_at)


def _with(violation: Violation, waiver: Waiver | None, notes: Iterable[str]) -> Violation:
    return replace(
        violation,
        waiver=waiver.name if waiver is not None else violation.waiver,
        notes=(*violation.notes, *notes),
    )


def same_person(name: str, people: Iterable[str]) -> bool:
    """Whether somebody is one of several; names that differ by case alone are one person's."""
    return name.casefold() in {person.casefold() for person in people}


def last_moment(waiver: Waiver) -> datetime:
    """The last instant at which it counts."""
    return waiver.terms.expires_at - MOMENT
