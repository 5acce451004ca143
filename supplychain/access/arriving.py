"""A job that arrives with its own token: by whose word, and by which rule it is let in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from supplychain.access.identity_tokens import Unverified, verify
from supplychain.access.issuers import Issuers
from supplychain.access.trust import rule_for
from supplychain.errors import UnauthenticatedError
from supplychain.frozen import dataclass
from supplychain.model.access import TrustRule


@dataclass(frozen=True, slots=True)
class Arrived:
    """A job that is let in.

    Attributes:
        rule: The rule by which it is.
        claims: What its token says, verified.
    """

    rule: TrustRule
    claims: Mapping[str, Any]


def arrive(
    token: Unverified,
    rules: Sequence[TrustRule],
    issuers: Issuers,
    *,
    named: str | None = None,
    at: datetime,
) -> Arrived:
    """Let a job in by a rule of trust.

    Args:
        token: What it came with.
        rules: The rules that are about what the token says is its issuer.
        issuers: Gives the issuer's keys; never asked of an issuer that no rule trusts.
        named: The rule that the job asks for; None where only one can be meant.
        at: The instant (aware, UTC).

    Raises:
        UnauthenticatedError: Nobody trusts its issuer, or the token does not hold.
        ForbiddenError: It fits no rule.
        IdentityProviderError: The issuer cannot be asked.
    """
    trusted = [rule for rule in rules if rule.issuer == token.issuer]
    if not trusted:
        raise UnauthenticatedError(
            "nobody here trusts the issuer of this token",
            because=f"it says that it is of {token.issuer[:200]!r}",
            hint="supplychain trust add",
        )
    # Rules may name different places of one issuer's keys: each is held against its own.
    places = {rule.jwks_url for rule in trusted if named in {None, rule.name}} or {""}
    failed: UnauthenticatedError | None = None
    for place in sorted(places):
        try:
            claims = verify(token, issuers, issuer=token.issuer, jwks_url=place, at=at)
        except UnauthenticatedError as error:
            failed = error
            continue
        here = [rule for rule in trusted if rule.jwks_url == place]
        return Arrived(rule_for(here, claims, named), claims)
    raise failed or UnauthenticatedError("this identity token does not hold")
