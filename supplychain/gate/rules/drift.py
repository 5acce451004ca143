"""How far is it from what runs there now?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import ClassVar

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.case import Case, Judgement
from supplychain.gate.evidence import run, usable_scan
from supplychain.gate.options import BOOLEAN, NUMBER, ListOf, option
from supplychain.gate.packages import PACKAGE_PATTERN, PackagePattern
from supplychain.gate.ranges import Match
from supplychain.gate.shortened import shortened
from supplychain.model.component import Component
from supplychain.model.decision import Violation
from supplychain.model.dossier import Need, PlatformDossier, Running
from supplychain.model.evidence import EvidenceKind

# A package by its type and name, and the versions of it that an image has.
_Parts = Mapping[str, frozenset[str]]
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Drift:
    """The image differs by no more than so many packages from what runs there now.

    What runs there is the latest deployment of the same repository in this environment
    (`supplychain deployments report`) that has not ended: of the repositories in which a registry
    was seen to have the image, or where it never was, of any name that it was recorded under.
    Packages are compared by type and name, platform by platform, and counted: those that are new,
    those that are gone, and those with another version. Where nothing of that repository runs
    there, the rule is not applicable, or violated where `first: false` says so. An image that no
    registry is known to have is the first of no repository. Packages that `except_packages` names
    are not compared; where it gives a range of versions, those within it are not.
    """

    name: ClassVar[str] = "drift"
    examples: ClassVar[tuple[str, ...]] = (
        "drift: {added: 0}",
        """
        # A patch release: nothing comes, nothing goes, and few versions change.
        drift: {added: 0, removed: 0, changed: 20, first: false}
        """,
        """
        # Nothing new but what we build ourselves:
        drift: {added: 0, except_packages: ["pkg:npm/@acme/*", "pkg:deb/debian/tzdata"]}
        """,
    )
    needs: ClassVar[frozenset[Need]] = frozenset({Need.COMPONENTS, Need.RUNNING})
    waivable: ClassVar[bool] = True

    added: int | None = field(
        default=None, metadata=option(NUMBER, "how many packages may be new; default: any number")
    )
    removed: int | None = field(
        default=None, metadata=option(NUMBER, "how many may be gone; default: any number")
    )
    changed: int | None = field(
        default=None,
        metadata=option(NUMBER, "how many may have another version; default: any number"),
    )
    except_packages: tuple[PackagePattern, ...] = field(
        default=(),
        metadata=option(ListOf(PACKAGE_PATTERN), "packages that may come, go and change"),
    )
    first: bool = field(
        default=True,
        metadata=option(
            BOOLEAN, "whether it may be the first of its repository there; default true"
        ),
    )

    def __post_init__(self) -> None:
        """Refuse a rule that demands nothing.

        Raises:
            PolicyError: No kind of difference is limited.
        """
        if self.added is None and self.removed is None and self.changed is None:
            raise PolicyError("drift demands nothing", hint="say how much: {added: 0}")

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        running = case.dossier.running
        if running is None:
            return self._nothing_runs(case)
        deployed = running.deployment
        cited = [case.cite_document(EvidenceKind.DEPLOYMENT, deployed.document, deployed.since_at)]
        if deployed.subject.digest == case.subject.digest:
            return Judgement("it runs there already", (), tuple(cited))
        violations: list[Violation] = []
        summaries: list[str] = []
        for platform in case.platforms:
            counterpart = _counterpart(platform, running)
            scan = usable_scan(platform, case)
            if isinstance(scan, Violation):
                violations.append(scan)
                continue
            cited.append(case.cite(scan.evidence))
            if counterpart is None or counterpart.scan is None:
                violations.append(_unknown(platform, running, case))
                continue
            before, after = self._parts(counterpart.components), self._parts(platform.components)
            found = list(self._differences(before, after))
            summaries.append(", ".join(f"{len(names)} {kind}" for kind, names, _ in found))
            violations += self._violations(found, platform, running, case)
        summary = f"{'; '.join(dict.fromkeys(summaries)) or 'not compared'} since {_short(running)}"
        return Judgement(summary, tuple(violations), tuple(cited))

    def _nothing_runs(self, case: Case) -> Judgement:
        summary = f"nothing of {case.subject.name} runs in {case.environment}, as far as is known"
        if self.first and not case.dossier.repositories:
            # By another name it may be the next of what runs there.
            said = "it is in no registry that is known, so of which repository it is nobody can say"
            pushed = Violation(said, "push it to its repository, and record it from there")
            return Judgement(said, (pushed,))
        if self.first:
            return Judgement(summary, applies=False)
        remedy = f"supplychain deployments report IMAGE --environment {case.environment}"
        missing = Violation(summary, remedy, awaits=EvidenceKind.DEPLOYMENT)
        return Judgement(summary, (missing,))

    def _parts(self, components: Iterable[Component]) -> _Parts:
        """What is compared; left out is only what is certainly one of the exceptions."""
        found: dict[str, set[str]] = defaultdict(set)
        for component in components:
            excepted = any(p.covers(component.purl) is Match.INSIDE for p in self.except_packages)
            if component.kind != "operating-system" and not excepted:
                found[f"{component.ecosystem}:{component.name}"].add(component.version)
        return {name: frozenset(versions) for name, versions in found.items()}

    def _differences(
        self, before: _Parts, after: _Parts
    ) -> Iterator[tuple[str, list[str], int | None]]:
        yield "added", sorted(after.keys() - before.keys()), self.added
        yield "removed", sorted(before.keys() - after.keys()), self.removed
        both = before.keys() & after.keys()
        yield "changed", sorted(n for n in both if before[n] != after[n]), self.changed

    def _violations(
        self,
        found: Iterable[tuple[str, list[str], int | None]],
        platform: PlatformDossier,
        running: Running,
        case: Case,
    ) -> Iterator[Violation]:
        for kind, names, limit in found:
            if limit is None or len(names) <= limit:
                continue
            yield Violation(
                message=f"{len(names)} packages {kind} since {_short(running)}, limit {limit}: "
                f"{shortened(names, _SHOWN)}",
                remedy=f"build it closer to {running.deployment.subject}, "
                "or have the difference waived",
                platform=case.named(platform),
            )


def _counterpart(platform: PlatformDossier, running: Running) -> PlatformDossier | None:
    """What runs there on the same platform."""
    return next((p for p in running.platforms if p.platform.runs(platform.platform)), None)


def _unknown(platform: PlatformDossier, running: Running, case: Case) -> Violation:
    return Violation(
        message=f"what runs there, {running.deployment.subject}, is not on record with a scan",
        remedy=f"supplychain run {running.deployment.subject}, then {run(case)}",
        platform=case.named(platform),
    )


def _short(running: Running) -> str:
    return running.deployment.subject.digest.short
