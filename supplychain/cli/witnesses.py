"""Who signed, when by which clock and in which log, as people and programs read it."""

from __future__ import annotations

from typing import Protocol

from supplychain.cli.console import printable
from supplychain.cli.context import rfc3339
from supplychain.model.identity import Identity, LogEntry, TrustedTime


class Witnessed(Protocol):
    """Something signed of which it was established who did."""

    @property
    def key_fingerprint(self) -> str:
        """The key that verified it."""
        ...

    @property
    def identity(self) -> Identity | None:
        """Whom the certificate was issued to; None where a key alone verified it."""
        ...

    @property
    def log_entries(self) -> tuple[LogEntry, ...]:
        """What logs hold of it."""
        ...

    @property
    def times(self) -> tuple[TrustedTime, ...]:
        """When it existed by trusted clocks."""
        ...


def signer(held: Witnessed) -> str:
    """Who signed, in one word or two."""
    return printable(str(held.identity or held.key_fingerprint))


def lines(held: Witnessed) -> list[str]:
    """The clocks and logs, and what the issuer said beside, one to a line."""
    times = [f"  {rfc3339(t.at)}  {t.clock}  {printable(t.name)}" for t in held.times]
    entries = [
        f"  entry {e.index}  {printable(e.kind)}  {printable(e.log)}" for e in held.log_entries
    ]
    claims = held.identity.claims if held.identity else ()
    said = [f"  {printable(name)}: {printable(value)}" for name, value in claims]
    return [*times, *entries, *said]


def document(held: Witnessed) -> dict[str, object]:
    """The same as data."""
    identity = held.identity
    return {
        "key_fingerprint": held.key_fingerprint,
        "identity": None
        if identity is None
        else {
            "name": identity.name,
            "kind": str(identity.kind),
            "issuer": identity.issuer,
            "claims": dict(identity.claims),
        },
        "log_entries": [
            {"log": e.log, "log_id": e.log_id, "index": e.index, "kind": e.kind}
            for e in held.log_entries
        ],
        "times": [{"at": rfc3339(t.at), "clock": str(t.clock), "name": t.name} for t in held.times],
    }
