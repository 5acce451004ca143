"""Was it built where, and from what, it has to be?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from datetime import timedelta
from functools import partial
from typing import ClassVar

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.authorities import GROUP, Authorities, Authority
from supplychain.gate.case import Case, Judgement
from supplychain.gate.options import DURATION, TEXT, ListOf, option
from supplychain.gate.patterns import PATTERN, matches
from supplychain.gate.rules.attestation import PREDICATE_TYPE, PROVENANCE, URI
from supplychain.gate.stated import Attestations, whole_or_each
from supplychain.gate.vouching import Said, vouch
from supplychain.model.decision import Violation
from supplychain.model.digest import Digest
from supplychain.model.dossier import Need
from supplychain.model.evidence import Build, EvidenceKind, VerifiedAttestation
from supplychain.model.subject import Platform

# Of builds that will not do, so many are told.
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance(Authorities):
    """SLSA provenance says that the image was built by this builder, from this source.

    Of either version of provenance, signed by one of these keys or identities. What the statement
    says is as good as whoever signed it: name the builder's own identity or key, not that of a job
    that could write anything. `builders`, `sources` and `refs` are compared with what the
    provenance says, exactly: sources without `git+`, `.git` and ref
    (`https://github.com/acme/shop`), refs whole (`refs/heads/main`). Provenance that does not say
    what is asked does not count. The provenance that `supplychain run` leaves tells of our own
    steps and never counts here.

    `reviewed_by` demands that people or systems attest a review of this very image, with an
    attestation of the type that `review_type` names.
    """

    name: ClassVar[str] = "provenance"
    examples: ClassVar[tuple[str, ...]] = (
        """
        # Built by GitHub's own runners from the main branch, as GitHub's signer says:
        provenance:
          builders: [https://github.com/actions/runner/github-hosted]
          sources: [https://github.com/acme/shop]
          refs: [refs/heads/main]
          identities:
            - identity_regexp: https://github\\.com/acme/shop/\\.github/workflows/[^/]+@.*
              issuer: https://token.actions.githubusercontent.com
        """,
        "provenance: {ref_regexp: 'refs/tags/v[0-9.]+', keys: [builder.pub]}",
        """
        # Reviewed by somebody who did not build it:
        provenance:
          keys: [builder.pub]
          review_type: https://example.com/review/v1
          reviewed_by: {keys: [review.pub]}
        """,
    )
    needs: ClassVar[frozenset[Need]] = frozenset()
    waivable: ClassVar[bool] = True

    builders: tuple[str, ...] = field(
        default=(), metadata=option(ListOf(URI), "who must have built; default: anybody")
    )
    build_type: str | None = field(
        default=None, metadata=option(URI, "its buildType; default: any but supplychain's own")
    )
    sources: tuple[str, ...] = field(
        default=(),
        metadata=option(ListOf(URI), "repositories it may be built from; default: any"),
    )
    refs: tuple[str, ...] = field(
        default=(), metadata=option(ListOf(TEXT), "branches and tags it may be built from, whole")
    )
    ref_regexp: str = field(
        default="", metadata=option(PATTERN, "or a pattern that matches all of the ref (RE2)")
    )
    max_age: timedelta | None = field(
        default=None, metadata=option(DURATION, "how old it may be; default: any age")
    )
    review_type: str | None = field(
        default=None, metadata=option(PREDICATE_TYPE, "the type of an attested review")
    )
    reviewed_by: Authorities | None = field(
        default=None, metadata=option(GROUP, "who has to attest one; with review_type")
    )

    def __post_init__(self) -> None:
        """Refuse what names nobody, or half a review.

        Raises:
            PolicyError: It does.
        """
        Authorities.__post_init__(self)
        if (self.review_type is None) != (self.reviewed_by is None):
            raise PolicyError(
                "review_type and reviewed_by go together",
                hint="which attestation tells of a review, and whose word it takes",
            )

    def everybody(self) -> Iterator[Authority]:
        """Every key and identity in it, those of reviewers too."""
        yield from Authorities.everybody(self)
        if self.reviewed_by is not None:
            yield from self.reviewed_by.everybody()

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        built = whole_or_each(case, partial(self._built, case))
        violations = [v for where, one in built for v in self._unbuilt(one, where, case)]
        vouched = [v for _, one in built for v in one.vouched]
        ends = [one.since for _, one in built] if not violations else []
        summary = _summary([v.attestation.build for v in vouched])
        if reviewers := self.reviewed_by:
            reviewed = whole_or_each(case, partial(self._reviewed, reviewers, case))
            violations += [v for where, one in reviewed for v in self._unreviewed(one, where, case)]
            vouched += [v for _, one in reviewed for v in one.vouched]
            summary += ", reviewed" if all(not one.refusals for _, one in reviewed) else ""
        return Judgement(
            summary,
            tuple(violations),
            tuple(case.cite_attestation(one.attestation) for one in dict.fromkeys(vouched)),
            min(ends) + self.max_age if ends and self.max_age and not violations else None,
        )

    def _built(self, case: Case, attestations: Attestations, subject: Digest) -> Said:
        told = [a for a in _told(attestations, subject) if a.build and not self._lack(a.build)]
        return vouch(self, told, case, max_age=self.max_age)

    def _reviewed(
        self, reviewers: Authorities, case: Case, attestations: Attestations, subject: Digest
    ) -> Said:
        about_it = [
            a
            for a in attestations
            if a.predicate_type == self.review_type and a.subject.digest == subject
        ]
        return vouch(reviewers, about_it, case)

    def _lack(self, build: Build) -> str | None:
        """Why a build will not do; None where it will."""
        if self.build_type is not None and build.kind != self.build_type:
            return f"its type is {build.kind}"
        if self.builders and build.builder not in self.builders:
            return f"built by {build.builder}"
        if self.sources and build.source not in self.sources:
            return f"built from {build.source or 'a source it does not name'}"
        ref_fits = build.ref in self.refs or (
            bool(self.ref_regexp) and matches(self.ref_regexp, build.ref)
        )
        if (self.refs or self.ref_regexp) and not (build.ref and ref_fits):
            return f"built from {build.ref or 'a ref it does not name'}"
        return None

    def _unbuilt(self, said: Said, where: Platform | None, case: Case) -> Iterator[Violation]:
        subjects = [case.subject.digest, *(p.subject.digest for p in case.platforms)]
        every = (*case.attestations, *(a for p in case.platforms for a in p.attestations))
        others = sorted(
            {
                lack
                for digest in subjects
                for a in _told(every, digest)
                if a.build and (lack := self._lack(a.build))
            }
        )
        for refusal in said.refusals:
            yield Violation(
                message=refusal.message("no provenance that counts is attested", "the provenance"),
                remedy=refusal.remedy(
                    "attest it",
                    f"supplychain attest {case.subject} --type slsaprovenance1 --predicate FILE",
                ),
                platform=where,
                awaits=None if refusal.passed or others else EvidenceKind.ATTESTATION,
                notes=tuple(f"there is provenance of another build: {o}" for o in others[:_SHOWN]),
            )

    def _unreviewed(self, said: Said, where: Platform | None, case: Case) -> Iterator[Violation]:
        options = f"{case.subject} --type {self.review_type} --predicate FILE"
        for refusal in said.refusals:
            yield Violation(
                message=refusal.message("no review is attested", "the review"),
                remedy=refusal.remedy("attest it", f"supplychain attest {options}"),
                platform=where,
                awaits=None if refusal.passed else EvidenceKind.ATTESTATION,
            )


def _told(attestations: Attestations, subject: Digest) -> Iterator[VerifiedAttestation]:
    """Provenance of a build of this digest; our own steps are none."""
    for attestation in attestations:
        tells = attestation.build is not None and attestation.build.is_of_image
        is_provenance = attestation.predicate_type in PROVENANCE
        if tells and is_provenance and attestation.subject.digest == subject:
            yield attestation


def _summary(builds: list[Build | None]) -> str:
    said = []
    for build in builds:
        if build is not None:
            source = f" from {build.source}" if build.source else ""
            ref = f" at {build.ref}" if build.ref else ""
            said.append(f"built by {build.builder}{source}{ref}")
    return "; ".join(dict.fromkeys(said)) or "no provenance that counts"
