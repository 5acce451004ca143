"""`supplychain deployments`: what runs where, as it is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from supplychain.cli import options
from supplychain.cli.console import Paint, printable
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.judgement import check_environment, environment_of
from supplychain.cli.place import Works, place
from supplychain.cli.times import ago, span
from supplychain.export.data import deployment_data, report_data

if TYPE_CHECKING:
    from datetime import datetime

    from supplychain.model.history import Deployment, Event

app = typer.Typer(help="Report and see what runs where.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Report and see what runs where."""


@app.command()
@options.command(options.RECORD, options.ACTOR, options.REGISTRY, works=Works.ANYWHERE)
def report(
    shared: Context,
    image: options.Image,
    environment: options.Environment = None,
    beside: Annotated[
        bool,
        typer.Option(
            "--beside", help="beside what runs of its repository, as a canary; else in its place"
        ),
    ] = False,
    reason: options.Reason = "",
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Report that an image runs in an environment from now on.

    Rules `promoted-from` and `drift` ask what is reported so. A report is no
    question: ask the gate first.

    \b
    Examples:
      supplychain deployments report registry.example/shop@sha256:1f3c… -e staging
      supplychain deployments report registry.example/shop:1.4 -e prod --beside
    """
    from supplychain.model.history import Event

    event = Event.STARTED_BESIDE if beside else Event.STARTED
    _record(shared, image, environment, event, reason, output)


@app.command()
@options.command(options.RECORD, options.ACTOR, options.REGISTRY, works=Works.ANYWHERE)
def end(
    shared: Context,
    image: options.Image,
    environment: options.Environment = None,
    reason: options.Reason = "",
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Report that an image runs in an environment no longer.

    \b
    Examples:
      supplychain deployments end registry.example/shop@sha256:1f3c… -e staging
    """
    from supplychain.model.history import Event

    _record(shared, image, environment, Event.ENDED, reason, output)


@app.command("list")
@options.command(options.RECORD, works=Works.ANYWHERE)
def list_(
    shared: Context,
    environment: options.Environment = None,
    everything: Annotated[
        bool, typer.Option("--all", help="show what has ended too", show_default=False)
    ] = False,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """List what runs where, the newest first.

    \b
    Examples:
      supplychain deployments list
      supplychain deployments list -e prod --all --output json
    """
    now = shared.now()
    named = check_environment(environment) if environment else None
    with place(shared) as asked:
        shown = asked.reports.deployments(named, ended=everything, at=now)
    if output is OutputFormat.JSON:
        write_json({"deployments": [deployment_data(d) for d in shown]})
        return
    for deployment in shown:
        write(f"{_line(deployment, shared.paint, now)}\n")


def _record(
    shared: Context,
    image: str,
    environment: str | None,
    event: Event,
    reason: str,
    output: OutputFormat,
) -> None:
    from supplychain.model.history import Event

    named, now = environment_of(shared, environment), shared.now()
    with place(shared) as asked:
        said = asked.reports.deployment(event, image, named, reason=reason, at=now)
    if output is OutputFormat.JSON:
        write_json({**report_data(said), "reported_by": said.actor})
        return
    what = "no longer runs" if event is Event.ENDED else "runs"
    subject = printable(str(said.subject))
    write(f"{subject} {what} in {said.environment}, says {printable(said.actor)}\n")


def _line(deployment: Deployment, paint: Paint, now: datetime) -> str:
    if deployment.until_at is None:
        state = paint("green", f"runs since {ago(deployment.since_at, now)}")
    else:
        lasted = span(deployment.until_at - deployment.since_at)
        state = paint("dim", f"ran for {lasted}, ended {ago(deployment.until_at, now)}")
    what = printable(str(deployment.subject))
    return f"{printable(deployment.environment):<12} {what}  {state}"
