"""The `claims` of a policy: whose unsigned documents count, and for what."""

from __future__ import annotations

from dataclasses import field

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.mappings import MappingOf
from supplychain.gate.options import ListOf, choice, option
from supplychain.gate.patterns import PATTERNS, fits, matches
from supplychain.model.evidence import EvidenceKind

_KINDS = {str(kind): kind for kind in (EvidenceKind.SBOM, EvidenceKind.SCAN)}
# Callers that nobody is: a pattern that takes one of them takes anybody.
_NOBODY = ("nobody", "nobody@nobody.invalid", "machine:no--body")


@dataclass(frozen=True, slots=True)
class ClaimTerms:
    """Somebody whose unsigned documents stand in for what nobody verified.

    Attributes:
        by: Patterns of callers, each of the whole name.
        kinds: Which documents of theirs.
    """

    by: tuple[str, ...] = field(
        metadata=option(PATTERNS, "who hands them in: patterns that match a caller's whole name")
    )
    kinds: tuple[EvidenceKind, ...] = field(
        metadata=option(
            ListOf(choice("a kind of unsigned document", _KINDS)), "which documents: sbom, scan"
        )
    )

    def __post_init__(self) -> None:
        """Refuse to take anybody's word.

        Raises:
            PolicyError: A pattern takes it.
        """
        for pattern in self.by:
            if any(matches(pattern, name) for name in _NOBODY):
                raise PolicyError(
                    f"the pattern {pattern!r} takes anybody's word",
                    hint="name who hands in what nobody signed: by: [machine:shop-ci]",
                )

    def accepts(self, caller: str, kind: EvidenceKind) -> bool:
        """Whether such a document of a caller counts."""
        return kind in self.kinds and fits(self.by, caller)


CLAIM_TERMS = ListOf(MappingOf(ClaimTerms, "whose claims count"))
