"""Do the licences of what is in the image allow what is to be done with it?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import ClassVar

from supplychain.errors import InputError, PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.case import Case, Judgement
from supplychain.gate.inventory import SYSTEM, Patterns, named, usable_components
from supplychain.gate.licences import (
    Category,
    Licence,
    categories,
    is_satisfied,
    known_exceptions,
    known_licences,
    licences_in,
    parse_expression,
    read_licences,
)
from supplychain.gate.options import ListOf, Word, choice, nearest, option
from supplychain.gate.packages import PACKAGE_PATTERN, Match, PackagePattern
from supplychain.gate.spdx import identifier
from supplychain.model.component import Component
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.dossier import Need

_WORDS = {str(c): c for c in Category if c is not Category.UNKNOWN}
_KINDS = ("os", "library", "application")


def _licence(text: str) -> Category | Licence:
    """A category, or a licence by its SPDX identifier, perhaps with an exception."""
    if text in _WORDS:
        return _WORDS[text]
    if text == Category.UNKNOWN:
        raise InputError("what is unknown is an option of its own", hint="unknown: deny")
    found = identifier(text, known_licences())
    if found or text.startswith(("LicenseRef-", "DocumentRef-")):
        return Licence(found or text)
    read = parse_expression(text)
    if isinstance(read, Licence) and read.id in categories():
        if read.exception in known_exceptions().values():
            return read
        raise InputError(
            f"{read.exception[:60]!r} is not an exception that SPDX knows",
            hint="as in Classpath-exception-2.0",
        )
    near = nearest(text, [*_WORDS, *known_licences().values()])
    raise InputError(
        f"{text[:60]!r} is neither an SPDX identifier nor a category",
        hint=near if near.startswith("did") else f"one of {', '.join(_WORDS)}, or as in Apache-2.0",
    )


LICENCES = ListOf(Word("a licence", _licence, {"type": "string", "minLength": 1}))
KINDS = ListOf(choice("a kind of components", {kind: kind for kind in _KINDS}))
PATTERNS = ListOf(PACKAGE_PATTERN)
UNKNOWN = choice("deny or allow", {"deny": False, "allow": True})


@dataclass(frozen=True, slots=True)
class Licences:
    """Every package may be used under a licence that is allowed, and none that is denied applies.

    `allowed` and `denied` take SPDX identifiers, with an exception where it matters (`GPL-2.0-only
    WITH Classpath-exception-2.0`), and categories: `permissive`, `weak-copyleft`,
    `strong-copyleft`, `network-copyleft`, `proprietary`. An identifier counts before the category
    that it is in. With `allowed`, everything else is denied. An exception gives more freedom, so a
    licence with one is judged as that without, unless both are named together.

    Expressions are worked out: of `MIT OR GPL-3.0-only` one has to be allowed, of `MIT AND
    GPL-3.0-only` both. Several licences that a package states apply together. Names that stand for
    one identifier without doubt are taken for it (`GPL-2+`, `Expat`). What has no licence, or one
    that is none of SPDX's (`BSD`, `LicenseRef-…`), is unknown, and denied unless `unknown: allow`
    says otherwise or it is named.

    The categories are those of ScanCode LicenseDB, in fewer words: public domain counts as
    permissive; what is source-available or restricts the use is proprietary. Licences are those
    that packages declare: nobody read their files.
    """

    name: ClassVar[str] = "licences"
    examples: ClassVar[tuple[str, ...]] = (
        "licences: {denied: [network-copyleft, proprietary], unknown: allow}",
        """
        # For a program that is sold; the distribution's packages are passed on as they are:
        licences: {allowed: [permissive, weak-copyleft], denied: [JSON], kinds: [library]}
        """,
        """
        licences:
          allowed: [permissive, "GPL-2.0-only WITH Classpath-exception-2.0"]
          exclude:
            - {purl: "pkg:golang/*", reason: its licences are checked where it is built}
        """,
    )
    needs: ClassVar[frozenset[Need]] = frozenset({Need.COMPONENTS})
    waivable: ClassVar[bool] = True

    allowed: tuple[Category | Licence, ...] = field(
        default=(),
        metadata=option(LICENCES, "licences and categories that are allowed; default: any"),
    )
    denied: tuple[Category | Licence, ...] = field(
        default=(), metadata=option(LICENCES, "licences and categories that are denied")
    )
    unknown: bool = field(
        default=False,
        metadata=option(UNKNOWN, "what becomes of a licence that nobody knows; default: deny"),
    )
    kinds: tuple[str, ...] = field(
        default=_KINDS,
        metadata=option(KINDS, "which components: os, library, application; default: all"),
    )
    exclude: tuple[PackagePattern, ...] = field(
        default=(), metadata=option(PATTERNS, "packages that this rule does not look at")
    )

    def __post_init__(self) -> None:
        """Refuse a rule that demands nothing, or two things of one licence.

        Raises:
            PolicyError: It does.
        """
        if not self.allowed and not self.denied:
            raise PolicyError("it demands nothing", hint="give allowed, denied or both")
        both = set(self.allowed) & set(self.denied)
        if both:
            named = ", ".join(sorted(map(str, both)))
            raise PolicyError(f"{named} is allowed and denied", hint="leave it out of one of them")

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        violations: list[Violation] = []
        evidence: list[EvidenceReference] = []
        counted = 0
        # Of the packages of an image most state one of a handful of licences.
        said: dict[tuple[str, ...], str] = {}
        for platform in case.platforms:
            found = usable_components(platform, case)
            if isinstance(found, Violation):
                violations.append(found)
                continue
            components, cited = found
            evidence.append(cited)
            for component in self._concerned(components):
                counted += 1
                texts = component.licences
                if texts not in said:
                    said[texts] = self._against(texts)
                if said[texts]:
                    violations.append(
                        Violation(
                            message=f"{named(component)}: {said[texts]}",
                            remedy=f"replace {component.name} {component.version}".rstrip()
                            + ", or exclude it in the policy and say why",
                            platform=case.named(platform),
                            evidence=cited,
                            purl=component.purl or component.name,
                        )
                    )
        plural = "" if counted == 1 else "s"
        refused = sum(bool(v.purl) for v in violations)
        summary = f"{counted} component{plural}, {refused} under licences that are not allowed"
        return Judgement(summary, tuple(violations), tuple(evidence))

    def _concerned(self, components: Sequence[Component]) -> Iterator[Component]:
        """What is looked at; the system itself has no licence of its own."""
        found = Patterns(self.exclude).among(components)
        excluded = {component.key for component, _, match in found if match is Match.INSIDE}
        others = {SYSTEM, *_KINDS} - set(self.kinds)
        for component in components:
            if component.kind not in others and component.key not in excluded:
                yield component

    def _against(self, texts: tuple[str, ...]) -> str:
        """What speaks against the licences of a package; "" for nothing."""
        expression = read_licences(texts)
        if expression is None:
            return "" if self.unknown else "it states no licence"
        if is_satisfied(expression, self._allows):
            return ""
        reasons = [reason for one in licences_in(expression) for reason in self._reasons(one)]
        told = ", ".join(reasons)
        return told if isinstance(expression, Licence) else f"{expression}: {told}"

    def _allows(self, licence: Licence) -> bool:
        """Whether one licence is allowed: by its name, else by its category."""
        found = self._named(licence)
        if found is not None:
            return found
        category = categories().get(licence.id, Category.UNKNOWN)
        if category is Category.UNKNOWN or _is_strange(licence):
            return self.unknown
        return category not in self.denied and (category in self.allowed or not self.allowed)

    def _named(self, licence: Licence) -> bool | None:
        """What the policy says of it by its identifier: with its exception, then without."""
        bare = Licence(licence.id)
        for one in (licence,) if _is_strange(licence) else (licence, bare):
            if one in self.denied:
                return False
            if one in self.allowed:
                return True
        return None

    def _reasons(self, licence: Licence) -> Iterator[str]:
        if self._allows(licence):
            return
        category = categories().get(licence.id, Category.UNKNOWN)
        if self._named(licence) is False:
            yield f"{licence} is denied"
        elif category is Category.UNKNOWN or _is_strange(licence):
            yield f"{licence} is no licence that is known"
        elif category in self.denied:
            yield f"{licence} is {category}, which is denied"
        else:
            yield f"{licence} ({category}) is not allowed"


def _is_strange(licence: Licence) -> bool:
    """Whether it comes with what SPDX does not know for an exception, and might take freedom."""
    return bool(licence.exception) and licence.exception not in known_exceptions().values()
