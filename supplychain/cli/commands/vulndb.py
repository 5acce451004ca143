"""`supplychain vulndb`: the vulnerability databases that scans rely on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from supplychain.cli import options
from supplychain.cli.console import say
from supplychain.cli.context import Context, OutputFormat, rfc3339, write, write_json
from supplychain.cli.failures import Exit
from supplychain.cli.place import Works
from supplychain.cli.times import ago
from supplychain.errors import SupplyChainError
from supplychain.pipeline.progress import stage

if TYPE_CHECKING:
    from supplychain.scan.scanner import DatabaseGeneration

app = typer.Typer(help="Care for the vulnerability databases.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Care for the vulnerability databases."""


@app.command("import")
@options.command(options.RECORD, options.SCANNING, works=Works.ALONE)
def import_(
    shared: Context,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="a folder with trivy.db and metadata.json, or a db.tar.gz",
            show_default=False,
        ),
    ],
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Check a database, prove it with canaries, put it in force; needs no network.

    \b
    Examples:
      supplychain vulndb import ./trivy-db
      supplychain vulndb import db.tar.gz --output json
    """
    from supplychain.bootstrap import parts

    with shared.progress(output) as progress:
        tool = parts.trivy(shared.settings)
        with stage(progress, "prove", str(source)) as done:
            generation = parts.databases(shared.settings).import_database(
                source, trivy=tool, at=shared.now()
            )
            done.text = f"{', '.join(generation.proven)}"
    _show(generation, shared, output)


@app.command()
@options.command(options.RECORD, options.SCANNING, options.REGISTRY, works=Works.ALONE)
def pull(
    shared: Context,
    db_repository: Annotated[
        str | None,
        typer.Option(
            "--db-repository",
            metavar="REFERENCE",
            help="where the database is published",
            show_default="ghcr.io/aquasecurity/trivy-db:2",
        ),
    ] = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Fetch the newest database, prove it with canaries, and put it in force.

    The login in SUPPLYCHAIN_REGISTRY_… is for images: for the database Docker's
    logins are used, or the one that --registry-username names here.

    \b
    Examples:
      supplychain vulndb pull
      supplychain vulndb pull --db-repository registry.example/mirror/trivy-db:2
    """
    from supplychain.bootstrap import parts
    from supplychain.images.reference import Reference
    from supplychain.images.registry.repository import RegistryRepository

    settings = shared.settings
    reference = Reference.parse(db_repository or settings.text("db_repository") or "")
    # Who types this says where: what images may be taken from is another question.
    login = replace(parts.registry_options(settings), guard=None)
    if settings.value("registry_username").origin != "flag":
        login = replace(login, username=None, password=None, token=None)
    store = RegistryRepository(reference, login)
    with shared.progress(output) as progress:
        tool = parts.trivy(settings)
        with stage(progress, "pull", str(reference)) as done:
            seen = 0

            def moved(so_far: int, _size: int) -> None:
                nonlocal seen
                progress.advance(so_far - seen)
                seen = so_far

            generation = parts.databases(settings).pull(
                store,
                reference.digest or reference.tag or "2",
                trivy=tool,
                at=shared.now(),
                progress=moved,
            )
            done.text = f"{reference}: proven for {', '.join(generation.proven)}"
    _show(generation, shared, output)


@app.command()
@options.command(options.RECORD, works=Works.ALONE)
def status(shared: Context, output: options.Output = OutputFormat.TEXT) -> None:
    """Show the database in force and its age; exits with 1 where a scan would refuse it.

    \b
    Examples:
      supplychain vulndb status
      supplychain vulndb status --output json
    """
    from datetime import timedelta

    from supplychain.bootstrap import parts

    found = parts.databases(shared.settings).current()
    _show(found, shared, output)
    try:
        found.require_fresh(shared.now(), timedelta(seconds=shared.settings.duration("db_max_age")))
    except SupplyChainError as error:
        say(f"error: {error}")
        say(f"try: {error.hint}")
        raise typer.Exit(Exit.FAULT) from error


def _show(generation: DatabaseGeneration, shared: Context, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        write_json(
            {
                "digest": str(generation.digest),
                "updated_at": rfc3339(generation.updated_at),
                "proven": list(generation.proven),
            }
        )
        return
    age = ago(generation.updated_at, shared.now())
    write(f"{generation.digest}\nbuilt {age}, proven for {', '.join(generation.proven)}\n")
