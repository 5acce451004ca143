"""What fails closed, as it is published."""

from __future__ import annotations

from supplychain.server.problems import STATUSES
from tests.kit.failings import FAILINGS, Failing


def matrix() -> str:
    """The rows as they are published."""
    ends = {10: "denies (10)", 1: "fails (1)", 2: "refuses (2)"}
    raises = {10: "a decision, deny", 1: "an error", 2: "an error"}
    lines = [
        "| situation | command line | HTTP | library | what it says |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.name} | {ends[row.code]} | {_over_http(row)} | {raises[row.code]} | {row.reason} |"
        for row in FAILINGS
    ]
    return "\n".join(lines) + "\n"


def _over_http(row: Failing) -> str:
    if not row.problem:
        return "200, `deny`"
    if not row.begins:
        return f"serves nobody (`{row.problem}`)"
    return f"{int(STATUSES[row.problem])} `{row.problem}`"
