"""`supplychain retention`: what may go, by rule."""

from __future__ import annotations

import typer

from supplychain.cli import options
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.pipeline.progress import stage

app = typer.Typer(help="Remove what is replaced or no longer used, by rule.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Remove scans and SBOMs that are replaced or no longer used, by rule."""


@app.command()
@options.command(options.RECORD, options.RETENTION)
def plan(shared: Context, output: options.Output = OutputFormat.TEXT) -> None:
    """Show what `apply` would remove; changes nothing.

    Scans and SBOMs alone are ever removed, never evidence of what runs, of what
    the last decision about an image names, or of what a waiver that still counts
    is about. Decisions stay, and what they were made from.

    \b
    Examples:
      supplychain retention plan
      supplychain retention plan --keep-superseded 30d --keep-unused 400d
    """
    _retain(shared, output, remove=False)


@app.command("apply")
@options.command(options.RECORD, options.RETENTION)
def apply_(shared: Context, output: options.Output = OutputFormat.TEXT) -> None:
    """Remove what `plan` shows.

    \b
    Examples:
      supplychain retention apply
      supplychain retention apply --keep-superseded 30d --output json
    """
    _retain(shared, output, remove=True)


def _retain(shared: Context, output: OutputFormat, *, remove: bool) -> None:
    from supplychain.bootstrap import keeping

    about = shared.settings.shown_database
    with shared.progress(output) as progress, stage(progress, "retention", about) as told:
        found = keeping.retention(shared.settings, at=shared.now(), remove=remove)
        told.text = f"{found.scans + found.sboms} to go, {found.spared} old ones still needed"
    if output is OutputFormat.JSON:
        write_json(
            {
                "removed": remove,
                "scans": found.scans,
                "sboms": found.sboms,
                "spared": found.spared,
                "work": found.work,
                "documents": found.documents,
            }
        )
        return
    done = "removed" if remove else "would remove"
    write(
        f"{done}  {found.scans} scans, {found.sboms} SBOMs, {found.documents} documents, "
        f"{found.work} notes of work\n"
        f"kept  {found.spared} old ones that something still rests on\n"
    )
