"""What a bundle proves about a file, as people and programs read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.cli import witnesses
from supplychain.cli.console import printable
from supplychain.cli.context import OutputFormat, write, write_json
from supplychain.export.data import signer_data

if TYPE_CHECKING:
    from supplychain.signing.blobs import VerifiedBlob


def show(held: VerifiedBlob, output: OutputFormat) -> None:
    """Print what holds."""
    if output is OutputFormat.JSON:
        write_json({"verified": [_document(held)]})
        return
    what = printable(held.predicate_type or "signature")
    first = f"{held.blob.digests[0]}  {what}  {witnesses.signer(held.established)}"
    write("".join(f"{line}\n" for line in (first, *witnesses.lines(held.established))))


def _document(held: VerifiedBlob) -> dict[str, object]:
    return {
        "subject": str(held.blob.digests[0]),
        "predicate_type": held.predicate_type,
        **signer_data(held.established),
    }
