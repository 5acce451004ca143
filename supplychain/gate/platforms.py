"""Which platforms of an image an environment runs, and whether all of them can be judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from supplychain.model.decision import Outcome, RuleResult, Violation
from supplychain.model.dossier import Dossier, PlatformDossier
from supplychain.model.subject import Platform


def select_platforms(
    dossier: Dossier, asked: Sequence[Platform], environment: str
) -> tuple[tuple[PlatformDossier, ...], RuleResult]:
    """What is to be judged, in a fixed order, and the result that says so.

    Of an index every asked platform has to be recorded; the manifest of one platform has to be
    for one that is asked. `linux/arm` asks for every variant of it.

    Args:
        dossier: The recorded evidence.
        asked: What the environment runs; empty for everything that is recorded.
        environment: The environment, for messages.
    """
    recorded = sorted(dossier.platforms, key=lambda p: (str(p.platform), p.subject))
    chosen = tuple(p for p in recorded if not asked or any(p.platform.runs(a) for a in asked))
    if [p.subject.digest for p in recorded] == [dossier.subject.digest]:
        violations = [] if chosen else [_foreign(recorded[0], asked, environment)]
    else:
        violations = list(_absent(chosen, asked, dossier))
    outcome = Outcome.VIOLATED if violations else Outcome.PASSED
    return chosen, RuleResult("platforms", outcome, _summary(recorded, chosen), tuple(violations))


def _foreign(platform: PlatformDossier, asked: Sequence[Platform], environment: str) -> Violation:
    return Violation(
        message=f"the image is for {platform.platform}, and {environment} runs {_list(asked)}",
        remedy=f"build it for {_list(asked)}",
    )


def _absent(
    chosen: Sequence[PlatformDossier], asked: Sequence[Platform], dossier: Dossier
) -> Iterable[Violation]:
    remedy = f"supplychain run {dossier.subject}"
    if not asked and not chosen:
        yield Violation("no platform of this index is recorded", remedy)
    for platform in asked:
        if not any(p.platform.runs(platform) for p in chosen):
            yield Violation(
                f"no {platform} of this index is recorded, so nobody judged it",
                remedy,
                platform=platform,
            )


def _summary(recorded: Sequence[PlatformDossier], chosen: Sequence[PlatformDossier]) -> str:
    others = [p.platform for p in recorded if p not in chosen]
    said = _list(p.platform for p in chosen) or "none"
    return f"{said}; not run here: {_list(others)}" if others else said


def _list(platforms: Iterable[Platform]) -> str:
    return ", ".join(str(platform) for platform in platforms)
