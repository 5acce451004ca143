"""Is the image neither too old nor too new?"""

from __future__ import annotations

from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.case import Case, Judgement
from supplychain.gate.durations import span
from supplychain.gate.evidence import FIRST_IMAGE, run, usable_config
from supplychain.gate.options import DURATION, choice, option
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.dossier import Need, PlatformDossier
from supplychain.model.evidence import EvidenceKind


class Since(StrEnum):
    """From when on an image's age is counted."""

    CREATED = "created"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class Age:
    """Every platform is at most so old, or at least.

    `since: created` counts from the instant that the image's own configuration names: a claim of
    whoever built it, which nobody verified. An image that names none, or one that no image can
    have (reproducible builds say 1970 or 1980), is of unknown age and violates the rule.
    `since: recorded` counts from when the record first held something about it: nobody outside
    can choose that, and it is later than the image was made. A cool-down (`min`) that has to hold
    against an attacker counts from there, and reproducible images have nothing else.
    """

    name: ClassVar[str] = "age"
    examples: ClassVar[tuple[str, ...]] = (
        "age: {max: 90d}",
        """
        # New images wait for three days, so that others find what is wrong with them:
        age: {min: 3d, since: recorded}
        """,
    )
    needs: ClassVar[frozenset[Need]] = frozenset()
    waivable: ClassVar[bool] = True

    max: timedelta | None = field(
        default=None, metadata=option(DURATION, "how old it may be; default: any age")
    )
    min: timedelta | None = field(
        default=None, metadata=option(DURATION, "how old it has to be; default: any age")
    )
    since: Since = field(
        default=Since.CREATED,
        metadata=option(
            choice("an instant to count from", {str(s): s for s in Since}),
            "`created`, as the image says, or `recorded`, first seen here; default `created`",
        ),
    )

    def __post_init__(self) -> None:
        """Refuse a rule that demands nothing, or what no image can meet.

        Raises:
            PolicyError: It does.
        """
        if self.max is None and self.min is None:
            raise PolicyError("age demands nothing", hint="give it max, min or both: {max: 90d}")
        if self.max is not None and self.min is not None and self.min > self.max:
            raise PolicyError(
                "no image is old enough and young enough", hint="min has to be less than max"
            )

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        violations: list[Violation] = []
        evidence: list[EvidenceReference] = []
        moments: list[datetime] = []
        for platform in case.platforms:
            found = self._begun(platform, case)
            if isinstance(found, Violation):
                violations.append(found)
                continue
            moment, cited = found
            moments.append(moment)
            evidence += [cited] if cited else []
            if said := self._wrong(case.age(moment)):
                remedy = self._remedy(moment, case)
                shown = case.named(platform)
                violations.append(Violation(said, remedy, platform=shown, evidence=cited))
        verb = "made" if self.since is Since.CREATED else "first recorded"
        ages = [span(case.age(moment)) for moment in sorted(moments)]
        summary = f"{verb} {', '.join(dict.fromkeys(ages))} ago" if ages else "of unknown age"
        return Judgement(
            summary,
            tuple(violations),
            tuple(evidence),
            min((m + self.max for m in moments if self.max is not None), default=None),
            self._relents_at(moments, case),
        )

    def _begun(
        self, platform: PlatformDossier, case: Case
    ) -> tuple[datetime, EvidenceReference | None] | Violation:
        """From when on it counts, or why that is not known."""
        if self.since is Since.RECORDED:
            moment = platform.recorded_at
            if moment is None or case.to_come(moment):
                return _unknown("when it was first recorded", platform, case, None)
            return moment, None
        found = usable_config(platform, case)
        if isinstance(found, Violation):
            return found
        config, cited = found
        moment = config.created_at
        if moment is None or moment < FIRST_IMAGE:
            return _unknown("when it was made", platform, case, cited)
        if case.to_come(moment):
            said = f"it says that it was made in the future, {span(moment - case.at)} ahead"
            remedy = "build it again, with a clock that is right"
            return Violation(said, remedy, platform=case.named(platform), evidence=cited)
        return moment, cited

    def _wrong(self, age: timedelta) -> str:
        if self.max is not None and age > self.max:
            return f"it is {span(age)} old, limit {span(self.max)}"
        if self.min is not None and age < self.min:
            return f"it is {span(age)} old, and has to be {span(self.min)}"
        return ""

    def _remedy(self, moment: datetime, case: Case) -> str:
        if self.min is not None and case.age(moment) < self.min:
            return f"wait until {(moment + self.min).isoformat(timespec='seconds')}"
        return "build it again"

    def _relents_at(self, moments: list[datetime], case: Case) -> datetime | None:
        """When the youngest is old enough."""
        if self.min is None or not moments:
            return None
        ripe = max(moments) + self.min
        return ripe if ripe > case.at else None


def _unknown(
    what: str, platform: PlatformDossier, case: Case, cited: EvidenceReference | None
) -> Violation:
    """A claim that is missing stays so; what was not recorded may come."""
    if cited is None:
        awaits = EvidenceKind.CONFIG
        return Violation(
            f"it is not known {what}", run(case), platform=case.named(platform), awaits=awaits
        )
    return Violation(
        f"it does not say {what}",
        "count from when it was recorded: age: {since: recorded}, or build it with its date",
        platform=case.named(platform),
        evidence=cited,
    )
