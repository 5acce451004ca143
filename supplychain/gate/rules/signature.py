"""Is the digest asked about signed by somebody whom the policy trusts?"""

from __future__ import annotations

from typing import ClassVar

from supplychain.frozen import dataclass
from supplychain.gate.authorities import Authorities
from supplychain.gate.case import Case, Judgement, made_at
from supplychain.gate.durations import span
from supplychain.gate.vouching import vouch
from supplychain.model.decision import Violation
from supplychain.model.dossier import Need
from supplychain.model.evidence import EvidenceKind


@dataclass(frozen=True, slots=True)
class Signature(Authorities):
    """The image is signed with one of these keys or by one of these identities.

    It is judged on the digest that was asked about: for an index the index itself, whose digest
    covers every platform in it. Somebody has to be named.
    """

    name: ClassVar[str] = "signature"
    examples: ClassVar[tuple[str, ...]] = (
        "signature: {keys: [release.pub]}",
        """
        # Two of these rules with one key each demand two signatures, and so does this:
        signature: {all_of: [{keys: [build.pub]}, {keys: [review.pub], timestamp: required}]}
        """,
        """
        # Old images keep the old key:
        signature: {keys: [new.pub, {file: old.pub, not_after: "2026-12-01T00:00:00Z"}]}
        """,
        "signature: {identities: [{identity: a@b.c, issuer: https://accounts.google.com}]}",
    )
    needs: ClassVar[frozenset[Need]] = frozenset()
    waivable: ClassVar[bool] = True

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        signatures = [
            a
            for a in case.attestations
            if a.is_signature and a.subject.digest == case.subject.digest
        ]
        found = vouch(self, signatures, case)
        if found.refusals:
            violations = tuple(
                Violation(
                    message=refusal.message("not signed", "the signature"),
                    remedy=refusal.remedy("sign it", f"supplychain sign {case.subject}"),
                    awaits=EvidenceKind.SIGNATURE if not refusal.passed else None,
                )
                for refusal in found.refusals
            )
            return Judgement("no signature that counts", violations)
        said = ", ".join(
            f"{one}, {span(case.age(made_at(one.attestation)))} ago{one.witnesses}"
            for one in found.vouched
        )
        return Judgement(
            f"signed {said}",
            evidence=tuple(case.cite_attestation(one.attestation) for one in found.vouched),
        )
