"""Claims and their documents, as people and programs read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from supplychain.cli.console import printable, say
from supplychain.cli.context import OutputFormat, write, write_json
from supplychain.cli.times import ago
from supplychain.model.digest import Digest
from supplychain.model.vex import VexProduct

Said = Mapping[str, Any]
_PRODUCTS = 3


def show(found: Sequence[Said], output: OutputFormat) -> None:
    """Print the claims of a document, as `claim_data` has them."""
    if output is OutputFormat.JSON:
        write_json({"claims": list(found)})
        return
    write("".join(f"{line}\n" for one in found for line in _lines(one)))


def show_documents(found: Sequence[Said], output: OutputFormat, *, now: datetime) -> None:
    """Print documents, as `vex_data` has them."""
    if output is OutputFormat.JSON:
        write_json({"documents": list(found)})
        return
    for one in found:
        about = f", attached to {one['attached_to']}" if one["attached_to"] else ""
        digest, by = Digest.parse(one["digest"]), one["author"] or "-"
        head = f"{digest.short}  {one['format']:9}  {one['claims']} claims by {by}"
        recorded_at = datetime.fromisoformat(one["recorded_at"])
        write(f"{printable(head)}, recorded {ago(recorded_at, now)}{printable(about)}\n")
        write(f"  signed by {', '.join(map(_signer, one['signed']))}\n")
    if not found:
        say("no VEX document is on record")


def _lines(one: Said) -> list[str]:
    why = one["justification"] or one["detail"] or ""
    lines = [one["name"], f"  {one['vulnerability'][0]}  {one['status']}  {why}".rstrip()]
    products = [_product(product) for product in one["products"]]
    lines += [f"  about {product}" for product in products[:_PRODUCTS]]
    more = len(products) - _PRODUCTS
    lines += [f"  and {more} more products"] if more > 0 else []
    lines += [f"  signed by {_signer(signature)}" for signature in one["signed"]]
    lines += [f"  accepted by {said['by']} at {said['at']}" for said in one["accepted"]]
    return [printable(line) for line in lines]


def _product(said: Said) -> str:
    named = {name: tuple(said[name]) for name in ("purls", "names", "packages")}
    return str(VexProduct(digests=tuple(map(Digest.parse, said["digests"])), **named))


def _signer(said: Said) -> str:
    """Who signed, in one word or two."""
    who = said["identity"]
    return printable(f"{who['name']} ({who['issuer']})" if who else said["key_fingerprint"])
