"""What was it built upon?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple

from supplychain.errors import InputError, PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.authorities import Authorities
from supplychain.gate.bases import (
    BASES,
    BasePattern,
    itself,
    materials,
    means_any,
    provenance_of,
)
from supplychain.gate.case import Case, Judgement
from supplychain.gate.durations import span
from supplychain.gate.evidence import moment_made, usable_config
from supplychain.gate.options import DURATION, choice, option
from supplychain.gate.vouching import Said, vouch
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.digest import Digest
from supplychain.model.dossier import Need, PlatformDossier
from supplychain.model.evidence import VerifiedAttestation
from supplychain.model.image_config import Ancestor, ImageConfig, Kinship

_TOLD = {
    Kinship.LAYERS: "its layers",
    Kinship.PROVENANCE: "its provenance",
    Kinship.LABEL: "its labels",
}
_SHOWN = 3


class _Stands(NamedTuple):
    """What an image stands upon that is allowed.

    Attributes:
        told: For people; "" where there is nothing.
        said: Whose word it is.
        until: The last instant at which it is young enough; None where age plays no part.
    """

    told: str = ""
    said: Said = Said()
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class BaseImage(Authorities):
    """Every platform stands upon an image that is allowed, and upon none that is forbidden.

    An image stands upon its base, upon the base of that, and so on. We know one by its layers:
    an image whose layers are all there at the bottom of this one's, and which is on record under
    the name in question, so put your bases on record from where they are (`supplychain scan BASE`):
    a name counts for `allowed` only where a registry was seen to have the base under it. That is a
    fact.
    Provenance is the word of whoever signed it, and labels
    (`org.opencontainers.image.base.name` and `.digest`) that of whoever built the image.

    `allowed` is met where one of them is allowed, the nearest or one further down, or the image is
    one itself. By default layers count, and provenance of the keys or identities that are named
    beside; `known_by: layers` takes layers alone, `known_by: label` the image's own word, too.
    Where it is not known upon what an image stands, `allowed` is not met. `forbidden` counts
    anywhere, however it is known, but only that which is known can be found: who builds upon an
    image that is not on record, in layers squashed into one, hides it from `forbidden`, and not
    from `allowed`.

    `max_age` is met where one of those that are allowed is young enough. How old one is its own
    configuration says, which is on record with it, so of what layers do not show nobody knows. One
    that names no date, or one that no image can have, is too old.
    """

    name: ClassVar[str] = "base-image"
    examples: ClassVar[tuple[str, ...]] = (
        """
        base-image:
          allowed:
            - repository: registry\\.acme\\.example/base/.+
          forbidden:
            - repository: docker\\.io/library/(centos|python)
        """,
        """
        base-image:
          allowed:
            - digest: sha256:e1c082e3d3c45cccac829840a25941e679c25d438cc8412c2fa221cf1a824e6a
          known_by: layers
        """,
        """
        # Upon a base of ours that was built within the last two months:
        base-image:
          allowed:
            - repository: registry\\.acme\\.example/base/.+
          max_age: 60d
        """,
    )
    needs: ClassVar[frozenset[Need]] = frozenset({Need.ANCESTORS})
    waivable: ClassVar[bool] = True

    allowed: tuple[BasePattern, ...] = field(
        default=(), metadata=option(BASES, "images of which it has to stand upon one; default: any")
    )
    forbidden: tuple[BasePattern, ...] = field(
        default=(), metadata=option(BASES, "images of which it may stand upon none")
    )
    known_by: Kinship = field(
        default=Kinship.PROVENANCE,
        metadata=option(
            choice("a proof of a base", {str(kinship): kinship for kinship in Kinship}),
            "the least proof that counts for `allowed`: `layers`, `provenance` or `label`; "
            "default `provenance`, and layers",
        ),
    )

    max_age: timedelta | None = field(
        default=None,
        metadata=option(DURATION, "how old the allowed image may be; default: any age"),
    )

    def __post_init__(self) -> None:
        """Refuse a rule that demands nothing, and authorities that nobody would ask.

        Raises:
            PolicyError: It does, or as `Authorities.require_one_way`.
        """
        self.require_one_way()
        if not self.allowed and not self.forbidden:
            raise PolicyError("it demands nothing", hint="give allowed, forbidden or both")
        if self.anybody and (not self.allowed or self.known_by is Kinship.LAYERS):
            raise PolicyError(
                "keys and identities are asked for provenance, which does not count here",
                hint="leave them out, or give allowed with known_by: provenance",
            )
        if self.max_age is not None and not self.allowed:
            raise PolicyError(
                "max_age is asked of what is allowed, and nothing is named", hint="give allowed"
            )
        if self.max_age is not None and (self.anybody or self.known_by is Kinship.LABEL):
            raise PolicyError(
                "of an image that is only named nobody knows how old it is",
                hint="leave out who names it: max_age goes by layers alone",
            )

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        violations: list[Violation] = []
        evidence: list[EvidenceReference] = []
        stands: list[_Stands] = []
        for platform in case.platforms:
            found = usable_config(platform, case)
            if isinstance(found, Violation):
                violations.append(found)
                continue
            config, cited = found
            evidence.append(cited)
            statements = list(provenance_of(platform, case))
            known = [*platform.ancestors, *materials(statements)]
            violations += self._forbidden(known, config, platform, cited, case)
            if self.allowed:
                found_upon = self._stands_upon(known, statements, platform, case)
                stands.append(found_upon)
                evidence += [case.cite_attestation(v.attestation) for v in found_upon.said.vouched]
                if not found_upon.told:
                    violations.append(self._lack(known, platform, cited, case))
        summary = "; ".join(dict.fromkeys(one.told for one in stands if one.told))
        if not summary:
            summary = "no base that is allowed" if self.allowed else "no base that is forbidden"
        ends = (one.until for one in stands if one.until is not None)
        cites = tuple(dict.fromkeys(evidence))
        return Judgement(summary, tuple(violations), cites, min(ends, default=None))

    def _forbidden(
        self,
        known: Iterable[Ancestor],
        config: ImageConfig,
        platform: PlatformDossier,
        cited: EvidenceReference,
        case: Case,
    ) -> Iterator[Violation]:
        found = {str(a.subject): a for a in known if means_any(self.forbidden, a.subject)}
        said = [f"{name}, by {_TOLD[a.known_by]}" for name, a in sorted(found.items())]
        # A name alone is no base to rely upon, and enough to be told.
        said += [
            f"{base.name}, by {_TOLD[Kinship.LABEL]}"
            for base in config.bases
            if not any(a.subject.name == base.name for a in found.values())
            and any(pattern.means(base.name, _digest(base.digest)) for pattern in self.forbidden)
        ]
        for base in said:
            yield Violation(
                message=f"it stands upon an image that is forbidden: {base}",
                remedy="build it upon another image",
                platform=case.named(platform),
                evidence=cited,
            )

    def _stands_upon(
        self,
        known: Iterable[Ancestor],
        statements: list[VerifiedAttestation],
        platform: PlatformDossier,
        case: Case,
    ) -> _Stands:
        """What it stands upon that is allowed."""
        fine = [a for a in known if self._is_allowed(a)]
        layers = [a for a in fine if a.known_by is Kinship.LAYERS]
        if self.max_age is not None:
            own = [a for a in itself(platform, case) if self._is_allowed(a)]
            return self._young([*layers, *own], self.max_age, case)
        if layers:
            return _Stands(f"stands upon {layers[0].subject}")
        if any(self._is_allowed(one) for one in itself(platform, case)):
            return _Stands("is a base that is allowed")
        if self.anybody:
            naming = [s for s in statements if any(map(self._is_allowed, materials([s])))]
            vouched = vouch(self, naming, case)
            if not vouched.refusals:
                (first, *_) = filter(self._is_allowed, materials(naming))
                told = f"stands upon {first.subject}, by {_TOLD[Kinship.PROVENANCE]}"
                return _Stands(told, vouched)
        for ancestor in fine if self.known_by is Kinship.LABEL else ():
            if ancestor.known_by is Kinship.LABEL:
                return _Stands(f"stands upon {ancestor.subject}, by {_TOLD[Kinship.LABEL]}")
        return _Stands()

    @staticmethod
    def _young(allowed: Sequence[Ancestor], limit: timedelta, case: Case) -> _Stands:
        """The one of them that stays young enough the longest."""
        made = [(moment_made(a.created_at, case), a) for a in allowed]
        young = [(m, a) for m, a in made if m is not None and case.age(m) <= limit]
        if not young:
            return _Stands()
        moment, base = max(young, key=lambda pair: (pair[0], pair[1].subject))
        told = f"stands upon {base.subject}, {span(case.age(moment))} old"
        return _Stands(told, until=moment + limit)

    def _is_allowed(self, ancestor: Ancestor) -> bool:
        return any(pattern.allows(ancestor) for pattern in self.allowed)

    def _lack(
        self,
        known: Iterable[Ancestor],
        platform: PlatformDossier,
        cited: EvidenceReference,
        case: Case,
    ) -> Violation:
        if self.max_age is not None and (old := self._too_old(known, platform, case)):
            return Violation(
                message=f"it is not known to stand upon an allowed base that is younger than "
                f"{span(self.max_age)}: {old}",
                remedy="build it upon a newer one, and put that on record: supplychain scan BASE",
                platform=case.named(platform),
                evidence=cited,
            )
        shown = [f"{a.subject} by {_TOLD[a.known_by]}" for a in known][:_SHOWN]
        said = f": {', '.join(shown)}" if shown else ", for none of its bases is on record"
        wanted = " or ".join(map(str, self.allowed))
        return Violation(
            message=f"it is not known to stand upon a base that is allowed{said}",
            remedy=f"build it upon {wanted}, and put that on record: supplychain scan BASE",
            platform=case.named(platform),
            evidence=cited,
        )

    def _too_old(self, known: Iterable[Ancestor], platform: PlatformDossier, case: Case) -> str:
        """What it stands upon that is allowed, with the age; "" where it is upon nothing such."""
        found = [a for a in known if self._is_allowed(a) and a.known_by is Kinship.LAYERS]
        found += [a for a in itself(platform, case) if self._is_allowed(a)]
        said = {a.subject.digest: _aged(a, case) for a in reversed(found)}
        return "; ".join(list(said.values())[:_SHOWN])


def _aged(base: Ancestor, case: Case) -> str:
    made = moment_made(base.created_at, case)
    return f"{base.subject}, {'of unknown age' if made is None else f'{span(case.age(made))} old'}"


def _digest(text: str) -> Digest | None:
    try:
        return Digest.parse(text)
    except InputError:
        return None
