"""`supplychain decisions`: what was decided, why it changed, and that it comes out again."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from supplychain.cli import options
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.decided_lines import compared, listed, show_chain
from supplychain.cli.judgement import check_environment, environment_of
from supplychain.cli.numbers import number
from supplychain.cli.place import Works, place
from supplychain.cli.times import moment
from supplychain.cli.verdict import lines
from supplychain.errors import InputError, NotFoundError, VerificationError
from supplychain.export.data import decision_data, difference_data

if TYPE_CHECKING:
    from datetime import datetime

    from supplychain.bootstrap.here import Here
    from supplychain.client.there import There
    from supplychain.model.decision import Verdict

app = typer.Typer(help="See, compare, replay and verify decisions.", no_args_is_help=True)

_MANY = 100_000
_ID = Annotated[
    str, typer.Argument(metavar="ID", help="a decision, by its ID or the beginning of it")
]
_Since = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="TIME", help="2026-01-31T09:00:00Z, a date, or 36h for so long ago"
    ),
]


@app.callback()
def _group() -> None:
    """See, compare, replay and verify decisions. Nothing here records anything."""


@app.command("list")
@options.command(options.RECORD, works=Works.ANYWHERE)
def list_(
    shared: Context,
    image: Annotated[
        str | None, typer.Argument(metavar="IMAGE", help="about this image", show_default=False)
    ] = None,
    environment: options.Environment = None,
    verdict: Annotated[
        str | None, typer.Option("--verdict", metavar="VERDICT", help="allow, deny or pending")
    ] = None,
    since: _Since = None,
    limit: Annotated[int, number(says="at most so many")] = 50,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """List decisions on record, the newest first.

    \b
    Examples:
      supplychain decisions list
      supplychain decisions list registry.example/shop:1.4 -e prod
      supplychain decisions list --verdict deny --since 7d --output json
    """
    now = shared.now()
    with place(shared) as asked:
        found = asked.decisions.list(
            image=image,
            environment=check_environment(environment) if environment else None,
            verdict=_verdict(verdict),
            since=moment(since, now) if since else None,
            limit=limit,
        )
    if output is OutputFormat.JSON:
        write_json({"decisions": [decision_data(one) for one in found]})
        return
    write("".join(f"{listed(one, shared.paint, now)}\n" for one in found))


@app.command()
@options.command(options.RECORD, works=Works.ANYWHERE)
def show(
    shared: Context,
    decision: _ID,
    everything: options.Everything = False,
    output: options.Output = OutputFormat.TEXT,
    output_file: options.OutputFile = None,
) -> None:
    """Show a decision as the gate printed it; as JSON, its very bytes.

    Exits with 0 whatever the verdict was: it is no answer to a question of today.

    \b
    Examples:
      supplychain decisions show 4be1f3c02a9d
      supplychain decisions show 4be1f3c02a9d --output json
    """
    with place(shared) as asked:
        found, document, identity = asked.decisions.get(decision)
    if output is OutputFormat.JSON:
        write(document, output_file)
        return
    text = lines(found, identity, shared.paint, now=found.decided_at, everything=everything)
    write("\n".join(text) + "\n", output_file)


@app.command()
@options.command(options.RECORD, options.REGISTRY, works=Works.ANYWHERE)
def diff(
    shared: Context,
    first: Annotated[
        str, typer.Argument(metavar="A|IMAGE", help="the earlier decision; or, with -e, an image")
    ],
    second: Annotated[
        str | None, typer.Argument(metavar="[B]", help="the later decision", show_default=False)
    ] = None,
    environment: options.Environment = None,
    since: _Since = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Show why a later decision says something else than an earlier one.

    Of an image in an environment these are its last two decisions; with --since,
    the one that stood then and the last one.

    \b
    Examples:
      supplychain decisions diff 4be1f3c02a9d 90ab12cd34ef
      supplychain decisions diff registry.example/shop:1.4 -e prod
      supplychain decisions diff registry.example/shop:1.4 -e prod --since 7d
    """
    with place(shared) as asked:
        if second is None:
            named, begin = environment_of(shared, environment), None
            if since is not None:
                begin = moment(since, shared.now())
            first, second = _last_two(asked, first, named, begin)
        found = asked.decisions.difference(first, second)
    if output is OutputFormat.JSON:
        write_json(difference_data(found))
        return
    write("\n".join(compared(found, shared.paint, shared.now())) + "\n")


@app.command()
@options.command(options.RECORD, works=Works.ANYWHERE)
def replay(
    shared: Context,
    decision: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="a recorded decision", show_default=False)
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--file", metavar="FOLDER", help="one that `decisions export` wrote"),
    ] = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Judge again what was judged then: it has to come out byte for byte.

    It takes the decision, its policy and what it was made from, and no record and
    no network where these are in a folder. Exits with 0 if it comes out, whatever
    the verdict, and with 1 and the difference if not.

    \b
    Examples:
      supplychain decisions replay 4be1f3c02a9d
      supplychain decisions replay --file evidence/4be1f3c02a9d
    """
    if (decision is None) == (folder is None):
        raise InputError(
            "name one decision, or one folder", hint="supplychain decisions replay 4be1f3c02a9d"
        )
    if folder is not None:
        from supplychain.bootstrap import decided
        from supplychain.model.digest import Digest

        found = decided.read_bundle(folder)
        then, identity = decided.replay_documents(found), Digest.of(found.document)
    else:
        with place(shared) as asked:
            then, identity = asked.decisions.replay(str(decision))
    if output is OutputFormat.JSON:
        write_json({"decision": str(identity), "verdict": then.verdict.value, "same": True})
        return
    write(f"same  decision {identity}: {then.verdict} in {then.environment}, byte for byte\n")


@app.command()
@options.command(options.RECORD, works=Works.ANYWHERE)
def verify(
    shared: Context,
    noted: Annotated[
        list[str] | None,
        typer.Option(
            "--link", metavar="DIGEST", help="a link that was noted earlier; it has to be there"
        ),
    ] = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Verify the chain of decisions: none taken out, changed, moved or put in.

    Note the newest link where whoever writes the database cannot: only that shows
    a chain whose end was cut off, or that was written anew as a whole.

    \b
    Examples:
      supplychain decisions verify
      supplychain decisions verify --output json
    """
    from supplychain.model.digest import Digest

    links = [Digest.parse(text) for text in noted or ()]
    with place(shared) as asked:
        found = asked.decisions.verify(links)
    show_chain(shared, found, output, counted="decisions", whole="as they were recorded")
    if found.breaks:
        raise VerificationError(
            f"the record of decisions is not as it was written: {len(found.breaks)} breaks",
            because=found.breaks[0].what,
            hint="compare it with a backup, and trust no verdict of it until then",
        )


@app.command()
@options.command(options.RECORD)
def export(
    shared: Context,
    decision: _ID,
    folder: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="a new folder for it")],
) -> None:
    """Write a decision, its policy and what it was made from into a folder.

    Whoever has it can replay the decision, without the record.

    \b
    Examples:
      supplychain decisions export 4be1f3c02a9d --to evidence/4be1f3c02a9d
    """
    from supplychain.bootstrap import decided, parts

    with parts.open_record(shared.settings) as record:
        found = record.ledger.replayable(record.ledger.find(decision))
    decided.write_bundle(found, folder)
    write(f"{folder}\n")


def _last_two(
    asked: Here | There, image: str, environment: str, since: datetime | None
) -> tuple[str, str]:
    """The last two decisions about an image; or the one that stood at an instant, and the last.

    Raises:
        NotFoundError: There are no two, or no such image.
        ConflictError: More than one image is called so.
    """
    listed = partial(asked.decisions.list, environment=environment, verdict=None)
    found = listed(image=image, since=None, limit=2)
    earlier = found[1:]
    if found and since is not None:
        # What was typed may mean another image by now.
        listed = partial(listed, image=str(found[0].subject.digest))
        stood = listed(since=None, until=since, limit=1)
        # Nobody had asked by then: the first answer after it is the earliest that there is.
        earlier = stood or listed(since=since, limit=_MANY)[-1:]
    if not earlier or earlier[0] == found[0]:
        raise NotFoundError(
            f"there are no two decisions about {image} in {environment} to compare",
            hint=f"supplychain decisions list {image} -e {environment}",
        )
    return str(earlier[0].digest), str(found[0].digest)


def _verdict(text: str | None) -> Verdict | None:
    from supplychain.model.decision import Verdict

    if text is None:
        return None
    if text not in set(Verdict):
        raise InputError(f"{text[:40]!r} is no verdict", hint="allow, deny or pending")
    return Verdict(text)
