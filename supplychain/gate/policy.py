"""A policy: what one environment demands of what runs in it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property

from supplychain.errors import PolicyError
from supplychain.gate.entry import RuleEntry
from supplychain.gate.options import (
    ENVIRONMENT,
    PLATFORMS,
    TEXT,
    canonical_options,
    option,
)
from supplychain.gate.rule_list import RULE_LIST
from supplychain.gate.unseen import UNSEEN, Unseen
from supplychain.gate.unsigned_terms import CLAIM_TERMS, ClaimTerms
from supplychain.gate.vex_terms import VEX_TERMS, VexTerms
from supplychain.gate.waiver_terms import WAIVER_RULES, WaiverRules
from supplychain.model.digest import Digest
from supplychain.model.dossier import Need
from supplychain.model.subject import Platform

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Policy:
    """The rules of one environment, with its keys read in.

    Attributes:
        environment: Where it holds.
        rules: Every one has to be satisfied, on its terms; never empty.
        platforms: What the environment runs of an index; empty for everything that is recorded.
        vex: On what terms claims of fact clear findings; None where nobody's do.
        description: For people.
        waivers: Whose waivers count, and for how long; None where none does.
        claims: Whose unsigned documents count, and for what; empty where nobody's do.
        unseen: When asking about an image that was never seen has it looked at; None for never.
        origins: Which document says a key, for people; two policies that differ in nothing else
            are the same.
        overridden: What the documents that it is made of said and it does not, for people.
    """

    environment: str = field(metadata=option(ENVIRONMENT, "where this policy holds"))
    rules: tuple[RuleEntry, ...] = field(
        metadata=option(RULE_LIST, "what is demanded; every rule has to be satisfied")
    )
    platforms: tuple[Platform, ...] = field(
        default=(),
        metadata=option(PLATFORMS, "what the environment runs of an image; default everything"),
    )
    vex: VexTerms | None = field(
        default=None,
        metadata=option(VEX_TERMS, "whose VEX documents are believed; default nobody's"),
    )
    description: str = field(default="", metadata=option(TEXT, "for people"))
    waivers: WaiverRules | None = field(
        default=None,
        metadata=option(WAIVER_RULES, "whose waivers count, and for how long; default none"),
    )
    claims: tuple[ClaimTerms, ...] = field(
        default=(),
        metadata=option(CLAIM_TERMS, "whose unsigned documents count, and for what; default none"),
    )
    unseen: Unseen | None = field(
        default=None,
        metadata=option(
            UNSEEN, "whether a run is started for an image that was never seen; default no"
        ),
    )
    origins: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    overridden: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        """Refuse a policy that would allow everything.

        Raises:
            PolicyError: There is no rule.
        """
        if not self.rules:
            raise PolicyError(
                f"the policy for {self.environment} has no rules",
                because="a policy without rules would allow everything",
            )
        if all(entry.terms.warn for entry in self.rules):
            raise PolicyError(
                f"every rule of the policy for {self.environment} only warns",
                because="such a policy would allow everything",
                hint="take warn from one of them",
            )

    @property
    def needs(self) -> frozenset[Need]:
        """What its rules read of a dossier that is left out unless asked for."""
        needed = frozenset(need for entry in self.rules for need in entry.rule.needs)
        return needed | {Need.CLAIMS} if self.claims else needed

    def canonical(self) -> bytes:
        """The policy as JSON with its keys written in: the same document, whatever its layout.

        It is itself a policy document; `load_policy` gives this policy back from it.
        """
        document = {"schemaVersion": SCHEMA_VERSION, **canonical_options(self)}
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"

    @cached_property
    def digest(self) -> Digest:
        """The digest of the canonical form, by which decisions name the policy."""
        return Digest.of(self.canonical())
