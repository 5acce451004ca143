"""Did people say that it may run there?"""

from __future__ import annotations

from dataclasses import field
from datetime import timedelta
from typing import ClassVar

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.case import Case, Judgement
from supplychain.gate.durations import span
from supplychain.gate.options import COUNT, DURATION, PEOPLE, option
from supplychain.model.decision import Violation
from supplychain.model.dossier import Need
from supplychain.model.evidence import EvidenceKind
from supplychain.model.history import Approval


@dataclass(frozen=True, slots=True)
class ApprovedByPeople:
    """People have approved exactly this digest for exactly this environment.

    `supplychain approvals give IMAGE --environment prod` is how they do so, and `withdraw` how they
    take it back. Each person counts once, and nobody who is not named in `by` does. An approval of
    an index is none of another index with the same platforms: what was approved is a digest.
    """

    name: ClassVar[str] = "approval"
    examples: ClassVar[tuple[str, ...]] = (
        "approval: {by: [alice, bob]}",
        """
        # Two of three, and not too long ago:
        approval: {by: [alice@acme.example, bob@acme.example, carol], count: 2, max_age: 7d}
        """,
    )
    needs: ClassVar[frozenset[Need]] = frozenset()
    waivable: ClassVar[bool] = True

    by: tuple[str, ...] = field(metadata=option(PEOPLE, "whose approval counts"))
    count: int = field(
        default=1, metadata=option(COUNT, "how many of them have to approve; default 1")
    )
    max_age: timedelta | None = field(
        default=None, metadata=option(DURATION, "how old an approval may be; default: any age")
    )

    def __post_init__(self) -> None:
        """Refuse what nobody could satisfy.

        Raises:
            PolicyError: More people have to approve than are named.
        """
        if self.count > len(set(self.by)):
            raise PolicyError(
                f"{self.count} have to approve, and {len(set(self.by))} may",
                hint="name more people in by, or lower count",
            )

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        given = sorted(
            (a for a in case.dossier.approvals if self._is_meant(a, case)),
            key=lambda a: (a.approved_at, a.document),
        )
        latest = {a.approved_by: a for a in given if self._refusal(a, case) is None}
        newest_first = sorted(latest.values(), key=lambda a: a.approved_at, reverse=True)
        counted = newest_first[: self.count]
        cited = tuple(
            case.cite_document(EvidenceKind.APPROVAL, a.document, a.approved_at) for a in counted
        )
        said = ", ".join(f"{a.approved_by} {span(case.age(a.approved_at))} ago" for a in counted)
        if len(counted) == self.count:
            end = None if self.max_age is None else counted[-1].approved_at + self.max_age
            return Judgement(f"approved by {said}", (), cited, end)
        refused = {a.approved_by: why for a in given if (why := self._refusal(a, case))}
        missing = Violation(
            message=f"approved by {said or 'nobody'}, {self.count} needed of {', '.join(self.by)}",
            remedy=f"supplychain approvals give {case.subject} --environment {case.environment}, "
            f"by {self.count - len(counted)} of {', '.join(n for n in self.by if n not in latest)}",
            awaits=EvidenceKind.APPROVAL,
            notes=tuple(f"{who}: {why}" for who, why in sorted(refused.items())),
        )
        return Judgement("not approved", (missing,), cited)

    def _is_meant(self, approval: Approval, case: Case) -> bool:
        return (
            approval.environment == case.environment
            and approval.subject.digest == case.subject.digest
            and approval.approved_by in self.by
        )

    def _refusal(self, approval: Approval, case: Case) -> str | None:
        """Why somebody's approval does not count; None where it does."""
        if approval.withdrawn_at is not None and not case.to_come(approval.withdrawn_at):
            return f"withdrawn by {approval.withdrawn_by}"
        if case.to_come(approval.approved_at):
            return "from the future"
        age = case.age(approval.approved_at)
        if self.max_age is not None and age > self.max_age:
            return f"{span(age)} ago, limit {span(self.max_age)}"
        return None
