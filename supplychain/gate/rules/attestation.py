"""Did somebody whom the policy trusts state something about what runs?"""

from __future__ import annotations

import re
from dataclasses import field
from datetime import timedelta
from typing import ClassVar

from supplychain.errors import InputError, PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.authorities import Authorities
from supplychain.gate.case import Case, Judgement
from supplychain.gate.options import DURATION, ListOf, Word, option
from supplychain.gate.stated import whole_or_each
from supplychain.gate.vouching import Said, vouch
from supplychain.model.decision import Violation
from supplychain.model.digest import Digest
from supplychain.model.dossier import Need
from supplychain.model.evidence import (
    PROVENANCE_02_PREDICATE,
    PROVENANCE_PREDICATE,
    SUMMARY_PREDICATE,
    Build,
    EvidenceKind,
    VerifiedAttestation,
)
from supplychain.model.predicate_types import NAMES, family, type_uri
from supplychain.model.subject import Platform


def _uri(text: str) -> str:
    if not _URI.fullmatch(text):
        raise InputError(f"{text[:80]!r} is not a URI", hint="write it as the provenance has it")
    return text


# RFC 3986 section 3, as far as it matters: a scheme, and something behind it.
_URI = re.compile(r"[a-z][a-z0-9+.-]*:[!-~]+")
PROVENANCE = {PROVENANCE_02_PREDICATE, PROVENANCE_PREDICATE}
URI = Word("a URI", _uri, {"type": "string", "minLength": 1})
PREDICATE_TYPE = Word("a predicate type", type_uri, {"type": "string", "minLength": 1})


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationPresent(Authorities):
    """There is an attestation of a type, by one of these keys or identities.

    It is judged on the digest that was asked about; where that is an index, an attestation of each
    platform that runs does as well. Somebody has to be named.

    It says who stated something of that type, and of provenance who built; what else it says, or a
    VEX document, is for those who read it. The provenance that `supplychain run` leaves tells how
    evidence was made and not how the image was ([why](adr/0009-provenance-of-evidence.md)), and
    does not count unless `build_type` names it. `vsa` is refused: a summary may say PASSED or
    FAILED. The age is that of the trusted time, where there is one, else the time since this
    project's record first verified it.
    """

    name: ClassVar[str] = "attestation"
    examples: ClassVar[tuple[str, ...]] = (
        "attestation: {type: openvex, keys: [release.pub]}",
        "attestation: {type: vuln, max_age: 7d, keys: [scanner.pub]}",
        "attestation: {type: https://example.com/review/v1, keys: [review.pub]}",
        "attestation: {type: slsaprovenance1, builders: [https://ci.example], keys: [ci.pub]}",
    )
    needs: ClassVar[frozenset[Need]] = frozenset()
    waivable: ClassVar[bool] = True

    type: str = field(
        metadata=option(PREDICATE_TYPE, "what is stated: a name of cosign's --type, vsa, or a URI")
    )
    max_age: timedelta | None = field(
        default=None, metadata=option(DURATION, "how old it may be; default: any age")
    )
    builders: tuple[str, ...] = field(
        default=(),
        metadata=option(
            ListOf(URI), "of provenance: who must have built, any one of them; default: anybody"
        ),
    )
    build_type: str | None = field(
        default=None,
        metadata=option(URI, "of provenance: its buildType; default: any but supplychain's own"),
    )

    def __post_init__(self) -> None:
        """Refuse what names nobody, and what would count whatever it said.

        Raises:
            PolicyError: Nobody is named; or builds are asked of what tells of none; or it asks for
                verification summaries, of which it would take one that says FAILED.
        """
        Authorities.__post_init__(self)
        if self.type == SUMMARY_PREDICATE:
            raise PolicyError(
                "a verification summary may say PASSED or FAILED, and this would take either",
                hint="demand what the summary rests on: a signature, an sbom, an attestation",
            )
        if (self.builders or self.build_type) and self.type not in PROVENANCE:
            raise PolicyError(
                "builders and build_type are said of provenance",
                hint="with type: slsaprovenance1, or slsaprovenance",
            )

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        said = whole_or_each(case, lambda found, digest: self._said(found, digest, case))
        violations = tuple(v for where, one in said for v in self._violations(one, where, case))
        vouched = tuple(dict.fromkeys(v for _, one in said for v in one.vouched))
        return Judgement(
            f"{self._what} {', '.join(dict.fromkeys(map(str, vouched)))}"
            if vouched
            else f"no {self._what}",
            violations,
            tuple(case.cite_attestation(one.attestation) for one in vouched),
            None
            if self.max_age is None or violations
            else min(one.since for _, one in said) + self.max_age,
        )

    @property
    def _what(self) -> str:
        """The type by the first name that there is for it."""
        return next((name for name, uri in NAMES.items() if uri == self.type), self.type)

    def _said(
        self, attestations: tuple[VerifiedAttestation, ...], subject: Digest, case: Case
    ) -> Said:
        about_it = [
            a
            for a in attestations
            if family(a.predicate_type) == family(self.type)
            and a.subject.digest == subject
            and self._tells(a.build)
        ]
        return vouch(self, about_it, case, max_age=self.max_age)

    def _tells(self, build: Build | None) -> bool:
        """Whether provenance tells of a build that will do; whatever else is stated, does."""
        if self.type not in PROVENANCE:
            return True
        if build is None or (self.builders and build.builder not in self.builders):
            return False
        return build.is_of_image if self.build_type is None else build.kind == self.build_type

    @property
    def _wanted(self) -> str:
        """What has to be stated, for people."""
        if self.type not in PROVENANCE:
            return self._what
        by = f" by {' or '.join(self.builders)}" if self.builders else ""
        return f"{self._what} of a build{by}{f' of {self.build_type}' if self.build_type else ''}"

    def _violations(
        self, said: Said, platform: Platform | None, case: Case
    ) -> tuple[Violation, ...]:
        options = f"{case.subject} --type {self._what} --predicate FILE"
        return tuple(
            Violation(
                message=refusal.message(f"no {self._wanted} is attested", f"the {self._what}"),
                remedy=refusal.remedy("attest it", f"supplychain attest {options}"),
                awaits=EvidenceKind.ATTESTATION if not refusal.passed else None,
                platform=platform,
            )
            for refusal in said.refusals
        )
