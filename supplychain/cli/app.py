"""The tree of commands: one line each, in the order in which people need them."""

from __future__ import annotations

from typing import Annotated

import typer

from supplychain.cli.commands import (
    approvals,
    attestations,
    blobs,
    config,
    copy,
    db,
    decisions,
    deployments,
    doctor,
    export,
    feeds,
    gate,
    images,
    keys,
    policy,
    run,
    stages,
    vulndb,
)
from supplychain.cli.context import context as context_of
from supplychain.cli.context import write
from supplychain.cli.versions import version_lines

_MAIN = "First steps"
_STAGES = "Single stages"
_PEOPLE = "Environments and people"
_CARE = "Care"

app = typer.Typer(
    name="supplychain",
    help="May this digest run there, and why?",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_WELCOME = """\
May this digest run there, and why?

  supplychain doctor                      what is missing on this machine, and how to get it
  supplychain vulndb pull                 fetch a vulnerability database and prove it
  supplychain keys generate               make a key to sign with
  supplychain run IMAGE -e prod --key K   verify, scan, describe, sign, record and judge
  supplychain gate IMAGE -e prod          ask the record: may it run there, and why?

supplychain --help lists every command; supplychain COMMAND --help has examples.
"""


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="show the versions of everything involved")
    ] = False,
) -> None:
    """May this digest run there, and why?"""
    if version:
        write("".join(f"{line}\n" for line in version_lines(context_of({}))))
    elif context.invoked_subcommand is None:
        write(_WELCOME)


app.command("doctor", rich_help_panel=_MAIN)(doctor.doctor)
app.add_typer(vulndb.app, name="vulndb", rich_help_panel=_MAIN)
app.command("run", rich_help_panel=_MAIN)(run.run)
app.command("gate", rich_help_panel=_MAIN)(gate.gate)
app.add_typer(decisions.app, name="decisions", rich_help_panel=_MAIN)
app.add_typer(images.app, name="images", rich_help_panel=_MAIN)
app.command("scan", rich_help_panel=_STAGES)(stages.scan)
app.command("sbom", rich_help_panel=_STAGES)(stages.sbom)
app.command("sign", rich_help_panel=_STAGES)(stages.sign)
app.command("attest", rich_help_panel=_STAGES)(stages.attest)
app.command("verify", rich_help_panel=_STAGES)(stages.verify)
app.command("sign-blob", rich_help_panel=_STAGES)(blobs.sign_blob)
app.command("verify-blob", rich_help_panel=_STAGES)(blobs.verify_blob)
app.add_typer(attestations.app, name="attestations", rich_help_panel=_STAGES)
app.command("copy", rich_help_panel=_STAGES)(copy.copy)
app.add_typer(approvals.app, name="approvals", rich_help_panel=_PEOPLE)
app.add_typer(deployments.app, name="deployments", rich_help_panel=_PEOPLE)
app.add_typer(export.app, name="export", rich_help_panel=_CARE)
app.add_typer(feeds.app, name="feeds", rich_help_panel=_CARE)
app.add_typer(policy.app, name="policy", rich_help_panel=_CARE)
app.add_typer(keys.app, name="keys", rich_help_panel=_CARE)
app.add_typer(db.app, name="db", rich_help_panel=_CARE)
app.add_typer(config.app, name="config", rich_help_panel=_CARE)
