"""The tree of commands: one line each, in the order in which people need them."""

from __future__ import annotations

import typer

from supplychain.cli.commands import config, db, keys, policy

_MAIN = "First steps"
_MORE = "Single stages"
_CARE = "Care"

app = typer.Typer(
    name="supplychain",
    help="May this digest run there, and why?",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(policy.app, name="policy", rich_help_panel=_CARE)
app.add_typer(keys.app, name="keys", rich_help_panel=_CARE)
app.add_typer(db.app, name="db", rich_help_panel=_CARE)
app.add_typer(config.app, name="config", rich_help_panel=_CARE)
