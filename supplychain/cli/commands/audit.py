"""`supplychain audit`: who did what, from where, and that nobody changed the log of it."""

from __future__ import annotations

from typing import Annotated

import typer

from supplychain.cli import options
from supplychain.cli.access_lines import event_line, json_line
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.decided_lines import show_chain
from supplychain.cli.numbers import number
from supplychain.cli.place import Works, place
from supplychain.cli.times import moment
from supplychain.errors import VerificationError
from supplychain.export.access_data import event_data

app = typer.Typer(help="See who did what, and that nobody changed it.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """See who did what, and that nobody changed it. Nothing here records anything."""


@app.command("list")
@options.command(options.RECORD, works=Works.ANYWHERE)
def list_(
    shared: Context,
    who: Annotated[
        str | None, typer.Option("--who", metavar="NAME", help="what they did", show_default=False)
    ] = None,
    what: Annotated[
        str | None,
        typer.Option("--what", metavar="WHAT", help="waiver, waiver.approved, token …"),
    ] = None,
    about: Annotated[
        str | None, typer.Option("--about", metavar="THING", help="what was done to it: WV-17")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="2026-01-31T09:00:00Z, a date, or 36h for so long ago"
        ),
    ] = None,
    limit: Annotated[int, number(says="at most so many")] = 50,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """List what was done in the organisation, the newest first.

    \b
    Examples:
      supplychain audit list
      supplychain audit list --what waiver --since 7d
      supplychain audit list --who alice@example.com --output json
    """
    from supplychain.records.audit import AuditAsked

    now = shared.now()
    begin = moment(since, now) if since else None
    wanted = AuditAsked(who=who, what=what, about=about, since=begin)
    with place(shared) as asked:
        found = asked.audit.list(wanted, limit=limit)
    if output is OutputFormat.JSON:
        write_json({"events": [event_data(event) for event in found]})
        return
    write("".join(f"{event_line(event, shared.paint, now)}\n" for event in found))


@app.command()
@options.command(options.RECORD, works=Works.ANYWHERE)
def verify(
    shared: Context,
    noted: Annotated[
        list[str] | None,
        typer.Option(
            "--link", metavar="DIGEST", help="a link that was noted earlier; it has to be there"
        ),
    ] = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Verify the audit log: no event taken out, changed, moved or put in.

    Note the newest link where whoever writes the database cannot: only that shows
    a log that was written anew as a whole.

    \b
    Examples:
      supplychain audit verify
      supplychain audit verify --output json
    """
    from supplychain.model.digest import Digest

    links = [Digest.parse(text) for text in noted or ()]
    with place(shared) as asked:
        found = asked.audit.verify(links)
    show_chain(shared, found, output, counted="events", whole="as they were written")
    if found.breaks:
        raise VerificationError(
            f"the audit log is not as it was written: {len(found.breaks)} breaks",
            because=found.breaks[0].what,
            hint="compare it with a backup or an export, and find out who could write the database",
        )


@app.command()
@options.command(options.RECORD)
def export(shared: Context, output_file: options.OutputFile = None) -> None:
    """Write the whole log, one event as JSON on each line, the oldest first.

    \b
    Examples:
      supplychain audit export --output-file audit.jsonl
    """
    from supplychain.bootstrap import parts

    with parts.open_record(shared.settings) as record:
        lines = [f"{json_line(event_data(event))}\n" for event in record.audit.all()]
    write("".join(lines).encode(), output_file)
