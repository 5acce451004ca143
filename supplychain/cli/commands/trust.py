"""`supplychain trust`: whose CI jobs may have a token for a while, by their own OIDC tokens."""

from __future__ import annotations

from typing import Annotated

import typer

from supplychain.cli import access_options as given
from supplychain.cli import options
from supplychain.cli.access_lines import rule_lines
from supplychain.cli.console import printable
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.place import Works, place
from supplychain.export.access_data import rule_data

app = typer.Typer(help="Trust CI jobs by their own OIDC tokens.", no_args_is_help=True)
_Name = Annotated[str, typer.Argument(metavar="NAME", help="the rule's", show_default=False)]


@app.callback()
def _group() -> None:
    """Trust CI jobs by their own OIDC tokens."""


@app.command()
@options.command(options.RECORD, options.ACTOR, works=Works.ANYWHERE)
def add(
    shared: Context,
    name: _Name,
    issuer: given.Issuer,
    claims: Annotated[
        list[str],
        typer.Option(
            "--claim",
            metavar="NAME=VALUE",
            help="what its token has to say, compared whole; a name that begins with / is a JSON "
            "pointer; given twice with one name, either value will do",
            show_default=False,
        ),
    ],
    roles: given.Roles,
    audience: Annotated[
        str, typer.Option("--audience", metavar="NAME", help="for whom its token has to be")
    ] = "supplychain",
    projects: given.Projects = None,
    everywhere: given.AllProjects = False,
    lifetime: Annotated[
        str, typer.Option("--lifetime", metavar="DURATION", help="how long its token here lasts")
    ] = "15m",
    jwks_url: Annotated[
        str,
        typer.Option(
            "--jwks-url", metavar="URL", help="where the issuer's keys are; else the issuer says"
        ),
    ] = "",
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Let jobs whose token says this have a token here for a while.

    They act as machine:NAME. Match what nobody can take over: numbers of
    repositories and projects, not their names.

    \b
    Examples:
      supplychain trust add shop \\
        --issuer https://token.actions.githubusercontent.com \\
        --claim repository_id=7421 --claim environment=release --role submitter
      supplychain trust add shop --issuer https://gitlab.example \\
        --claim project_id=42 --claim ref_protected=true --role submitter
      supplychain trust add argo --issuer https://kubernetes.default.svc \\
        --claim sub=system:serviceaccount:argo:deploy --role viewer
    """
    from supplychain.bootstrap.access import claims_from
    from supplychain.gate.durations import parse_duration
    from supplychain.model.access import TrustRule

    rule = TrustRule(
        name=name,
        issuer=issuer,
        audience=audience,
        claims=claims_from(claims),
        scope=given.scope_of(shared, roles, projects, everywhere=everywhere),
        lifetime=parse_duration(lifetime),
        jwks_url=jwks_url,
        created_at=shared.now(),
        created_by="",
    )
    with place(shared) as asked:
        made = asked.trust.add(rule)
    if output is OutputFormat.JSON:
        write_json(rule_data(made))
        return
    write("".join(f"{line}\n" for line in rule_lines(made)))


@app.command("list")
@options.command(options.RECORD, works=Works.ANYWHERE)
def list_(shared: Context, output: options.Output = OutputFormat.TEXT) -> None:
    """List the rules of trust.

    \b
    Examples:
      supplychain trust list
      supplychain trust list --output json
    """
    with place(shared) as asked:
        found = asked.trust.all()
    if output is OutputFormat.JSON:
        write_json({"rules": [rule_data(rule) for rule in found]})
        return
    write("".join(f"{line}\n" for rule in found for line in rule_lines(rule)))


@app.command()
@options.command(options.RECORD, options.ACTOR, works=Works.ANYWHERE)
def remove(shared: Context, name: _Name, output: options.Output = OutputFormat.TEXT) -> None:
    """Trust the jobs of a rule no longer: tokens that they have open nothing any more.

    \b
    Examples:
      supplychain trust remove shop
    """
    with place(shared) as asked:
        gone = asked.trust.remove(name, at=shared.now())
    if output is OutputFormat.JSON:
        write_json(rule_data(gone))
        return
    write(f"{printable(gone.name)} is trusted no longer\n")
