"""What an image is made of, as far as a rule may rely on it, and which packages in it are meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter

from supplychain.gate.case import Case
from supplychain.gate.evidence import run, usable_scan
from supplychain.gate.packages import Match, PackagePattern, package_of
from supplychain.model.component import Component
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.dossier import PlatformDossier
from supplychain.model.evidence import EvidenceKind

# A component that stands for the system itself, which no package URL names.
SYSTEM = "operating-system"

_KEY = attrgetter("key")

Inventory = tuple[tuple[Component, ...], EvidenceReference]


def usable_components(platform: PlatformDossier, case: Case) -> Inventory | Violation:
    """What the latest scan found and the scan itself, or why there is no list to rely upon."""
    scan = usable_scan(platform, case)
    if isinstance(scan, Violation):
        return scan
    cited = case.cite(scan.evidence)
    if len(platform.components) == platform.component_count:
        return tuple(sorted(platform.components, key=_KEY)), cited
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
        self._exact: dict[tuple[str, str], tuple[PackagePattern, ...]] = {}
        self._wild: dict[str, tuple[PackagePattern, ...]] = {}
        for pattern in self._all:
            if "*" in pattern.path:
                self._wild[pattern.type] = (*self._wild.get(pattern.type, ()), pattern)
            else:
                name = (pattern.type, pattern.path)
                self._exact[name] = (*self._exact.get(name, ()), pattern)

    def among(
        self, components: Iterable[Component]
    ) -> Iterator[tuple[Component, PackagePattern, Match]]:
        """The components that some pattern means or may mean, with each such pattern.

        One without a package URL may be meant by whatever names its name; the system itself is no
        package.
        """
        exact, wild = self._exact, self._wild
        for component in components if self._all else ():
            package = package_of(component.purl)
            if package is None:
                yield from self._resembling(component)
                continue
            # Two lookups settle nearly all of some thousand components.
            patterns = exact.get((package.type, package.path), ())
            if package.type in wild:
                patterns = (*patterns, *wild[package.type])
            for pattern in patterns:
                match = pattern.covers_package(package)
                if match is not Match.OUTSIDE:
                    yield component, pattern, match

    def _resembling(
        self, component: Component
    ) -> Iterator[tuple[Component, PackagePattern, Match]]:
        if component.kind != SYSTEM:
            for pattern in self._all:
                if component.purl or pattern.resembles(component.name):
                    yield component, pattern, Match.UNKNOWN
