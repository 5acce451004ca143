"""Tokens, rules of trust, members and events of the audit log as data."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from supplychain.gate.windows import rfc3339

if TYPE_CHECKING:
    from supplychain.model.access import ApiToken, AuditEvent, Member, Scope, TrustRule


def scope_data(scope: Scope) -> dict[str, object]:
    """A scope as data; `null` for every project."""
    projects = None if scope.projects is None else list(scope.projects)
    return {"roles": [role.value for role in scope.roles], "projects": projects}


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


def _instant(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None
