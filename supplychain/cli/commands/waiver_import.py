"""`supplychain waivers import`: requests, from what other programs were told to ignore."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from supplychain.cli import options
from supplychain.cli import waiver_options as given
from supplychain.cli.console import say
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.waiver_lines import line
from supplychain.errors import InputError
from supplychain.export.data import waiver_data

if TYPE_CHECKING:
    from supplychain.bootstrap.waiver_import import Item

# Of those that cannot be asked for, an error names so many.
_SHOWN = 20
# What a large estate exports.
_LIMIT = 64 * 1024 * 1024


@options.command(options.RECORD, options.ACTOR)
def import_(
    shared: Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help=".trivyignore, .trivyignore.yaml, or Dependency-Track's findings, .json",
            show_default=False,
        ),
    ],
    environment: given.Environments = None,
    expires: given.Expires = None,
    owner: given.Owner = None,
    ticket: given.Ticket = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="ask for what can be asked for, leave the rest")
    ] = False,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Ask for waivers of what Trivy or Dependency-Track was told to ignore.

    Each item becomes a request, which counts once somebody else approves it. All
    are asked for or none, unless you say --keep-going.

    \b
    Examples:
      supplychain waivers import .trivyignore -e prod --expires 30d
      supplychain waivers import findings.json --expires 14d --keep-going
    """
    from supplychain.bootstrap import parts
    from supplychain.bootstrap.trust import read_document
    from supplychain.bootstrap.waiver_import import Asking, items_of
    from supplychain.bootstrap.waivers import expiry
    from supplychain.scan.ignores import read_ignores

    now, settings = shared.now(), shared.settings
    actor = parts.actor(settings)
    asking = Asking(
        tuple(sorted(set(environment or ()))),
        expiry(expires, now) if expires else None,
        owner or actor,
        ticket or "",
        file.name,
    )
    ignored = read_ignores(read_document(file, "list of what is ignored", limit=_LIMIT), file.name)
    with parts.open_record(settings) as record:
        items = tuple(items_of(ignored, asking, record, settings, at=now))
        refused = [item for item in items if item.problem]
        if refused and not keep_going:
            raise _refusal(file, refused, len(items))
        wanted = {item.terms.scope: item.terms for item in items if item.terms}
        made = [record.waivers.request(t, actor=actor, at=now) for t in wanted.values()]
    if output is OutputFormat.JSON:
        skipped = [
            {"place": i.place, "what": i.what, "problem": i.problem, "asked": i.asked or None}
            for i in items
            if not i.terms
        ]
        write_json({"waivers": [waiver_data(w, now) for w in made], "skipped": skipped})
        return
    write("".join(f"{line(waiver, shared.paint, now)}\n" for waiver in made))
    for item in items:
        if item.problem or item.asked:
            why = item.problem or f"{item.asked} is about that already"
            say(f"left out: {item.place}, {item.what}: {why}")


def _refusal(file: Path, refused: Sequence[Item], count: int) -> InputError:
    told = [f"{item.place}, {item.what}: {item.problem}" for item in refused[:_SHOWN]]
    more = [f"and {len(refused) - _SHOWN} more"] if len(refused) > _SHOWN else []
    return InputError(
        f"{len(refused)} of {count} items of {file} cannot be asked for, so none was",
        because=" · ".join(told + more),
        hint="correct them, or ask for the others with --keep-going",
    )
