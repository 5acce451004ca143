"""Tokens, rules of trust, members and the audit log as people and programs read them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from supplychain.cli.console import Paint, printable
from supplychain.cli.context import rfc3339
from supplychain.cli.times import ago, span

if TYPE_CHECKING:
    from supplychain.model.access import ApiToken, AuditEvent, Member, Scope, TrustRule
    from supplychain.records.chain import Verification


def scope_words(scope: Scope) -> str:
    """A scope for people."""
    where = "every project" if scope.projects is None else ", ".join(scope.projects) or "nothing"
    return f"{', '.join(scope.roles)} in {where}"


def scope_data(scope: Scope) -> dict[str, object]:
    """A scope as data; `null` for every project."""
    projects = None if scope.projects is None else list(scope.projects)
    return {"roles": [role.value for role in scope.roles], "projects": projects}


def token_line(token: ApiToken, paint: Paint, now: datetime) -> str:
    """A token on one line."""
    state = token.state(now).value
    ends = f"ends {ago(token.expires_at, now)}" if state == "valid" else state
    used = f"used {ago(token.last_used_at, now)}" if token.last_used_at else "never used"
    said = printable(f"{token.owner}  {token.name}  {scope_words(token.scope)}")
    return f"{token.identifier}  {said}  {paint('dim', f'{ends}, {used}')}"


def token_data(token: ApiToken, now: datetime) -> dict[str, object]:
    """A token as data."""
    return {
        "id": token.identifier,
        "name": token.name,
        "owner": token.owner,
        **scope_data(token.scope),
        "state": token.state(now).value,
        "rule": token.rule or None,
        "created_at": rfc3339(token.created_at),
        "created_by": token.created_by,
        "expires_at": rfc3339(token.expires_at),
        "last_used_at": _instant(token.last_used_at),
        "revoked_at": _instant(token.revoked_at),
        "revoked_by": token.revoked_by or None,
    }


def rule_lines(rule: TrustRule) -> Iterator[str]:
    """A rule of trust for people."""
    yield printable(f"{rule.name}  {scope_words(rule.scope)}, for {span(rule.lifetime)}")
    yield printable(f"  issuer    {rule.issuer}")
    if rule.jwks_url:
        yield printable(f"  keys      {rule.jwks_url}")
    yield printable(f"  audience  {rule.audience}")
    for name, values in rule.claims:
        yield printable(f"  {name} = {' or '.join(values)}")


def rule_data(rule: TrustRule) -> dict[str, object]:
    """A rule of trust as data."""
    return {
        "name": rule.name,
        "issuer": rule.issuer,
        "jwks_url": rule.jwks_url or None,
        "audience": rule.audience,
        "claims": {name: list(values) for name, values in rule.claims},
        **scope_data(rule.scope),
        "lifetime_seconds": int(rule.lifetime.total_seconds()),
        "created_at": rfc3339(rule.created_at),
        "created_by": rule.created_by,
    }


def member_line(member: Member) -> str:
    """A member on one line."""
    who = member.subject or member.email
    return printable(f"{member.name}  {scope_words(member.scope)}  {member.issuer} {who}")


def member_data(member: Member) -> dict[str, object]:
    """A member as data."""
    return {
        "name": member.name,
        "issuer": member.issuer,
        "subject": member.subject or None,
        "email": member.email or None,
        **scope_data(member.scope),
        "created_at": rfc3339(member.created_at),
        "created_by": member.created_by,
    }


def event_line(event: AuditEvent, paint: Paint, now: datetime) -> str:
    """An event of the audit log on one line."""
    where = f"{event.project}: " if event.project else ""
    said = printable(f"{event.who}  {event.what}  {where}{event.about}")
    dim = printable(f"{ago(event.at, now)}, {event.from_where}")
    return f"{event.sequence:>6}  {said}  {paint('dim', dim)}"


def event_data(event: AuditEvent) -> dict[str, object]:
    """An event of the audit log as data."""
    return {
        "number": event.sequence,
        "at": rfc3339(event.at),
        "who": event.who,
        "from_where": event.from_where,
        "through": event.through,
        "project": event.project or None,
        "what": event.what,
        "about": event.about,
        "before": event.before,
        "after": event.after,
        "link": event.link,
    }


def json_line(data: Mapping[str, object]) -> str:
    """Data on one line, as logs are read by programs."""
    return json.dumps(data, sort_keys=True, ensure_ascii=False)


def log_verified(found: Verification, paint: Paint) -> Iterator[str]:
    """What came of looking at the audit log."""
    for one in found.breaks:
        place = f"number {one.sequence}: " if one.sequence else ""
        yield f"{paint('red', 'BROKEN')}  {place}{printable(one.what)}"
    if not found.breaks:
        yield f"{paint('green', 'whole')}  {found.count} events, as they were written"
    if found.head is not None:
        yield f"newest link  {found.head.digest}  (number {found.head.sequence})"


def _instant(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None
