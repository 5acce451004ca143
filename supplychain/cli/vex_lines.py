"""Claims and their documents, as people and programs read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from supplychain.cli import witnesses
from supplychain.cli.console import printable, say
from supplychain.cli.context import OutputFormat, rfc3339, write, write_json
from supplychain.cli.times import ago
from supplychain.export.data import claim_data, vex_data

if TYPE_CHECKING:
    from supplychain.model.vex import VexStatement
    from supplychain.records.vex import RecordedVex

_PRODUCTS = 3


def show(found: Sequence[VexStatement], output: OutputFormat) -> None:
    """Print the claims of a document."""
    if output is OutputFormat.JSON:
        write_json({"claims": [claim_data(one) for one in found]})
        return
    write("".join(f"{line}\n" for one in found for line in _lines(one)))


def show_documents(found: Sequence[RecordedVex], output: OutputFormat, *, now: datetime) -> None:
    """Print documents."""
    if output is OutputFormat.JSON:
        write_json({"documents": [vex_data(one) for one in found]})
        return
    for one in found:
        about = f", attached to {one.about}" if one.about else ""
        head = f"{one.digest.short}  {one.format:9}  {one.claims} claims by {one.author or '-'}"
        signers = ", ".join(witnesses.signer(signature) for signature in one.signatures)
        write(f"{printable(head)}, recorded {ago(one.recorded_at, now)}{about}\n")
        write(f"  signed by {printable(signers)}\n")
    if not found:
        say("no VEX document is on record")


def _lines(one: VexStatement) -> list[str]:
    claim = one.claim
    why = claim.justification or claim.detail
    lines = [f"{one.name}", f"  {claim.vulnerability[0]}  {claim.status}  {why}".rstrip()]
    products = [str(product) for product in claim.products]
    lines += [f"  about {product}" for product in products[:_PRODUCTS]]
    more = len(products) - _PRODUCTS
    lines += [f"  and {more} more products"] if more > 0 else []
    lines += [f"  signed by {witnesses.signer(signature)}" for signature in one.attestations]
    lines += [
        f"  accepted by {said.accepted_by} at {rfc3339(said.accepted_at)}"
        for said in one.acceptances
    ]
    return [printable(line) for line in lines]
