"""What may be done to a waiver, and by whom: judged when it is done, and at each decision anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from supplychain.errors import ConflictError, InputError
from supplychain.gate.durations import LONGEST, span
from supplychain.gate.waiver_scope import require_scope
from supplychain.gate.waiver_terms import WaiverRules, require_longest
from supplychain.gate.waivers import same_person
from supplychain.gate.windows import rfc3339
from supplychain.model.digest import Digest
from supplychain.model.finding import Severity
from supplychain.model.waiver import Waiver, WaiverState, WaiverStep, WaiverTerms

_OTHERWISE = "supplychain waivers request"


def require_terms(terms: WaiverTerms, at: datetime) -> None:
    """Refuse what nobody should ask for.

    Raises:
        InputError: It is about everything, says no reason, or is over before it begins.
    """
    require_scope(terms.scope)
    if not terms.reason.strip():
        raise InputError("nobody says why", hint='--reason "what makes the risk bearable"')
    if terms.expires_at <= at:
        raise InputError(
            f"the waiver would have expired {span(at - terms.expires_at)} ago",
            hint=f"--expires with an instant after {rfc3339(at)}, or as 14d",
        )
    if terms.expires_at - at > LONGEST:
        raise InputError("the waiver would last more than ten years", hint="--expires 30d")


def require_change(waivers: Sequence[Waiver], at: datetime) -> Waiver:
    """The terms that a change begins from: those asked for last.

    Args:
        waivers: What one waiver is, as `waivers_of` gives it.
        at: The instant (aware, UTC).

    Raises:
        ConflictError: It was revoked.
    """
    last = waivers[-1]
    if last.ended is WaiverState.REVOKED:
        raise ConflictError(f"{last.name} {_ended(last, at)}", hint=_OTHERWISE)
    return last


def require_answer(
    waivers: Sequence[Waiver], step: WaiverStep, actor: str, document: Digest | None, at: datetime
) -> Waiver:
    """The request that is approved or rejected.

    Args:
        waivers: What one waiver is, as `waivers_of` gives it.
        step: Which of the two.
        actor: By whom.
        document: The very request that is meant; None for whatever was asked for last.
        at: The instant (aware, UTC).

    Raises:
        ConflictError: Nothing is asked for, or something else.
        InputError: The actor asked for it.
    """
    last = waivers[-1]
    if last.ended is not None:
        raise ConflictError(f"{last.name} {_ended(last, at)}", hint=_OTHERWISE)
    if last.approved_at is not None:
        raise ConflictError(
            f"{last.name} was approved already, by {last.approved_by}",
            hint=f"supplychain waivers revoke {last.name} ends it",
        )
    if document is not None and document != last.document:
        raise ConflictError(
            f"{last.name} asks for something else by now",
            because=f"its latest request is {last.document}",
            hint=f"supplychain waivers show {last.name}",
        )
    if step is WaiverStep.APPROVED:
        if last.state(at) is WaiverState.EXPIRED:
            raise ConflictError(
                f"{last.name} expired {span(at - last.terms.expires_at)} ago",
                hint=f"supplychain waivers extend {last.name} --expires 14d",
            )
        if same_person(actor, last.requested_by):
            raise InputError(
                f"{actor} asked for {last.name} and cannot approve it",
                hint="somebody else has to, whom the policy names under waivers",
            )
    return last


def require_another(
    waiver: Waiver, actor: str, names: Collection[str], makers: Mapping[str, Collection[str]]
) -> None:
    """Refuse as an approver who asked by another name, or made a machine's way in.

    What a machine asks for, they can ask for who let it in.

    Args:
        waiver: What is to be approved.
        actor: By whom.
        names: Every name that the actor has or had.
        makers: Who made a token of each machine that asked for it, or a rule by which it gets one.

    Raises:
        InputError: The actor is one of them.
    """
    for name in names:
        if same_person(name, waiver.requested_by):
            raise InputError(
                f"{actor} asked for {waiver.name} as {name} and cannot approve it",
                hint="somebody else has to, whom the policy names under waivers",
            )
    for machine, people in makers.items():
        if any(same_person(name, people) for name in names):
            raise InputError(
                f"{actor} let in {machine}, which asked for {waiver.name}, and cannot approve it",
                hint="somebody else has to, whom the policy names under waivers",
            )


def require_running(waivers: Sequence[Waiver], at: datetime) -> Waiver:
    """The waiver that is revoked.

    Raises:
        ConflictError: It ended already.
    """
    for waiver in waivers:
        if waiver.state(at) in {WaiverState.APPROVED, WaiverState.REQUESTED}:
            return waiver
    last = waivers[-1]
    how = _ended(last, at) if last.ended else f"expired {span(at - last.terms.expires_at)} ago"
    raise ConflictError(f"{last.name} {how}", hint=f"supplychain waivers show {last.name}")


def require_bounds(
    terms: WaiverTerms,
    policies: Mapping[str, WaiverRules | None],
    severities: Collection[Severity | None],
    at: datetime,
) -> None:
    """Refuse to ask for more time than any of the environments would bear, however mild it is.

    Args:
        terms: What is asked for.
        policies: What the policies of the environments concerned say of waivers, by environment.
        severities: How bad what it is about may be; None among them for no finding.
        at: From when it would count at the earliest (aware, UTC).

    Raises:
        InputError: No environment would.
    """
    refused: list[InputError] = []
    for rules in filter(None, policies.values()):
        for severity in severities:
            try:
                require_longest(rules, severity, terms.expires_at - at)
            except InputError as error:
                refused.append(error)
            else:
                return
    if refused:
        raise next((error for error in refused if error.hint), refused[0])


def require_approver(actor: str, policies: Mapping[str, WaiverRules | None]) -> list[str]:
    """The environments in which somebody's approval counts.

    Args:
        actor: Who.
        policies: As `require_bounds`.

    Raises:
        InputError: It counts in none of them.
    """
    there = [name for name, rules in policies.items() if rules and actor in rules.approvers]
    if there:
        return there
    if not policies:
        raise InputError(
            "there is no policy that says whose approval counts",
            hint="write policies/ENVIRONMENT.yaml with waivers: {approvers: [...], max: {...}}",
        )
    named = sorted({who for rules in policies.values() if rules for who in rules.approvers})
    whom = f"ask {' or '.join(named)}" if named else "write waivers: {approvers: [...]} into it"
    raise InputError(
        f"the policy for {' or '.join(policies)} does not let {actor} approve waivers", hint=whom
    )


def _ended(waiver: Waiver, at: datetime) -> str:
    when = f", {span(at - waiver.ended_at)} ago" if waiver.ended_at else ""
    return f"was {waiver.ended} by {waiver.ended_by}{when}"
