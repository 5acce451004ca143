"""What was it built upon?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from supplychain.errors import InputError, PolicyError
from supplychain.gate.authorities import Authorities
from supplychain.gate.case import Case, Judgement
from supplychain.gate.evidence import usable_config
from supplychain.gate.mappings import MappingOf
from supplychain.gate.options import DIGEST, ListOf, choice, option
from supplychain.gate.patterns import PATTERN, matches
from supplychain.gate.vouching import Said, vouch
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.digest import Digest
from supplychain.model.dossier import Need, PlatformDossier
from supplychain.model.evidence import VerifiedAttestation
from supplychain.model.image_config import Ancestor, ImageConfig, Kinship
from supplychain.model.subject import Subject

_TOLD = {
    Kinship.LAYERS: "its layers",
    Kinship.PROVENANCE: "its provenance",
    Kinship.LABEL: "its labels",
}
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class BasePattern:
    """An image that others are built upon: by its repository, its digest, or both.

    Attributes:
        repository: A pattern of the repository; "" for any.
        digest: The image, or an index of it; None for any.
    """

    repository: str = field(
        default="", metadata=option(PATTERN, "a pattern of its repository, registry included")
    )
    digest: Digest | None = field(
        default=None, metadata=option(DIGEST, "its digest, or that of an index that lists it")
    )

    def __post_init__(self) -> None:
        """Refuse what means any image.

        Raises:
            PolicyError: Nothing is given.
        """
        if not self.repository and self.digest is None:
            raise PolicyError("it means any image", hint="give repository, digest or both")

    def means(self, name: str, digest: Digest | None) -> bool:
        """Whether an image of that name and digest is meant."""
        named = not self.repository or matches(self.repository, name)
        return named and self.digest in {None, digest}

    def allows(self, ancestor: Ancestor) -> bool:
        """Whether an image is meant, not by a name that anybody could have given it."""
        if self.repository and ancestor.local:
            return False
        return self.means(ancestor.subject.name, ancestor.subject.digest)

    def __str__(self) -> str:
        """For people."""
        return "@".join(str(part) for part in (self.repository, self.digest) if part)


BASES = ListOf(MappingOf(BasePattern, "a base image"))


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

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        violations: list[Violation] = []
        evidence: list[EvidenceReference] = []
        told: list[str] = []
        for platform in case.platforms:
            found = usable_config(platform, case)
            if isinstance(found, Violation):
                violations.append(found)
                continue
            config, cited = found
            evidence.append(cited)
            statements = list(_provenance(platform, case))
            known = [*platform.ancestors, *_materials(statements)]
            violations += self._forbidden(known, config, platform, cited, case)
            if self.allowed:
                stands, vouched = self._stands_upon(known, statements, platform, case)
                told.append(stands)
                evidence += [case.cite_attestation(one.attestation) for one in vouched.vouched]
                if not stands:
                    violations.append(self._lack(known, platform, cited, case))
        summary = "; ".join(dict.fromkeys(filter(None, told)))
        if not summary:
            summary = "no base that is allowed" if self.allowed else "no base that is forbidden"
        return Judgement(summary, tuple(violations), tuple(dict.fromkeys(evidence)))

    def _forbidden(
        self,
        known: Iterable[Ancestor],
        config: ImageConfig,
        platform: PlatformDossier,
        cited: EvidenceReference,
        case: Case,
    ) -> Iterator[Violation]:
        found = {str(a.subject): a for a in known if _any(self.forbidden, a.subject)}
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
    ) -> tuple[str, Said]:
        """What it stands upon that is allowed, for people; "" for nothing. And whose word it is."""
        fine = [a for a in known if self._is_allowed(a)]
        for ancestor in fine:
            if ancestor.known_by is Kinship.LAYERS:
                return f"stands upon {ancestor.subject}", Said()
        if any(self._is_allowed(itself) for itself in _itself(platform, case)):
            return "is a base that is allowed", Said()
        if self.anybody:
            naming = [s for s in statements if any(map(self._is_allowed, _materials([s])))]
            vouched = vouch(self, naming, case)
            if not vouched.refusals:
                (first, *_) = filter(self._is_allowed, _materials(naming))
                return f"stands upon {first.subject}, by {_TOLD[Kinship.PROVENANCE]}", vouched
        for ancestor in fine if self.known_by is Kinship.LABEL else ():
            if ancestor.known_by is Kinship.LABEL:
                return f"stands upon {ancestor.subject}, by {_TOLD[Kinship.LABEL]}", Said()
        return "", Said()

    def _is_allowed(self, ancestor: Ancestor) -> bool:
        return any(pattern.allows(ancestor) for pattern in self.allowed)

    def _lack(
        self,
        known: Iterable[Ancestor],
        platform: PlatformDossier,
        cited: EvidenceReference,
        case: Case,
    ) -> Violation:
        shown = [f"{a.subject} by {_TOLD[a.known_by]}" for a in known][:_SHOWN]
        said = f": {', '.join(shown)}" if shown else ", for none of its bases is on record"
        wanted = " or ".join(map(str, self.allowed))
        return Violation(
            message=f"it is not known to stand upon a base that is allowed{said}",
            remedy=f"build it upon {wanted}, and put that on record: supplychain scan BASE",
            platform=case.named(platform),
            evidence=cited,
        )


def _any(patterns: Iterable[BasePattern], subject: Subject) -> bool:
    return any(pattern.means(subject.name, subject.digest) for pattern in patterns)


def _itself(platform: PlatformDossier, case: Case) -> Iterator[Ancestor]:
    """The image as what it could be: a base."""
    digest = platform.subject.digest
    yield Ancestor(Subject("", digest), Kinship.LAYERS, local=True)
    for name in case.dossier.repositories:
        yield Ancestor(Subject(name, digest), Kinship.LAYERS)


def _digest(text: str) -> Digest | None:
    try:
        return Digest.parse(text)
    except InputError:
        return None


def _provenance(platform: PlatformDossier, case: Case) -> Iterator[VerifiedAttestation]:
    """What was said of the build of this platform, or of the whole; our own steps are none."""
    about = {platform.subject.digest, case.subject.digest}
    made = {*platform.attestations, *case.attestations}
    for said in sorted(made, key=lambda said: (said.envelope, said.key_fingerprint)):
        if said.build is not None and said.build.is_of_image and said.subject.digest in about:
            yield said


def _materials(statements: Iterable[VerifiedAttestation]) -> Iterator[Ancestor]:
    for said in statements:
        for subject in said.build.images if said.build else ():
            yield Ancestor(subject, Kinship.PROVENANCE)
