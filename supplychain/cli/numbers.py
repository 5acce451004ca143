"""Numbers as options: digits and nothing else, where Python would take `1_0`, ` 5` and `٣`, too."""

from __future__ import annotations

import re

import typer
from typer.models import OptionInfo

_WRITTEN = re.compile("[0-9]{1,9}")


def number(
    *names: str, least: int = 1, most: int = 100_000, says: str, metavar: str = "N"
) -> OptionInfo:
    """An option that takes a number.

    Args:
        names: Its own; else that of the parameter.
        least: The lowest.
        most: The highest.
        says: What help says of it.
        metavar: What stands for it there.
    """

    def parse(given: str | int) -> int:
        text = str(given)  # Typer asks about the default, too
        if not _WRITTEN.fullmatch(text) or not least <= int(text) <= most:
            raise typer.BadParameter(f"{text[:40]!r} is not a number from {least} to {most}")
        return int(text)

    option: OptionInfo = typer.Option(*names, metavar=metavar, help=says, parser=parse)
    return option
