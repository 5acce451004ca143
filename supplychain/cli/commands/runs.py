"""`supplychain runs`: what workers are asked to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from supplychain.cli import options
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.failures import Exit
from supplychain.cli.numbers import number
from supplychain.cli.place import Works, place
from supplychain.cli.run_lines import event_line, run_line, run_lines
from supplychain.export.runs import event_data, run_data
from supplychain.model.runs import Priority, RunRequest, RunState

if TYPE_CHECKING:
    from supplychain.bootstrap.here import Here
    from supplychain.client.there import There
    from supplychain.model.runs import Run

app = typer.Typer(help="Ask workers for runs, and see what became of them.", no_args_is_help=True)

RunId = Annotated[str, typer.Argument(metavar="RUN", help="the run's id", show_default=False)]


@app.callback()
def _group() -> None:
    """Ask workers for runs, and see what became of them."""


@app.command()
@options.command(options.RECORD, options.ACTOR, works=Works.ANYWHERE)
def submit(
    shared: Context,
    source: options.Source,
    environment: options.Environment = None,
    platform: options.Platform = None,
    sign: Annotated[
        bool, typer.Option("--sign/--no-sign", help="sign and attest what was found")
    ] = True,
    priority: Annotated[
        str, typer.Option("--priority", metavar="WHICH", help="gate, normal or bulk")
    ] = "normal",
    key: Annotated[
        str | None,
        typer.Option(
            "--idempotency-key",
            metavar="KEY",
            help="submitted again under it, it is the same run",
            show_default=False,
        ),
    ] = None,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", help="stay and tell how it goes, as `runs follow`")
    ] = False,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Ask for a run; a worker takes it up.

    \b
    Examples:
      supplychain runs submit registry.example/shop:1.4 -e prod
      supplychain runs submit registry.example/shop:1.4 -e prod --follow
      supplychain runs submit oci:build/shop --no-sign --priority bulk
    """
    request = RunRequest(source, platform or "", environment or "", sign, _priority(priority))
    with place(shared, create=True) as asked:
        run = asked.runs.submit(request, key=key, at=shared.now())
        if follow:
            _follow(asked, run.id, 0, output)
    _show(shared, run, output)


@app.command("list")
@options.command(options.RECORD, works=Works.ANYWHERE)
def list_(
    shared: Context,
    states: Annotated[
        list[RunState] | None,
        typer.Option("--state", help="only those that stand so", show_default=False),
    ] = None,
    limit: Annotated[int, number(says="at most so many")] = 20,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """List runs, the newest first; dead ones are those that killed their workers.

    \b
    Examples:
      supplychain runs list
      supplychain runs list --state dead --output json
    """
    with place(shared) as asked:
        found = asked.runs.list(states=states or (), limit=limit)
    if output is OutputFormat.JSON:
        write_json({"runs": [run_data(run) for run in found]})
        return
    now = shared.now()
    write("".join(f"{run_line(run, shared.paint, now)}\n" for run in found))


@app.command()
@options.command(options.RECORD, works=Works.ANYWHERE)
def show(shared: Context, run: RunId, output: options.Output = OutputFormat.TEXT) -> None:
    """Show a run: where it stands, what came of it, or why it failed.

    \b
    Examples:
      supplychain runs show 0199f0c2-7b1e-7c3a-9d55-2f6a1b0c4d5e
    """
    with place(shared) as asked:
        found = asked.runs.get(run)
    _show(shared, found, output)


@app.command()
@options.command(options.RECORD, works=Works.ANYWHERE)
def follow(
    shared: Context,
    run: RunId,
    after: Annotated[int, number(least=0, most=999_999_999, says="only what came after")] = 0,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Tell what happens to a run until it is over; exits with 0 where it succeeded.

    \b
    Examples:
      supplychain runs follow 0199f0c2-7b1e-7c3a-9d55-2f6a1b0c4d5e
    """
    with place(shared) as asked:
        _follow(asked, run, after, output)


@app.command()
@options.command(options.RECORD, options.ACTOR, works=Works.ANYWHERE)
def cancel(shared: Context, run: RunId, output: options.Output = OutputFormat.TEXT) -> None:
    """Stop a run; what it has not recorded yet is not recorded.

    \b
    Examples:
      supplychain runs cancel 0199f0c2-7b1e-7c3a-9d55-2f6a1b0c4d5e
    """
    with place(shared) as asked:
        found = asked.runs.cancel(run, at=shared.now())
    _show(shared, found, output)


@app.command()
@options.command(options.RECORD, options.ACTOR, works=Works.ANYWHERE)
def again(shared: Context, run: RunId, output: options.Output = OutputFormat.TEXT) -> None:
    """Ask for the same once more: a failed run, a dead one, or any that is over.

    \b
    Examples:
      supplychain runs again 0199f0c2-7b1e-7c3a-9d55-2f6a1b0c4d5e
    """
    with place(shared) as asked:
        found = asked.runs.again(run, at=shared.now())
    _show(shared, found, output)


def _show(shared: Context, run: Run, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        write_json(run_data(run))
        return
    write("".join(f"{line}\n" for line in run_lines(run, shared.paint, shared.now())))


def _follow(asked: Here | There, run: str, after: int, output: OutputFormat) -> NoReturn:
    """Tell of a run until it is over, then end with what came of it."""
    for event in asked.runs.follow(run, after):
        text = event_line(event)
        if output is OutputFormat.JSON:
            text = json.dumps(event_data(event), ensure_ascii=False)
        write(f"{text}\n")
    state = asked.runs.get(run).state
    raise typer.Exit(Exit.ALLOW if state is RunState.SUCCEEDED else Exit.FAULT)


def _priority(text: str) -> Priority:
    from supplychain.errors import InputError

    named = {one.name.lower(): one for one in Priority}
    if text not in named:
        raise InputError(f"{text[:20]!r} is no priority", hint="gate, normal or bulk")
    return named[text]
