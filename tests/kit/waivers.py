"""Waivers for tests: by a requester and an approver whom `WAIVERS` of a policy lets approve."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from supplychain.gate.policy import Policy
from supplychain.gate.waiver_terms import WaiverRules
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier
from supplychain.model.waiver import EndsWithFix, Waiver, WaiverScope, WaiverTerms
from tests.kit.scans import AT

DAY = timedelta(days=1)
REQUESTER, APPROVER = "alice", "bob"
OPENSSL = "pkg:deb/debian/libssl3"
INSTALLED = "=3.0.11-1~deb12u2"
SCOPE = WaiverScope(vulnerability="CVE-2024-0727", package=OPENSSL, versions=INSTALLED)
RULES = WaiverRules(
    (APPROVER, "carol"),
    (("critical", 14 * DAY), ("high", 30 * DAY), ("other", 30 * DAY), ("unknown", 7 * DAY)),
)


def make_terms(
    scope: WaiverScope = SCOPE,
    *,
    expires: timedelta | datetime = 10 * DAY,
    ends_with_fix: EndsWithFix = EndsWithFix.NEVER,
    **said: Any,
) -> WaiverTerms:
    """Terms that end so long after `AT`."""
    at = expires if isinstance(expires, datetime) else AT + expires
    texts = {"reason": "nobody parses PKCS12 here", "owner": "team/web", "ticket": "SEC-7"}
    return WaiverTerms(scope, expires_at=at, ends_with_fix=ends_with_fix, **{**texts, **said})


def make_waiver(
    scope: WaiverScope = SCOPE,
    *,
    number: int = 17,
    expires: timedelta = 10 * DAY,
    ends_with_fix: EndsWithFix = EndsWithFix.NEVER,
    approved: timedelta | None = 2 * DAY,
    **changes: Any,
) -> Waiver:
    """A waiver in order, asked for three days before `AT` and approved two days before it.

    Args:
        scope: What it is about.
        number: Its number.
        expires: How long after `AT`.
        ends_with_fix: See `WaiverTerms`.
        approved: How long before `AT`; None for not at all.
        changes: Fields of the waiver that are otherwise.
    """
    terms = make_terms(scope, expires=expires, ends_with_fix=ends_with_fix)
    said = f"{number} {terms}".encode()
    made = Waiver(number, Digest.of(said), terms, (REQUESTER,), AT - 3 * DAY)
    if approved is not None:
        made = replace(
            made,
            approved_by=APPROVER,
            approved_at=AT - approved,
            approval=Digest.of(b"approval of " + said),
        )
    return replace(made, **changes)


def waiving(policy: Policy, rules: WaiverRules | None = RULES) -> Policy:
    """The policy, letting waivers count."""
    return replace(policy, waivers=rules)


def with_waivers(dossier: Dossier, *waivers: Waiver) -> Dossier:
    """The dossier, with these waivers."""
    return replace(dossier, waivers=waivers)
