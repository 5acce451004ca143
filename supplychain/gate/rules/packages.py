"""Is in the image what must be, and nothing that must not?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import ClassVar

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.case import Case, Judgement, Rule
from supplychain.gate.inventory import Patterns, named, usable_components
from supplychain.gate.options import ListOf, option
from supplychain.gate.packages import PACKAGE_PATTERN, Match, PackagePattern
from supplychain.model.component import Component
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.dossier import Need, PlatformDossier

PATTERNS = ListOf(PACKAGE_PATTERN)


@dataclass(frozen=True, slots=True)
class Packages:
    """Every platform has the packages that are required, and none that are denied.

    A package is named by its [package URL](https://github.com/package-url/purl-spec), without
    qualifiers. `*` stands for any characters, slashes included: `pkg:npm/@acme/*`. A version or a
    range may follow: `pkg:pypi/django@2.2.1`, or `versions` beside `purl`, as comparisons (`>=2.0,
    <2.2.9`, with `||` between alternatives) or in the form of VERS (`vers:pypi/>=2.0|<2.2.9`).
    Versions compare as their own ecosystem compares them, prereleases where they sort; only by
    equality where it has no order that is known here (conda, conan, generic …).

    What cannot be compared counts against the image: a package whose version is missing or is
    none to its ecosystem is in every range that is denied, and in none that is required. So may be
    one without a package URL that has the name of one that is denied.
    """

    name: ClassVar[str] = "packages"
    examples: ClassVar[tuple[str, ...]] = (
        "packages: {denied: [pkg:pypi/pycrypto, pkg:npm/event-stream@3.3.6]}",
        "packages: {required: [pkg:deb/debian/ca-certificates]}",
        """
        packages:
          denied:
            - purl: pkg:maven/org.apache.logging.log4j/log4j-core
              versions: ">=2.0-beta9, <2.17.1"
              reason: Log4Shell and what came after it
            - {purl: "pkg:deb/*/openssh-server", reason: nobody logs in to a container}
        """,
    )
    needs: ClassVar[frozenset[Need]] = frozenset({Need.COMPONENTS})
    waivable: ClassVar[bool] = True

    required: tuple[PackagePattern, ...] = field(
        default=(), metadata=option(PATTERNS, "packages of which each has to be there")
    )
    denied: tuple[PackagePattern, ...] = field(
        default=(), metadata=option(PATTERNS, "packages of which none may be there")
    )

    def __post_init__(self) -> None:
        """Refuse a rule that demands nothing, or the same twice the other way round.

        Raises:
            PolicyError: It does.
        """
        if not self.required and not self.denied:
            raise PolicyError("it demands nothing", hint="give required, denied or both")
        if both := self.contradiction(self):
            raise PolicyError(both, hint="leave it out of one of them")

    def contradiction(self, other: Rule) -> str:
        """See `Exclusive.contradiction`: what is denied in every version cannot be required."""
        if not isinstance(other, Packages):
            return ""
        for first, second in ((self, other), (other, self)):
            denied = {(p.type, p.path) for p in second.denied if p.versions is None}
            for pattern in first.required:
                if (pattern.type, pattern.path) in denied:
                    return f"{pattern.purl} is required and denied"
        return ""

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        violations: list[Violation] = []
        evidence: list[EvidenceReference] = []
        counted = 0
        for platform in case.platforms:
            found = usable_components(platform, case)
            if isinstance(found, Violation):
                violations.append(found)
                continue
            components, cited = found
            evidence.append(cited)
            counted += len(components)
            violations += denials(self.denied, components, platform, cited, case)
            violations += self._missing(components, platform, cited, case)
        plural = "" if counted == 1 else "s"
        said = f"{counted} component{plural}"
        if self.denied:
            said += f", {sum(bool(v.purl) for v in violations)} denied"
        if self.required:
            said += f", {len(self.required)} required"
        return Judgement(said, tuple(violations), tuple(evidence))

    def _missing(
        self,
        components: Sequence[Component],
        platform: PlatformDossier,
        cited: EvidenceReference,
        case: Case,
    ) -> Iterator[Violation]:
        required = Patterns(self.required)
        met: dict[PackagePattern, set[Match]] = {pattern: set() for pattern in self.required}
        for _, pattern, match in required.among(components):
            met[pattern].add(match)
        for pattern, matches in met.items():
            if Match.INSIDE in matches:
                continue
            unknown = ", only with a version that cannot be compared" if matches else ""
            yield Violation(
                message=f"{pattern} is required and not there{unknown}{because(pattern)}",
                remedy=f"add {pattern}",
                platform=case.named(platform),
                evidence=cited,
            )


def denials(
    denied: Sequence[PackagePattern],
    components: Sequence[Component],
    platform: PlatformDossier,
    cited: EvidenceReference,
    case: Case,
) -> list[Violation]:
    """What is there of packages that may not be, in the order of the components."""
    return [
        Violation(
            message=_told(component, pattern, match) + because(pattern),
            remedy=_remedy(component, pattern),
            platform=case.named(platform),
            evidence=cited,
            purl=component.purl or component.name,
        )
        for component, pattern, match in Patterns(denied).among(components)
    ]


def because(pattern: PackagePattern) -> str:
    """Why a pattern is in the policy, where it says so."""
    return f": {pattern.reason}" if pattern.reason else ""


def _told(component: Component, pattern: PackagePattern, match: Match) -> str:
    if match is Match.INSIDE:
        return f"{named(component)} is denied by {pattern}"
    why = "its version cannot be compared" if component.purl else "it has no package URL"
    return f"{named(component)} may be denied by {pattern}, for {why}"


def _remedy(component: Component, pattern: PackagePattern) -> str:
    what = f"{component.name} {component.version}".rstrip()
    if pattern.versions is None:
        return f"remove or replace {what}"
    return f"remove {what}, or have a version that is not {pattern.versions.text}"
