"""What an image is made of, as far as a rule may rely on it, and which packages in it are meant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from supplychain.gate.case import Case
from supplychain.gate.evidence import run, usable_scan
from supplychain.gate.packages import Match, PackagePattern, package_of
from supplychain.model.component import Component
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.dossier import PlatformDossier
from supplychain.model.evidence import EvidenceKind

# A component that stands for the system itself, which no package URL names.
_SYSTEM = "operating-system"

Inventory = tuple[tuple[Component, ...], EvidenceReference]


def usable_components(platform: PlatformDossier, case: Case) -> Inventory | Violation:
    """What the latest scan found and the scan itself, or why there is no list to rely upon."""
    scan = usable_scan(platform, case)
    if isinstance(scan, Violation):
        return scan
    cited = case.cite(scan.evidence)
    if len(platform.components) == platform.component_count:
        return tuple(sorted(platform.components, key=lambda c: c.key)), cited
    return Violation(
        message=f"{len(platform.components)} of the scan's {platform.component_count} components "
        "are on record",
        remedy=run(case),
        platform=case.named(platform),
        evidence=cited,
        awaits=EvidenceKind.SCAN,
    )


def named(component: Component) -> str:
    """A component for people: name, version and the file that declares it."""
    version = f"{component.name} {component.version}".rstrip()
    return f"{version}, {component.path}" if component.path else version


class Patterns:
    """Patterns by what they name, so that a component is not compared with all of them.

    Args:
        patterns: The patterns.
    """

    def __init__(self, patterns: Iterable[PackagePattern]) -> None:
        self._all = tuple(patterns)
        self._exact: dict[tuple[str, str], list[PackagePattern]] = defaultdict(list)
        self._wild: dict[str, list[PackagePattern]] = defaultdict(list)
        for pattern in self._all:
            if "*" in pattern.path:
                self._wild[pattern.type].append(pattern)
            else:
                self._exact[pattern.type, pattern.path].append(pattern)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._all)

    def meaning(self, component: Component) -> Iterator[tuple[PackagePattern, Match]]:
        """The patterns that mean a component or may mean it.

        One without a package URL may be meant by whatever names its name; the system itself is no
        package.
        """
        package = package_of(component.purl)
        if package is not None:
            exact = self._exact.get((package.type, package.path), ())
            for pattern in (*exact, *self._wild.get(package.type, ())):
                match = pattern.covers_package(package)
                if match is not Match.OUTSIDE:
                    yield pattern, match
        elif component.kind != _SYSTEM:
            for pattern in self._all:
                if component.purl or pattern.resembles(component.name):
                    yield pattern, Match.UNKNOWN
