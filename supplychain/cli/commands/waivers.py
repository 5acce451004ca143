"""`supplychain waivers`: risks that people accept for a while, and who said so."""

from __future__ import annotations

import typer

from supplychain.cli.commands.waiver_answers import approve, reject, revoke
from supplychain.cli.commands.waiver_import import import_
from supplychain.cli.commands.waiver_requests import change, extend, request
from supplychain.cli.commands.waiver_views import list_, show

app = typer.Typer(help="Accept risks for a while, by the word of others.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Accept risks for a while, by the word of others."""


for _name, _command in (
    ("request", request),
    ("approve", approve),
    ("reject", reject),
    ("revoke", revoke),
    ("extend", extend),
    ("change", change),
    ("list", list_),
    ("show", show),
    ("import", import_),
):
    app.command(_name)(_command)
