"""Who made the way in of machines: who has its secret, or writes its rule, can act as it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from sqlalchemy import Connection, select, union

from supplychain.model.access import MACHINE
from supplychain.model.waiver import Waiver
from supplychain.records.access_tables import api_tokens
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
