"""Is this an image that may run at all?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import ClassVar

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.case import Case, Judgement
from supplychain.gate.options import DIGEST, ListOf, option
from supplychain.gate.patterns import PATTERNS, fits
from supplychain.model.decision import Violation
from supplychain.model.digest import Digest
from supplychain.model.dossier import Need
from supplychain.model.evidence import EvidenceKind


@dataclass(frozen=True, slots=True)
class Images:
    r"""The image is none of those that never run, and from a repository from which images may run.

    This rule stands above all others: no waiver bears what it denies, it cannot only warn, and what
    it forbids is denied before anything else is known of the image.

    A digest means the image, every index that lists it and every platform that it lists. A
    repository is meant by every name under which the digest is on record, whatever name is asked
    for: bytes that were once in a forbidden repository stay forbidden under another name. `only`
    is met by any of the names under which a registry was seen to have the image; what a folder, an
    archive or a daemon calls it is its keeper's choice. Patterns are
    [RE2's](https://github.com/google/re2/wiki/Syntax) and match the whole name, registry included:
    `docker\.io/library/.*`. What an image is built upon is the matter of `base-image`.
    """

    name: ClassVar[str] = "images"
    examples: ClassVar[tuple[str, ...]] = (
        """
        images:
          digests:
            - sha256:e1c082e3d3c45cccac829840a25941e679c25d438cc8412c2fa221cf1a824e6a
          repositories: ["docker\\\\.io/.*"]
        """,
        'images: {only: ["registry\\\\.acme\\\\.example/.*"]}',
    )
    needs: ClassVar[frozenset[Need]] = frozenset()
    waivable: ClassVar[bool] = False

    digests: tuple[Digest, ...] = field(
        default=(), metadata=option(ListOf(DIGEST), "images, indexes and platforms that never run")
    )
    repositories: tuple[str, ...] = field(
        default=(), metadata=option(PATTERNS, "patterns of repositories from which none runs")
    )
    only: tuple[str, ...] = field(
        default=(),
        metadata=option(PATTERNS, "patterns of repositories from which alone images run"),
    )

    def __post_init__(self) -> None:
        """Refuse a rule that demands nothing.

        Raises:
            PolicyError: It does.
        """
        if not self.digests and not self.repositories and not self.only:
            raise PolicyError("it demands nothing", hint="give digests, repositories or only")

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        names = sorted(case.dossier.called)
        violations = tuple(self._violations(names, case))
        return Judgement(f"known as {', '.join(names) or 'nothing'}", violations)

    def _violations(self, names: list[str], case: Case) -> Iterator[Violation]:
        platforms = [platform.subject.digest for platform in case.dossier.platforms]
        related = {case.subject.digest, *platforms, *case.dossier.indexes}
        for digest in sorted(related & set(self.digests)):
            said = "it" if digest == case.subject.digest else f"it belongs with {digest}, which"
            yield Violation(f"{said} is never allowed: {digest}", "run another image")
        for name in names:
            if fits(self.repositories, name):
                yield Violation(
                    f"images from {name} are never allowed", "build it from other images"
                )
        if self.only and not any(fits(self.only, name) for name in case.dossier.repositories):
            where = f"but {', '.join(case.dossier.repositories)}"
            if not case.dossier.repositories:
                where = "for no registry is known to have it"
            yield Violation(
                f"it is from none of the repositories that are allowed, {where}",
                f"copy it to one of them and record it there: {' or '.join(self.only)}",
                # Where it is from is recorded with all else; of a first run nothing is yet.
                awaits=None if case.dossier.platforms else EvidenceKind.SCAN,
            )
