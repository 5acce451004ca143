"""Rules of trust: which ones are safe to have, and whether a job's own token fits one.

Claims are compared whole, as text with text: `sub` of GitHub changes its form with what the
repository's owner sets, and names that people choose can be had by others later; the numbers of
repositories, owners and projects cannot.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from supplychain.access.roles import require_scope
from supplychain.errors import ForbiddenError, InputError
from supplychain.gate.options import IDENTIFIER, PERSON
from supplychain.model.access import MACHINE, Member, TrustRule

GITHUB = "https://token.actions.githubusercontent.com"
# A rule without any of these would trust the jobs of strangers: everybody's tokens come from there.
_PINNED: Mapping[str, tuple[str, ...]] = {
    GITHUB: ("repository_id", "repository_owner_id"),
    "https://gitlab.com": ("project_id", "namespace_id"),
    "https://agent.buildkite.com": ("organization_id", "pipeline_id"),
}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(hours=12)
_CLAIMS, _VALUES, _LENGTH = 20, 100, 1024
_POINTER = re.compile(r"/[^\x00-\x1f]{1,300}")
_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,200}")


def require_rule(rule: TrustRule) -> None:
    """Refuse a rule that would trust more than somebody means.

    Raises:
        InputError: It names no issuer by a URL with TLS, no audience, no claim that ties it to
            somebody, or gives more than a machine may have, or for too long.
    """
    try:
        IDENTIFIER.parse(rule.name)
    except InputError as error:
        raise InputError(
            f"{rule.name[:80]!r} cannot name a rule", hint="letters, digits, dots, _ and -"
        ) from error
    require_url(rule.issuer, "the issuer")
    if rule.jwks_url:
        require_url(rule.jwks_url, "the place of its keys")
    if not rule.audience or len(rule.audience) > _LENGTH:
        raise InputError("nobody says for whom the token is", hint="--audience supplychain")
    require_scope(f"{MACHINE}{rule.name}", rule.scope)
    if not _SHORTEST <= rule.lifetime <= _LONGEST:
        raise InputError("a token of a job lasts from one minute to twelve hours", hint="15m")
    _require_claims(rule)


def require_url(url: str, what: str) -> None:
    """Refuse what is no URL with TLS; this machine itself needs none.

    Raises:
        InputError: It is none.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise InputError(f"{what} {url[:200]!r} is no URL") from None
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if not host or not is_safe or not is_plain or parts.username is not None or parts.fragment:
        raise InputError(
            f"{what} {url[:200]!r} is not a URL with TLS", hint="as in https://gitlab.example"
        )


def require_member(member: Member) -> None:
    """Refuse a member whom nobody could tell from others.

    Raises:
        InputError: Their name is none, or nobody vouches for them by a name or an address.
    """
    PERSON.parse(member.name)
    if member.name.startswith(MACHINE):
        raise InputError(f"{member.name!r} would be taken for a machine")
    # It stands in the address by which they are changed and removed.
    if "/" in member.name or not member.name.strip("."):
        raise InputError(f"{member.name!r} cannot name a member", hint="alice@example.com")
    require_url(member.issuer, "the issuer")
    if not member.subject and not re.fullmatch(r"[^@\s]{1,120}@[^@\s]{1,120}", member.email):
        raise InputError(
            f"nobody could tell that {member.name} is who logs in",
            hint="--subject with what the issuer calls them, or --email",
        )
    require_scope(member.name, member.scope)


def rule_for(
    rules: Sequence[TrustRule], claims: Mapping[str, object], named: str | None = None
) -> TrustRule:
    """The one rule that a job's token fits.

    Args:
        rules: The rules about its issuer, whose signature on it was verified.
        claims: What it says.
        named: The rule that the job asks for; None where only one can be meant.

    Raises:
        ForbiddenError: It fits none, or several and the job names none.
    """
    fitting = [rule for rule in rules if named in {None, rule.name} and fits(rule, claims)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise ForbiddenError(
            "this token fits several rules of trust",
            because=", ".join(sorted(rule.name for rule in fitting)),
            hint="name one of them as the scope",
        )
    # Which claim it lacks is for whoever reads the rules, not for strangers.
    raise ForbiddenError(
        "this token fits no rule of trust",
        because="its issuer is trusted; its audience or its claims are not those of any rule",
        hint="supplychain trust list",
    )


def fits(rule: TrustRule, claims: Mapping[str, object]) -> bool:
    """Whether a token of the rule's issuer has its audience and its claims."""
    audience = claims.get("aud")
    for_whom = audience if isinstance(audience, list) else [audience]
    if rule.audience not in for_whom or not rule.claims:
        return False
    return all(_value(claims, name) in values for name, values in rule.claims)


def machine_name(rule: TrustRule) -> str:
    """Under which name the jobs of a rule act."""
    return f"{MACHINE}{rule.name}"


def _value(claims: Mapping[str, object], name: str) -> str | None:
    """A claim, or what a JSON pointer (RFC 6901) leads to; None where it is not text."""
    found: object = claims
    steps = (
        [step.replace("~1", "/").replace("~0", "~") for step in name[1:].split("/")]
        if name.startswith("/")
        else [name]
    )
    for step in steps:
        found = found.get(step) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else None


def _require_claims(rule: TrustRule) -> None:
    names = [name for name, _ in rule.claims]
    if not names or len(names) > _CLAIMS or len(set(names)) != len(names):
        raise InputError(
            "a rule says what a token has to say: from one claim to twenty",
            hint="--claim repository_id=1234",
        )
    for name, values in rule.claims:
        if not (_NAME.fullmatch(name) or _POINTER.fullmatch(name)):
            raise InputError(f"{name[:80]!r} is no claim")
        if not values or len(values) > _VALUES or not all(0 < len(v) <= _LENGTH for v in values):
            raise InputError(f"the claim {name} has no value that could be compared")
        if any("*" in value for value in values):
            raise InputError(
                f"the claim {name} is compared whole: * stands for nothing else",
                hint="give --claim once for each value",
            )
    if rule.issuer == GITHUB and "sub" in names:
        raise InputError(
            "sub of GitHub's tokens changes its form with what a repository sets",
            hint="match repository_id, repository_owner_id, job_workflow_ref or environment",
        )
    pinned = _PINNED.get(rule.issuer.rstrip("/"))
    if pinned and not set(pinned).intersection(names):
        raise InputError(
            f"everybody's jobs have tokens of {rule.issuer}: nothing says whose may come",
            hint=f"--claim {pinned[0]}=…",
        )
