"""What was measured, as rows of one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

_HEADS = ("what", "ours", "beside", "ratio", "target", "met")


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement.

    Attributes:
        name: What was measured.
        ours: What we took.
        theirs: What was measured beside it in the same run, and what that took; "" for nothing.
        ratio: Ours to theirs; None where there is none.
        target: What was promised; "" where nothing was.
        met: Whether that was kept; None where nothing was promised or measured.
    """

    name: str
    ours: str
    theirs: str = ""
    ratio: float | None = None
    target: str = ""
    met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        met = {None: "", True: "yes", False: "NO"}[self.met]
        return self.name, self.ours, self.theirs, ratio, self.target, met


def skipped(name: str, reason: str, target: str = "") -> Row:
    """The row of what could not be measured."""
    return Row(name, f"skipped: {reason}", target=target)


def as_text(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table whose columns stand under one another."""
    lines = [_HEADS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    head, *body = [
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([head, rule, *body]) + "\n"


def as_data(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows for a program."""
    return [asdict(row) for row in rows]
