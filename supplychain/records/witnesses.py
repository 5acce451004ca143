"""Who signed, what logs hold of it and what clocks say, in the columns of an attestation."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Row

from supplychain.errors import StoreError
from supplychain.model.evidence import VerifiedAttestation
from supplychain.model.identity import Clock, Identity, LogEntry, NameKind, TrustedTime
from supplychain.records.columns import instant_text

_T = TypeVar("_T")
# What a column has where there is no log, or no clock.
NONE = "[]"


def witness_columns(attestation: VerifiedAttestation) -> dict[str, str | None]:
    """What an attestation says of its signer, as its row has it."""
    identity = attestation.identity
    entries = [
        {"log": e.log, "log_id": e.log_id, "index": e.index, "kind": e.kind}
        for e in attestation.log_entries
    ]
    times = [
        {"at": instant_text(time.at), "clock": time.clock, "name": time.name}
        for time in attestation.times
    ]
    return {
        "identity_name": identity.name if identity else None,
        "identity_kind": identity.kind if identity else None,
        "identity_issuer": identity.issuer if identity else None,
        "claims": json.dumps(identity.claims) if identity else None,
        "log_entries": json.dumps(entries),
        "times": json.dumps(times),
    }


def identity_of(row: Row[Any]) -> Identity | None:
    """Whom the certificate was issued to; None where a key alone verified it.

    Raises:
        StoreError: The row is damaged.
    """
    if row.identity_name is None:
        return None
    claims = _read(row.claims, lambda claim: (str(claim[0]), str(claim[1])))
    return Identity(row.identity_name, NameKind(row.identity_kind), row.identity_issuer, claims)


def log_entries_of(row: Row[Any]) -> tuple[LogEntry, ...]:
    """What the logs hold of it; raises as `identity_of`."""
    return _read(row.log_entries, lambda e: LogEntry(e["log"], e["log_id"], e["index"], e["kind"]))


def times_of(row: Row[Any]) -> tuple[TrustedTime, ...]:
    """When it existed by trusted clocks; raises as `identity_of`."""
    return _read(
        row.times,
        lambda t: TrustedTime(datetime.fromisoformat(t["at"]), Clock(t["clock"]), t["name"]),
    )


def _read(text: str, one: Callable[[Any], _T]) -> tuple[_T, ...]:
    try:
        return tuple(one(item) for item in json.loads(text))
    except (ValueError, TypeError, LookupError) as error:
        raise StoreError(
            "the record of an attestation cannot be read",
            because=f"what it says of its signer is damaged: {error}",
            hint="restore the database from a backup, or run the image again in a new one",
            retryable=False,
        ) from error
