"""What a bundle proves about a file, as people and programs read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.cli.console import printable
from supplychain.cli.context import OutputFormat, rfc3339, write, write_json

if TYPE_CHECKING:
    from supplychain.signing.blobs import VerifiedBlob


def show(held: VerifiedBlob, output: OutputFormat) -> None:
    """Print what holds."""
    if output is OutputFormat.JSON:
        write_json({"verified": [_document(held)]})
        return
    who = held.established.identity or held.established.key_fingerprint
    what = held.predicate_type or "signature"
    write(f"{held.blob.digests[0]}  {printable(what)}  {printable(str(who))}\n")
    for time in held.established.times:
        write(f"  {rfc3339(time.at)}  {time.clock}  {printable(time.name)}\n")
    for entry in held.established.log_entries:
        write(f"  entry {entry.index}  {printable(entry.kind)}  {printable(entry.log)}\n")


def _document(held: VerifiedBlob) -> dict[str, object]:
    found = held.established
    identity = found.identity
    return {
        "subject": str(held.blob.digests[0]),
        "predicate_type": held.predicate_type,
        "key_fingerprint": found.key_fingerprint,
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
            for e in found.log_entries
        ],
        "times": [
            {"at": rfc3339(t.at), "clock": str(t.clock), "name": t.name} for t in found.times
        ],
    }
