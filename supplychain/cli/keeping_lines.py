"""What came of looking at the whole record, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from supplychain.cli.console import Paint, printable
from supplychain.cli.times import size

if TYPE_CHECKING:
    from supplychain.records.store_check import StoreReport

_SHOWN = 20


def kept_lines(report: StoreReport, paint: Paint) -> Iterator[str]:
    """For people: damage first, and what is whole last."""
    bad = paint("red", "DAMAGED")
    for digest in report.damaged:
        yield f"{bad}  {digest} has other bytes than its name says"
    for one in report.missing:
        yield f"{bad}  {one.table}.{one.column} names {one.digest}, which is not there"
    yield from (f"{bad}  {printable(str(row))}" for row in report.rows)
    for chain in report.chains:
        for what in chain.breaks:
            yield f"{bad}  {chain.kind} of {printable(chain.owner)}: {printable(what)}"
    yield from _orphans(report, paint)
    if report.whole:
        links = sum(chain.count for chain in report.chains)
        yield (
            f"{paint('green', 'whole')}  {report.documents} documents ({size(report.size)}), "
            f"{links} links in {len(report.chains)} chains"
        )


def _orphans(report: StoreReport, paint: Paint) -> Iterator[str]:
    if report.orphans:
        yield paint("dim", f"{len(report.orphans)} documents that no row names:")
        yield from (f"  {digest}" for digest in report.orphans[:_SHOWN])
    if len(report.orphans) > _SHOWN:
        yield f"  and {len(report.orphans) - _SHOWN} more; all with --output json"


def as_data(report: StoreReport) -> dict[str, object]:
    """The same for programs, whole."""
    return {
        "whole": report.whole,
        "documents": report.documents,
        "bytes": report.size,
        "damaged": [str(digest) for digest in report.damaged],
        "missing": [
            {"table": one.table, "column": one.column, "digest": str(one.digest)}
            for one in report.missing
        ],
        "rows": [{"table": one.table, "key": one.key, "what": one.what} for one in report.rows],
        "orphans": [str(digest) for digest in report.orphans],
        "chains": [
            {
                "kind": chain.kind,
                "owner": chain.owner,
                "links": chain.count,
                "newest": str(chain.head) if chain.head else None,
                "breaks": list(chain.breaks),
            }
            for chain in report.chains
        ],
    }
