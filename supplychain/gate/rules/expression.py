"""Is something true of the evidence that no other rule has a word for?"""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar

from supplychain.frozen import dataclass
from supplychain.gate.case import MOMENT, Case, Judgement
from supplychain.gate.evidence_document import evidence_document
from supplychain.gate.expressions import EXPRESSION, compiled, holds
from supplychain.gate.mentioned import cited, is_timely, mentioned, missing, needs
from supplychain.gate.options import TEXT, option
from supplychain.model.decision import EvidenceReference, Violation
from supplychain.model.dossier import Need, PlatformDossier


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression in [CEL](https://cel.dev) is true of every platform's evidence.

    It reads [the evidence as a document](#the-evidence-as-a-document). It is compiled when the
    policy is read: what is no expression, knows no such name or gives no true or false is refused
    there. Whatever goes wrong when it is judged is a violation: a key that is not there, a
    comparison of unlike things. So is evidence that it mentions and that is not on record, even
    in a branch that would not be reached.

    An expression can say what no other rule does, and what makes no sense: `size(findings) > 3`
    would deny the better image. Where it mentions an age or an instant, its verdict holds for the
    instant only that it was judged for.
    """

    name: ClassVar[str] = "expression"
    examples: ClassVar[tuple[str, ...]] = (
        """
        expression:
          cel: findings.all(f, !f.exploited || f.age < 86400)
          message: something that is known to be exploited has been known for a day
          remedy: upgrade it, or take it out
        """,
        """
        # Whoever cannot be asked by phone must not deploy on a Friday:
        expression: {cel: "timestamp(at).getDayOfWeek() != 5 || 'team' in config.labels"}
        """,
        "expression: {cel: \"components.all(c, !c.name.startsWith('internal-test-'))\"}",
    )
    waivable: ClassVar[bool] = True

    cel: str = field(metadata=option(EXPRESSION, "what has to be true"))
    message: str = field(
        default="", metadata=option(TEXT, "what to say where it is not; default: the expression")
    )
    remedy: str = field(default="", metadata=option(TEXT, "what to do about it"))

    @property
    def needs(self) -> frozenset[Need]:
        """See `Rule.needs`: what is mentioned."""
        return needs(self.cel)

    def judge(self, case: Case) -> Judgement:
        """See `Rule.judge`."""
        violations: list[Violation] = []
        evidence: list[EvidenceReference] = []
        wanted = mentioned(self.cel)
        for platform in case.platforms:
            violations += missing(wanted, platform, case) or self._judged(platform, case, wanted)
            evidence += cited(wanted, platform, case)
        timely = is_timely(self.cel)
        return Judgement(
            f"{'not true' if violations else 'true'}: {' '.join(self.cel.split())}",
            tuple(violations),
            tuple(dict.fromkeys(evidence)),
            holds_until=case.at if timely else None,
            relents_at=case.at + MOMENT if timely and violations else None,
        )

    def _judged(
        self, platform: PlatformDossier, case: Case, wanted: frozenset[str]
    ) -> list[Violation]:
        why = holds(compiled(self.cel), evidence_document(platform, case, wanted))
        if not why:
            return []
        said = self.message or f"{' '.join(self.cel.split())} is not true"
        return [
            Violation(
                said if why == "false" else f"{said}: {why}",
                self.remedy or "change what the expression is about, or the policy",
                platform=case.named(platform),
            )
        ]
