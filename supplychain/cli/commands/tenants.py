"""`supplychain organisations|projects`: whose everything is."""

from __future__ import annotations

from typing import Annotated

import typer

from supplychain.cli import options
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.place import Works, place

organisations = typer.Typer(
    help="Keep organisations apart that share a service.", no_args_is_help=True
)
projects = typer.Typer(help="Keep the projects of an organisation apart.", no_args_is_help=True)
_Name = Annotated[str, typer.Argument(metavar="NAME", help="its name", show_default=False)]


@organisations.callback()
def _organisations() -> None:
    """Keep organisations apart that share a service."""


@projects.callback()
def _projects() -> None:
    """Keep the projects of an organisation apart."""


@organisations.command("create")
@options.command(options.RECORD, options.ACTOR)
def create_organisation(
    shared: Context, name: _Name, output: options.Output = OutputFormat.TEXT
) -> None:
    """Make an organisation, with a project `default` of its own.

    Nobody of another organisation sees anything of it.

    \b
    Examples:
      supplychain organisations create bank
    """
    from supplychain.bootstrap.access import open_organisations

    with open_organisations(shared.settings) as found:
        made = found.create(name, at=shared.now())
    if output is OutputFormat.JSON:
        write_json({"name": made.name, "projects": list(made.projects)})
        return
    write(f"{made.name}\n")


@organisations.command("list")
@options.command(options.RECORD)
def list_organisations(shared: Context, output: options.Output = OutputFormat.TEXT) -> None:
    """List organisations with their projects.

    \b
    Examples:
      supplychain organisations list
      supplychain organisations list --output json
    """
    from supplychain.bootstrap.access import open_organisations

    with open_organisations(shared.settings) as door:
        found = door.all()
    if output is OutputFormat.JSON:
        rows = [{"name": one.name, "projects": list(one.projects)} for one in found]
        write_json({"organisations": rows})
        return
    write("".join(f"{one.name}  {', '.join(one.projects)}\n" for one in found))


@projects.command("create")
@options.command(options.RECORD, options.ACTOR, works=Works.ANYWHERE)
def create_project(
    shared: Context, name: _Name, output: options.Output = OutputFormat.TEXT
) -> None:
    """Make a project in the organisation of the settings.

    \b
    Examples:
      supplychain projects create shop
      SUPPLYCHAIN_ORGANISATION=bank supplychain projects create ledger
    """
    with place(shared) as asked:
        asked.projects.create(name, at=shared.now())
    if output is OutputFormat.JSON:
        write_json({"name": name})
        return
    write(f"{name}\n")


@projects.command("list")
@options.command(options.RECORD, works=Works.ANYWHERE)
def list_projects(shared: Context, output: options.Output = OutputFormat.TEXT) -> None:
    """List the projects of the organisation of the settings.

    \b
    Examples:
      supplychain projects list
      supplychain projects list --output json
    """
    with place(shared) as asked:
        found = asked.projects.all()
    if output is OutputFormat.JSON:
        write_json({"projects": list(found)})
        return
    write("".join(f"{name}\n" for name in found))
