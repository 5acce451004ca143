"""`supplychain members`: the people of an organisation, and what they are."""

from __future__ import annotations

from typing import Annotated

import typer

from supplychain.cli import access_options as given
from supplychain.cli import options
from supplychain.cli.access_lines import member_line
from supplychain.cli.console import printable
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.place import Works, place
from supplychain.export.access_data import member_data
from supplychain.model.access import Member

app = typer.Typer(help="Say who the people are, and what they may do.", no_args_is_help=True)
_Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="the one name that everything has them by", show_default=False
    ),
]


@app.callback()
def _group() -> None:
    """Say who the people are, and what they may do."""


@app.command()
@options.command(options.RECORD, options.ACTOR, works=Works.ANYWHERE)
def add(
    shared: Context,
    name: _Name,
    issuer: given.Issuer,
    roles: given.Roles,
    subject: Annotated[
        str, typer.Option("--subject", metavar="NAME", help="what the issuer calls them")
    ] = "",
    email: Annotated[
        str,
        typer.Option(
            "--email",
            metavar="ADDRESS",
            help="their address, until they first log in; the issuer has to have verified it",
        ),
    ] = "",
    projects: given.Projects = None,
    everywhere: given.AllProjects = False,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Let somebody log in, with these roles.

    Policies, waivers and approvals name people as you name them here.

    \b
    Examples:
      supplychain members add alice@example.com --issuer https://login.example \\
        --email alice@example.com --role submitter
      supplychain members add bob --issuer https://login.example \\
        --subject 00u1x9 --role waiver-approver --all-projects
    """
    member = Member(
        name=name,
        issuer=issuer,
        subject=subject,
        email=email.lower(),
        scope=given.scope_of(shared, roles, projects, everywhere=everywhere),
        created_at=shared.now(),
        created_by="",
    )
    with place(shared) as asked:
        made = asked.members.add(member)
    _present(made, output)


@app.command()
@options.command(options.RECORD, options.ACTOR, works=Works.ANYWHERE)
def change(
    shared: Context,
    name: _Name,
    roles: given.Roles,
    projects: given.Projects = None,
    everywhere: given.AllProjects = False,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Give somebody these roles instead of those that they have; their tokens follow.

    \b
    Examples:
      supplychain members change alice@example.com --role submitter --role auditor
    """
    scope = given.scope_of(shared, roles, projects, everywhere=everywhere)
    with place(shared) as asked:
        member = asked.members.change(name, scope, at=shared.now())
    _present(member, output)


@app.command("list")
@options.command(options.RECORD, works=Works.ANYWHERE)
def list_(shared: Context, output: options.Output = OutputFormat.TEXT) -> None:
    """List the people, and what they are.

    \b
    Examples:
      supplychain members list
      supplychain members list --output json
    """
    with place(shared) as asked:
        found = asked.members.all()
    if output is OutputFormat.JSON:
        write_json({"members": [member_data(member) for member in found]})
        return
    write("".join(f"{member_line(member)}\n" for member in found))


@app.command()
@options.command(options.RECORD, options.ACTOR, works=Works.ANYWHERE)
def remove(shared: Context, name: _Name, output: options.Output = OutputFormat.TEXT) -> None:
    """Let somebody in no longer: tokens that they have open nothing any more.

    \b
    Examples:
      supplychain members remove alice@example.com
    """
    with place(shared) as asked:
        gone = asked.members.remove(name, at=shared.now())
    if output is OutputFormat.JSON:
        write_json(member_data(gone))
        return
    write(f"{printable(gone.name)} is no member any more\n")


def _present(member: Member, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        write_json(member_data(member))
        return
    write(f"{member_line(member)}\n")
