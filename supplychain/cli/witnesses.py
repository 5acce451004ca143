"""Who signed, when by which clock and in which log, as people and programs read it."""

from __future__ import annotations

from supplychain.cli.console import printable
from supplychain.cli.context import rfc3339
from supplychain.export.data import Witnessed


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
