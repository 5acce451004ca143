"""`supplychain config`: which value holds, and where it came from."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

import typer

from supplychain.cli import options
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.place import Works
from supplychain.errors import InputError
from supplychain.settings import SETTINGS

app = typer.Typer(help="Show the settings in force.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Show the settings in force."""


@app.command()
@options.command(options.RECORD, works=Works.ALONE)
def show(
    shared: Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="SETTING", help="only this setting", show_default=False),
    ] = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Show every setting, its value and where that came from; secrets are masked.

    \b
    Examples:
      supplychain config show
      supplychain config show database
      SUPPLYCHAIN_DATA_DIR=/srv/supplychain supplychain config show -o json
    """
    settings = shared.settings
    values = [settings.value(s.name) for s in SETTINGS if name in {None, s.name}]
    if not values:
        near = get_close_matches(name or "", [s.name for s in SETTINGS], n=1)
        raise InputError(
            f"there is no setting {name!r}",
            hint=f"did you mean {near[0]!r}?" if near else "supplychain config show",
        )
    resolved = {
        "data_dir": str(settings.data_dir),
        "cache_dir": str(settings.cache_dir),
        "database": settings.shown_database,
        "content": settings.content_url,
    }
    rows = [
        {
            "name": v.setting.name,
            "value": v.shown or resolved.get(v.setting.name, ""),
            "origin": v.origin if v.text or v.setting.name not in resolved else "default",
            "help": v.setting.help,
        }
        for v in values
    ]
    if output is OutputFormat.JSON:
        write_json({"settings": rows})
        return
    width = max(len(row["name"]) for row in rows)
    write(
        "".join(f"{r['name']:<{width}}  {r['value'] or '-'}  ({r['origin']})\n" for r in rows), None
    )
