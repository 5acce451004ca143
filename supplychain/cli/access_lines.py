"""Tokens, rules of trust, members and the audit log as people and programs read them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from supplychain.cli.console import Paint, printable
from supplychain.cli.times import ago, span

if TYPE_CHECKING:
    from supplychain.model.access import ApiToken, AuditEvent, Member, Scope, TrustRule


def scope_words(scope: Scope) -> str:
    """A scope for people."""
    where = "every project" if scope.projects is None else ", ".join(scope.projects) or "nothing"
    return f"{', '.join(scope.roles)} in {where}"


def token_line(token: ApiToken, paint: Paint, now: datetime) -> str:
    """A token on one line."""
    state = token.state(now).value
    ends = f"ends {ago(token.expires_at, now)}" if state == "valid" else state
    used = f"used {ago(token.last_used_at, now)}" if token.last_used_at else "never used"
    said = printable(f"{token.owner}  {token.name}  {scope_words(token.scope)}")
    return f"{token.identifier}  {said}  {paint('dim', f'{ends}, {used}')}"


def rule_lines(rule: TrustRule) -> Iterator[str]:
    """A rule of trust for people."""
    yield printable(f"{rule.name}  {scope_words(rule.scope)}, for {span(rule.lifetime)}")
    yield printable(f"  issuer    {rule.issuer}")
    if rule.jwks_url:
        yield printable(f"  keys      {rule.jwks_url}")
    yield printable(f"  audience  {rule.audience}")
    for name, values in rule.claims:
        yield printable(f"  {name} = {' or '.join(values)}")


def member_line(member: Member) -> str:
    """A member on one line."""
    who = member.subject or member.email
    return printable(f"{member.name}  {scope_words(member.scope)}  {member.issuer} {who}")


def event_line(event: AuditEvent, paint: Paint, now: datetime) -> str:
    """An event of the audit log on one line."""
    where = f"{event.project}: " if event.project else ""
    said = printable(f"{event.who}  {event.what}  {where}{event.about}")
    dim = printable(f"{ago(event.at, now)}, {event.from_where}")
    return f"{event.sequence:>6}  {said}  {paint('dim', dim)}"


def json_line(data: Mapping[str, object]) -> str:
    """Data on one line, as logs are read by programs."""
    return json.dumps(data, sort_keys=True, ensure_ascii=False)
