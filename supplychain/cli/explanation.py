"""A verdict as a tree: every rule, what it looked at, what would change it, and what there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from supplychain.cli.console import Paint, printable
from supplychain.cli.context import rfc3339
from supplychain.cli.times import ago
from supplychain.cli.verdict import about, bearing, headline, mark_of
from supplychain.frozen import dataclass
from supplychain.model.decision import Decision, Outcome, RuleResult, Violation

if TYPE_CHECKING:
    from supplychain.gate.policy import Policy
    from supplychain.model.digest import Digest
    from supplychain.model.dossier import Dossier, PlatformDossier
    from supplychain.model.evidence import VerifiedAttestation
from supplychain.model.unsigned import Claimed


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of a tree, with what hangs from it."""

    text: str
    branches: tuple[Branch, ...] = ()


def explain(
    decision: Decision,
    dossier: Dossier | None,
    policy: Policy | None,
    paint: Paint,
    *,
    stands: Digest | None = None,
) -> Iterator[str]:
    """The lines of an explanation.

    Args:
        decision: What the gate says.
        dossier: What it judged.
        policy: By which policy; None for none.
        paint: How to colour.
        stands: The recorded decision that says the same and still holds; None for none.
    """
    at = decision.decided_at
    yield headline(decision, stands, paint)
    branches = [Branch(f"as of {rfc3339(at)}")]
    branches += [*_rules(decision, policy, at, paint), _recorded(dossier, at)]
    if decision.remedies:
        said = tuple(Branch(printable(remedy)) for remedy in decision.remedies)
        branches.append(Branch(paint("bold", "to allow it"), said))
    branches.append(Branch(_end(decision)))
    yield from _drawn(branches)


def _drawn(branches: Sequence[Branch], indent: str = "") -> Iterator[str]:
    for branch in branches:
        last = branch is branches[-1]
        yield f"{indent}{'└' if last else '├'}─ {branch.text}"
        yield from _drawn(branch.branches, indent + ("   " if last else "│  "))


def _rules(
    decision: Decision, policy: Policy | None, at: datetime, paint: Paint
) -> Iterator[Branch]:
    from supplychain.gate.comparison import rules_as_text

    texts = list(rules_as_text(policy)) if policy else []
    # The first result is about platforms; where no rule was asked, nothing else follows it.
    asked = dict(enumerate(texts, start=1)) if len(decision.results) > len(texts) else {}
    origins = [entry.origin for entry in policy.rules] if policy else []
    for place, result in enumerate(decision.results):
        below = [_violation(result, one, at, paint) for one in result.violations]
        if text := asked.get(place):
            origin = f"  ({printable(origins[place - 1])})" if origins[place - 1] else ""
            below.insert(0, Branch(paint("dim", printable(text) + origin)))
        yield Branch(_headline(result, paint), tuple(below))


def _headline(result: RuleResult, paint: Paint) -> str:
    name = f"{result.rule} ({result.id})" if result.id else result.rule
    became = result.outcome.value.replace("_", " ")
    said = f"{name}: {became}; {result.summary}"
    if result.outcome is Outcome.WARNED and result.bites_at is not None:
        said += f"; denies from {rfc3339(result.bites_at)}"
    return f"{mark_of(result.outcome, paint)} {printable(said)}"


def _violation(result: RuleResult, one: Violation, at: datetime, paint: Paint) -> Branch:
    below = [Branch(paint("dim", printable(note))) for note in one.notes]
    if one.evidence is not None:
        found = one.evidence
        below.append(Branch(f"{found.kind} {found.digest}, {ago(found.produced_at, at)}"))
    elif one.awaits is not None:
        below.append(Branch(f"no {one.awaits} on record"))
    if one.remedy and not one.waiver:
        below.append(Branch(f"then it would pass: {printable(one.remedy)}"))
    return Branch(about(one, paint) + bearing(result, one), tuple(below))


def _recorded(dossier: Dossier | None, at: datetime) -> Branch:
    if dossier is None:
        return Branch("on record: nothing")
    own = [_attestation(one, at) for one in dossier.attestations]
    platforms = [_platform(one, at) for one in dossier.platforms]
    return Branch(f"on record about {printable(str(dossier.subject))}", (*own, *platforms))


def _platform(found: PlatformDossier, at: datetime) -> Branch:
    below = []
    if found.scan is None:
        below.append(Branch("no scan"))
    else:
        made, database = found.scan.evidence, found.scan.database
        tool = f"{made.producer.name} {made.producer.version}"
        below.append(
            Branch(
                printable(f"scan {made.digest} by {tool}, {ago(made.produced_at, at)}: ")
                + f"{found.component_count} components, {len(found.findings)} findings",
                (Branch(f"database {database.digest}, {ago(database.updated_at, at)}"),),
            )
        )
    if found.sbom is None:
        below.append(Branch("no SBOM"))
    else:
        made = found.sbom.evidence
        below.append(Branch(f"sbom {made.digest}, {ago(made.produced_at, at)}"))
    below += [_attestation(one, at) for one in found.attestations]
    below += [_claim(one, at) for one in found.claims]
    text = printable(f"{found.platform} {found.subject.digest}")
    return Branch(text, tuple(below))


def _claim(one: Claimed, at: datetime) -> Branch:
    said = one.told.scan or one.told.sbom
    what = f"{said.evidence.kind} {said.evidence.digest}" if said else "nothing"
    return Branch(
        printable(f"{what} claimed by {one.caller}, unsigned, {ago(one.recorded_at, at)}")
    )


def _attestation(one: VerifiedAttestation, at: datetime) -> Branch:
    what = "signature" if one.is_signature else f"attestation {one.predicate_type}"
    when = ago(one.signed_at or one.verified_at, at)
    return Branch(printable(f"{what} {one.envelope} by {one.verified_by}, {when}"))


def _end(decision: Decision) -> str:
    if decision.holds_until is None:
        return "time alone never changes it"
    until = decision.holds_until
    return f"holds until {rfc3339(until)} ({ago(until, decision.decided_at)})"
