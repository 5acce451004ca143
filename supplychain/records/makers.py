"""Who is behind a name: who made the way in of a machine, and as whom somebody was a member before.

Who has a machine's secret, or writes its rule, can act as it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from sqlalchemy import Connection, select, union

from supplychain.model.access import MACHINE
from supplychain.model.waiver import Waiver
from supplychain.records.access_tables import api_tokens, memberships
from supplychain.records.audit_tables import audit_events


def makers_of(
    connection: Connection, organisation: int, waiver: Waiver
) -> Mapping[str, AbstractSet[str]]:
    """Everybody who ever let in a machine that asked for a waiver, by the machine's name.

    Args:
        connection: The database.
        organisation: The number of the organisation whose waiver it is.
        waiver: The waiver.
    """
    machines = {name for name in waiver.requested_by if name.startswith(MACHINE)}
    if not machines:
        return {}
    token, event = api_tokens.c, audit_events.c
    with_tokens = select(token.owner, token.created_by).where(
        token.organisation_id == organisation, token.owner.in_(machines)
    )
    # Rules of trust are removed; that they were made stays.
    rules = [name.removeprefix(MACHINE) for name in machines]
    with_rules = select(MACHINE + event.about, event.who).where(
        event.organisation_id == organisation, event.what == "trust.added", event.about.in_(rules)
    )
    found: dict[str, set[str]] = defaultdict(set)
    for machine, maker in connection.execute(union(with_tokens, with_rules)):
        found[machine].add(maker)
    return found


def names_of(connection: Connection, organisation: int, actor: str) -> AbstractSet[str]:
    """Every name by which a member is one, or was before they were removed and added anew.

    The audit log has whom an issuer vouched for, and by which address, whenever that was said.

    Args:
        connection: The database.
        organisation: The number of the organisation.
        actor: By which name they act.
    """
    column, event = memberships.c, audit_events.c
    member = connection.execute(
        select(column.issuer, column.subject, column.email).where(
            column.organisation_id == organisation, column.name == actor
        )
    ).first()
    names = {actor}
    if member is None:
        return names
    told = connection.execute(
        select(event.about, event.after).where(
            event.organisation_id == organisation, event.what.in_(("member.added", "member.bound"))
        )
    )
    known = _identities(member.issuer, member.subject, member.email)
    others = [
        (name, _identities(said["issuer"], said["subject"], said["email"]))
        for name, said in ((row.about, json.loads(row.after)) for row in told)
    ]
    while same := [one for one in others if known & one[1]]:
        names |= {name for name, _ in same}
        known |= {identity for _, found in same for identity in found}
        others = [one for one in others if one not in same]
    return names


def _identities(issuer: str, subject: str | None, email: str | None) -> set[tuple[str, str]]:
    """What tells a person: their issuer's own word for them; an address, whoever vouches for it."""
    return {(issuer, subject or ""), ("", email or "")} - {(issuer, ""), ("", "")}
