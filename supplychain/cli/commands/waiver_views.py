"""`supplychain waivers list|show`: which there are, and what became of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer

from supplychain.cli import options
from supplychain.cli import waiver_options as given
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.place import Works, place
from supplychain.cli.waiver_lines import (
    decisions_line,
    details,
    history,
    line,
)
from supplychain.export.data import waiver_data, waiver_event_data
from supplychain.model.waiver import Waiver, WaiverState


@options.command(options.RECORD, works=Works.ANYWHERE)
def list_(
    shared: Context,
    state: Annotated[
        WaiverState | None,
        typer.Option("--state", help="only those that stand so", show_default=False),
    ] = None,
    expiring: Annotated[
        str | None,
        typer.Option(
            "--expiring",
            metavar="DURATION",
            help="only those that count and end within: 7d",
            show_default=False,
        ),
    ] = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """List waivers, and the changes that somebody asks for beside them.

    \b
    Examples:
      supplychain waivers list --state requested
      supplychain waivers list --expiring 7d --output json
    """
    from supplychain.gate.durations import parse_duration

    now = shared.now()
    period = parse_duration(expiring) if expiring else None
    with place(shared) as asked:
        found = asked.waivers.all(at=now)
    shown = [
        waiver
        for waiver in found
        if state in {None, waiver.state(now)} and (period is None or _ends(waiver, now, period))
    ]
    if output is OutputFormat.JSON:
        write_json({"waivers": [waiver_data(waiver, now) for waiver in shown]})
        return
    for waiver in shown:
        write(f"{line(waiver, shared.paint, now)}\n")


@options.command(options.RECORD, works=Works.ANYWHERE)
def show(shared: Context, waiver: given.Waiver, output: options.Output = OutputFormat.TEXT) -> None:
    """Show a waiver: what it is about, who said what, and which decisions rest on it.

    \b
    Examples:
      supplychain waivers show WV-17
      supplychain waivers show WV-17 --output json
    """
    now = shared.now()
    with place(shared) as asked:
        found, steps, used_by = asked.waivers.get(waiver, at=now)
    if output is OutputFormat.JSON:
        write_json(
            {
                "waivers": [waiver_data(one, now) for one in found],
                "history": [waiver_event_data(step) for step in steps],
                "decisions": [str(digest) for digest in used_by],
            }
        )
        return
    lines = [text for one in found for text in details(one, shared.paint, now)]
    lines += [*history(steps, now), decisions_line(used_by)]
    write("".join(f"{text}\n" for text in lines))


def _ends(waiver: Waiver, now: datetime, period: timedelta) -> bool:
    counts = waiver.state(now) is WaiverState.APPROVED
    return counts and waiver.terms.expires_at <= now + period
