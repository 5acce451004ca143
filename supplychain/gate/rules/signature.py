"""Is the digest asked about signed by somebody whom the policy trusts?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from supplychain.gate.case import Case, Judgement, made_at
from supplychain.gate.durations import span
from supplychain.gate.evidence import latest_by, passed_over, signers
from supplychain.gate.keys import KEYS, TrustedKey, named, short
from supplychain.gate.options import option
from supplychain.model.decision import Violation
from supplychain.model.evidence import VerifiedAttestation


@dataclass(frozen=True, slots=True)
class Signature:
    """The image is signed with at least one of these keys.

    Judged on the digest that was asked about: for an index the index itself, whose digest covers
    every platform in it.
    """

    name: ClassVar[str] = "signature"
    examples: ClassVar[tuple[str, ...]] = (
        "signature: {keys: [release.pub]}",
        'signature: {keys: [new.pub, {file: old.pub, not_after: "2026-12-01T00:00:00Z"}]}',
    )

    keys: tuple[TrustedKey, ...] = field(metadata=option(KEYS, "public keys, any one suffices"))

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        signatures = [
            a
            for a in case.attestations
            if a.is_signature and a.subject.digest == case.subject.digest
        ]
        found = latest_by(self.keys, signatures, case)
        if found is None:
            return Judgement("no signature that counts", (self._violation(signatures, case),))
        signature, key = found
        return Judgement(
            f"signed with {key}, {span(case.age(made_at(signature)))} ago",
            evidence=(case.cite_attestation(signature),),
        )

    def _violation(self, signatures: list[VerifiedAttestation], case: Case) -> Violation:
        trusted = {key.fingerprint for key in self.keys}
        others = sorted({s.key_fingerprint for s in signatures} - trusted)
        why = f"not signed with {named(self.keys)}"
        if passed := passed_over(self.keys, signatures, case):
            why = f"the signature {passed}"
        elif others:
            why += f", only with {', '.join(short(o) for o in others)}"
        with_ = signers(self.keys, case)
        return Violation(
            message=why, remedy=f"sign it with {with_}: supplychain sign {case.subject} --key FILE"
        )
