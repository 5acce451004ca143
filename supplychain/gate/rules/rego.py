"""Does a policy in Rego deny it?"""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar

from supplychain.frozen import dataclass
from supplychain.gate import rego
from supplychain.gate.case import MOMENT, Case, Judgement
from supplychain.gate.evidence_document import evidence_document
from supplychain.gate.mentioned import cited, is_timely, mentioned, missing, needs
from supplychain.gate.options import TEXT, option
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.dossier import Need, PlatformDossier


@dataclass(frozen=True, slots=True)
class Rego:
    """A policy in [Rego](https://www.openpolicyagent.org/docs/policy-language) denies no platform.

    It reads [the evidence as a document](#the-evidence-as-a-document) as `input`, one platform at
    a time, and its rule `deny` is a set of messages, as OPA 1.0 and Conftest write them. The text
    of the file becomes part of the policy, as keys do. It needs `pip install 'supplychain[rego]'`;
    without that, a policy with this rule is refused.

    Refused when the policy is read: a module without `deny`, or with rules that nothing reads
    (`warn`, `violation` …); `input.` with a key that the evidence has not; functions that reach out
    of the evidence (`http.send`, `time.now_ns`, `opa.runtime`, `rand.intn` …). Where it cannot be
    evaluated it denies, and so does evidence that it mentions and that is not on record. But what
    is misspelt further inside (`f.severty`) is undefined, and denies nothing: write
    [tests](#tests-of-a-policy), or an `expression`, where it would be an error. A module
    is evaluated in a process of its own, for at most ten seconds.
    """

    name: ClassVar[str] = "rego"
    examples: ClassVar[tuple[str, ...]] = (
        "rego: {module: no-exploited.rego}",
        """
        rego:
          module: |
            package main
            deny contains msg if {
              some f in input.findings
              f.exploited
              msg := sprintf("%s is known to be exploited", [f.id])
            }
        """,
    )
    waivable: ClassVar[bool] = True

    module: rego.Module = field(
        metadata=option(rego.MODULE, "the path of a Rego file, or its text")
    )
    remedy: str = field(default="", metadata=option(TEXT, "what to do about what it denies"))

    @property
    def needs(self) -> frozenset[Need]:
        """See `Rule.needs`: what is mentioned."""
        return needs(rego.code(self.module.text))

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        violations: list[Violation] = []
        evidence: list[EvidenceReference] = []
        code = rego.code(self.module.text)
        wanted = mentioned(code)
        for platform in case.platforms:
            violations += missing(wanted, platform, case) or self._judged(platform, case, wanted)
            evidence += cited(wanted, platform, case)
        timely = is_timely(code)
        denied = f"{len(violations)} reason{'' if len(violations) == 1 else 's'} to deny"
        return Judgement(
            denied if violations else "denies nothing",
            tuple(violations),
            tuple(dict.fromkeys(evidence)),
            holds_until=case.at if timely else None,
            relents_at=case.at + MOMENT if timely and violations else None,
        )

    def _judged(
        self, platform: PlatformDossier, case: Case, wanted: frozenset[str]
    ) -> list[Violation]:
        said = rego.judge(self.module, evidence_document(platform, case, wanted))
        messages = said.messages
        if said.error:
            messages = (f"the policy in Rego cannot be evaluated: {said.error}",)
        remedy = self.remedy or "change what the policy in Rego is about, or that policy"
        return [
            Violation(message or "denied without a message", remedy, platform=case.named(platform))
            for message in messages
        ]
