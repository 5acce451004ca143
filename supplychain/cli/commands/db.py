"""`supplychain db`: the schema of the record's database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from supplychain.cli import options
from supplychain.cli.console import say
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.failures import Exit

if TYPE_CHECKING:
    from supplychain.records.version import SchemaStatus

app = typer.Typer(help="Care for the database of the record.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Care for the database of the record."""


@app.command()
@options.command(options.RECORD)
def upgrade(shared: Context, output: options.Output = OutputFormat.TEXT) -> None:
    """Bring the database to the schema that is needed; makes it where there is none.

    \b
    Examples:
      supplychain db upgrade
      SUPPLYCHAIN_DATABASE=postgresql://db.example/records supplychain db upgrade
    """
    from supplychain.records import migrating

    _show(migrating.upgrade(shared.settings.database_url), shared, output)


@app.command()
@options.command(options.RECORD)
def status(shared: Context, output: options.Output = OutputFormat.TEXT) -> None:
    """Show which schema the database has; exits with 1 where another is needed.

    A newer one is none too many where it says `compatible`: this version may go
    on working on it while the newer one is rolled out.

    \b
    Examples:
      supplychain db status
      supplychain db status --output json
    """
    from supplychain.records import version
    from supplychain.records.database import open_engine

    found = version.status(open_engine(shared.settings.database_url))
    _show(found, shared, output)
    if not found.usable:
        say("try: supplychain db upgrade")
        raise typer.Exit(Exit.FAULT)


def _show(status: SchemaStatus, shared: Context, output: OutputFormat) -> None:
    shown = shared.settings.shown_database
    if output is OutputFormat.JSON:
        write_json(
            {
                "database": shown,
                "state": str(status.state),
                "current": status.current,
                "needed": status.head,
            }
        )
        return
    current = status.current or "none"
    write(f"{shown}\nschema {current}, needed {status.head}: {status.state}\n")
