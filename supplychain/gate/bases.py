"""Images that others are built upon: which are meant, and how we know of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.case import Case
from supplychain.gate.mappings import MappingOf
from supplychain.gate.options import DIGEST, ListOf, option
from supplychain.gate.patterns import PATTERN, matches
from supplychain.model.digest import Digest
from supplychain.model.dossier import PlatformDossier
from supplychain.model.evidence import VerifiedAttestation
from supplychain.model.image_config import Ancestor, Kinship
from supplychain.model.subject import Subject


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


def means_any(patterns: Iterable[BasePattern], subject: Subject) -> bool:
    """Whether an image is one that any of the patterns means, by whatever name."""
    return any(pattern.means(subject.name, subject.digest) for pattern in patterns)


def itself(platform: PlatformDossier, case: Case) -> Iterator[Ancestor]:
    """The image as what it could be: a base."""
    digest, config = platform.subject.digest, platform.config
    made = config.created_at if config is not None else None
    yield Ancestor(Subject("", digest), Kinship.LAYERS, local=True, created_at=made)
    for name in case.dossier.repositories:
        yield Ancestor(Subject(name, digest), Kinship.LAYERS, created_at=made)


def provenance_of(platform: PlatformDossier, case: Case) -> Iterator[VerifiedAttestation]:
    """What was said of the build of this platform, or of the whole; our own steps are none."""
    about = {platform.subject.digest, case.subject.digest}
    made = {*platform.attestations, *case.attestations}
    for said in sorted(made, key=lambda said: (said.envelope, said.key_fingerprint)):
        if said.build is not None and said.build.is_of_image and said.subject.digest in about:
            yield said


def materials(statements: Iterable[VerifiedAttestation]) -> Iterator[Ancestor]:
    """The images that went into a build, by what is said of it."""
    for said in statements:
        for subject in said.build.images if said.build else ():
            yield Ancestor(subject, Kinship.PROVENANCE)
