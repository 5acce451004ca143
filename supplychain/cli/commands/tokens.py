"""`supplychain tokens`: what machines and people come to the service with."""

from __future__ import annotations

from typing import Annotated

import typer

from supplychain.cli import access_options as given
from supplychain.cli import options
from supplychain.cli.access_lines import scope_words, token_line
from supplychain.cli.console import printable, say
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.place import Works, place
from supplychain.cli.times import ago
from supplychain.export.access_data import token_data

app = typer.Typer(help="Make and revoke tokens for the service.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Make and revoke tokens for the service."""


@app.command()
@options.command(options.RECORD, options.ACTOR, works=Works.ANYWHERE)
def create(
    shared: Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="what it is for", show_default=False)],
    roles: given.Roles,
    projects: given.Projects = None,
    everywhere: given.AllProjects = False,
    owner: Annotated[
        str | None,
        typer.Option(
            "--owner",
            metavar="WHO",
            help="in whose name it acts: machine:NAME for a machine; else you",
            show_default=False,
        ),
    ] = None,
    expires: Annotated[
        str, typer.Option("--expires", metavar="DURATION", help="after how long it ends")
    ] = "90d",
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Make a token, and show it this once.

    What is kept of it opens nothing. What is done with it is done in its owner's
    name: nobody approves what they asked for, whichever of their tokens they use.

    \b
    Examples:
      supplychain tokens create ci-shop --role submitter --owner machine:jenkins
      supplychain tokens create audit --role auditor --all-projects --expires 30d
    """
    from supplychain.gate.durations import parse_duration

    now, lasts = shared.now(), parse_duration(expires)
    scope = given.scope_of(shared, roles, projects, everywhere=everywhere)
    with place(shared) as asked:
        made = asked.tokens.create(name, owner, scope, lasts=lasts, at=now)
    if output is OutputFormat.JSON:
        write_json({**token_data(made.token, now), "token": made.text})
        return
    write(f"{made.text}\n")
    what = f"{made.token.owner}: {scope_words(made.token.scope)}"
    say(f"{printable(what)}; it ends {ago(made.token.expires_at, now)}, and is not shown again")


@app.command("list")
@options.command(options.RECORD, works=Works.ANYWHERE)
def list_(
    shared: Context,
    owner: Annotated[
        str | None,
        typer.Option(
            "--owner",
            metavar="WHO",
            help="only theirs; else everybody's",
            show_default=False,
        ),
    ] = None,
    ended: Annotated[
        bool, typer.Option("--ended", help="those too that open nothing any more")
    ] = False,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """List tokens: whose they are, what they may do, when they were last used.

    \b
    Examples:
      supplychain tokens list
      supplychain tokens list --owner machine:jenkins --ended --output json
    """
    now = shared.now()
    with place(shared) as asked:
        found = asked.tokens.all(owner=owner, at=now, ended=ended)
    if output is OutputFormat.JSON:
        write_json({"tokens": [token_data(token, now) for token in found]})
        return
    write("".join(f"{token_line(token, shared.paint, now)}\n" for token in found))


@app.command()
@options.command(options.RECORD, options.ACTOR, works=Works.ANYWHERE)
def revoke(
    shared: Context,
    token: Annotated[
        str, typer.Argument(metavar="ID", help="its public part, as `tokens list` has it")
    ],
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Let a token open nothing from now on.

    \b
    Examples:
      supplychain tokens revoke k3v9x2m4q7ab
    """
    now = shared.now()
    with place(shared) as asked:
        ended = asked.tokens.revoke(token, at=now)
    if output is OutputFormat.JSON:
        write_json(token_data(ended, now))
        return
    write(f"{ended.identifier} of {printable(ended.owner)} opens nothing any more\n")
